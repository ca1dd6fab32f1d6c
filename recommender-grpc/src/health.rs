//! `grpc.health.v1`: whether this server should be sent requests.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// What `Watch` gives.
type Watch = std::pin::Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

/// Whether this server should be sent requests: no until it is ready, no while it drains.
///
/// Draining ends the streams of those who watch, after they were told: a watcher would otherwise hold
/// the server up for as long as it pleases.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    /// None once draining.
    sender: Arc<Mutex<Option<watch::Sender<ServingStatus>>>>,
    status: watch::Receiver<ServingStatus>,
    services: Arc<[&'static str]>,
}

impl Health {
    /// Not serving yet; answers for `services` and for the server as a whole, which is called "".
    pub(crate) fn new(services: &[&'static str]) -> Self {
        let (sender, status) = watch::channel(ServingStatus::NotServing);
        Self {
            sender: Arc::new(Mutex::new(Some(sender))),
            status,
            services: services.into(),
        }
    }

    /// Says that requests are welcome, unless the server drains already.
    pub(crate) fn ready(&self) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*sender {
            // Who watches is told of changes alone.
            sender.send_if_modified(|status| {
                let before = std::mem::replace(status, ServingStatus::Serving);
                before != ServingStatus::Serving
            });
        }
    }

    /// Says that requests should go elsewhere, for good.
    pub(crate) fn drain(&self) {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = sender.take() {
            sender.send_replace(ServingStatus::NotServing);
        }
    }

    /// Whether requests are welcome.
    pub(crate) fn is_serving(&self) -> bool {
        *self.status.borrow() == ServingStatus::Serving
    }

    fn knows(&self, service: &str) -> bool {
        service.is_empty() || self.services.contains(&service)
    }
}

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        if !self.knows(&service) {
            // The name is not repeated: a status travels in headers, and one that is too large breaks the connection.
            let known = self.services.join(", ");
            return Err(Status::not_found(format!(
                "there is no such service; there are: {known}"
            )));
        }
        Ok(Response::new(answer(*self.status.borrow())))
    }

    type WatchStream = Watch;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let known = self.knows(&request.into_inner().service);
        let stream = WatchStream::new(self.status.clone()).map(move |status| {
            Ok(answer(if known {
                status
            } else {
                ServingStatus::ServiceUnknown
            }))
        });
        Ok(Response::new(Box::pin(stream)))
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}
