//! What every call passes on its way in: the connection, then the layers around the services.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_web::GrpcWebLayer;
use tower::Service;
use tower::layer::Layer;
use tower::util::MapResponseLayer;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::error::ServeError;
use crate::page::{self, Page};
use crate::resilience::{Accepting, Bound, Bounds};
use crate::security::audit::AuditLog;
use crate::security::tls::{self, Encryption};
use crate::security::{
    Authenticate, Credentials, Door, Watched, check_exposure, check_metrics_exposure,
};
use crate::settings::Settings;
use crate::telemetry::Metrics;
use crate::telemetry::observe::Observe;
use crate::telemetry::traces::Traces;
use crate::wire_faults;

/// Largest head of a call, in bytes: names, credentials, a trace.
const HEAD_BYTES: u32 = 16 * 1024;

/// Bytes that a client may send before they are read: of one call, and of all calls of a connection. The transport closes
/// a connection on which small frames pile up, once what they cost beside their content is past half of its window: a
/// stream of small events that has to wait must come to rest before that.
const WINDOWS: (u32, u32) = (128 * 1024, 2 * 1024 * 1024);

/// Calls that a client may take back before they were looked at: more are an attack.
const TAKEN_BACK: usize = 64;

/// How long browsers keep in mind which origins may call.
const CORS_AGE: Duration = Duration::from_secs(3600);

/// A port, and what is offered there.
type Port = (TcpListener, Routes);

/// The ports of a server.
#[derive(Debug)]
pub(crate) struct Ports {
    /// That of the services.
    pub(crate) services: Port,
    /// That of `AdminService`, if it is offered.
    pub(crate) admin: Option<Port>,
}

/// The way in to a server's services.
#[derive(Debug)]
pub(crate) struct Entrance {
    settings: Settings,
    door: Arc<Door>,
    encryption: Option<Watched<Encryption>>,
    cors: CorsLayer,
}

impl Entrance {
    /// The way in that `settings` describe. Their files are read now.
    ///
    /// # Errors
    /// [`ServeError::Setting`] if it would be open to everybody without a word that it should be, or an origin is none;
    /// [`ServeError::File`] if a file can't be used.
    pub(crate) fn open(settings: &Settings) -> Result<Self, ServeError> {
        let security = &settings.security;
        check_exposure(settings.listen, security)?;
        if let Some(address) = settings.telemetry.metrics_listen {
            check_metrics_exposure(address, security)?;
        }
        let credentials = security.credentials_file.clone().map(Credentials::open);
        let door = Door {
            credentials: credentials.transpose()?,
            open_reflection: security.open_reflection,
            audit: AuditLog::open(security.audit_file.as_deref())?,
        };
        Ok(Self {
            door: Arc::new(door),
            encryption: security.tls.as_ref().map(tls::open).transpose()?,
            cors: cors(&security.cors_origins)?,
            settings: settings.clone(),
        })
    }

    /// The certificates of the server, if it has any.
    pub(crate) fn encryption(&self) -> Option<Watched<Encryption>> {
        self.encryption.clone()
    }

    /// Lets calls in from `listener` until `signal`, then until the last is answered; tells figures besides.
    ///
    /// # Errors
    /// [`ServeError::Setting`] if `listener` is open to everybody without a word that it should be, or the collector of
    /// traces has no address; [`ServeError::Bind`] if figures can't be told; [`ServeError::Transport`].
    pub(crate) async fn serve(
        self,
        ports: Ports,
        page: Page,
        signal: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let listeners = ports.admin.iter().chain([&ports.services]);
        for address in listeners.filter_map(|(listener, _)| listener.local_addr().ok()) {
            check_exposure(address, &self.settings.security)?;
        }
        let traces = Traces::open(&self.settings.telemetry)?;
        let metrics = page.shop.metrics.clone();
        // Ends with the server, however that ends.
        let mut beside = self.beside(page).await?;
        let open = |(listener, routes): Port| {
            let resilience = self.settings.resilience;
            let bounds = (resilience.max_connections, resilience.handshake_timeout);
            let incoming = Accepting::new(bounds, self.encryption.clone(), metrics.clone());
            let service = self.layered(routes, metrics.clone(), traces.clone());
            (service, incoming.from(listener))
        };
        let (ended, end) = tokio::sync::watch::channel(false);
        let until_ended = |mut end: tokio::sync::watch::Receiver<bool>| async move {
            // The sender is dropped only when the server ends anyhow.
            let _ = end.wait_for(|&ended| ended).await;
        };
        let signal = async move {
            signal.await;
            let _ = ended.send(true);
        };
        let (service, incoming) = open(ports.services);
        let services = self.transport();
        let services = services.serve_with_incoming_shutdown(service, incoming, signal);
        let admin = ports.admin.map(open).map(|(service, incoming)| {
            let signal = until_ended(end.clone());
            self.transport()
                .serve_with_incoming_shutdown(service, incoming, signal)
        });
        let admin = async {
            match admin {
                Some(admin) => admin.await,
                None => Ok(()),
            }
        };
        tokio::try_join!(services, admin)?;
        beside.abort_all();
        let closed = tokio::task::spawn_blocking(move || traces.close()).await;
        if let Err(error) = closed {
            tracing::warn!(%error, "the last spans were not sent");
        }
        Ok(())
    }

    /// What goes on beside the calls: files are looked at, figures told.
    async fn beside(&self, page: Page) -> Result<JoinSet<()>, ServeError> {
        let mut beside = JoinSet::new();
        let every = self.settings.security.reload_interval;
        if let Some(credentials) = &self.door.credentials {
            beside.spawn(credentials.clone().follow(every));
        }
        if let Some(encryption) = &self.encryption {
            beside.spawn(encryption.clone().follow(every));
        }
        if let Some(address) = self.settings.telemetry.metrics_listen {
            let listener = bind(address).await?;
            let address: SocketAddr = listener.local_addr().unwrap_or(address);
            tracing::info!("figures at http://{address}/metrics");
            beside.spawn(page::serve(listener, page));
        }
        Ok(beside)
    }

    /// The services within their layers: browsers, figures, credentials, bounds.
    fn layered(&self, routes: Routes, metrics: Metrics, traces: Traces) -> impl Layered {
        let bounds = Arc::new(Bounds::new(&self.settings, metrics.clone()));
        let service = MapResponseLayer::new(wire_faults::in_our_words).layer(routes.prepare());
        let service = Bound::new(service, bounds);
        let service = Authenticate::new(service, Arc::clone(&self.door));
        let service = Observe::new(service, metrics, traces);
        self.cors.layer(GrpcWebLayer::new().layer(service))
    }

    fn transport(&self) -> Server {
        let (connection, resilience) = (self.settings.connection, self.settings.resilience);
        Server::builder()
            .accept_http1(true)
            .max_concurrent_streams(connection.max_streams)
            .max_connection_age(connection.max_age)
            .max_connection_age_grace(connection.max_age)
            .http2_keepalive_interval(Some(resilience.keepalive_interval))
            .http2_keepalive_timeout(Some(resilience.keepalive_timeout))
            .http2_max_header_list_size(HEAD_BYTES)
            .http2_max_pending_accept_reset_streams(Some(TAKEN_BACK))
            .initial_stream_window_size(WINDOWS.0)
            .initial_connection_window_size(WINDOWS.1)
    }
}

/// Listens on `address`; port 0 takes a free one.
///
/// # Errors
/// [`ServeError::Bind`], which says so if another program uses the port.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Bind { address, source })
}

/// A service as the transport takes it.
trait Layered:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + 'static
{
}

impl<S> Layered for S
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
}

/// What browsers are told of who may call.
fn cors(origins: &[String]) -> Result<CorsLayer, ServeError> {
    if origins.is_empty() {
        return Ok(CorsLayer::new());
    }
    let wrong = |origin: &String| ServeError::Setting {
        key: "cors_origins",
        expected: "origins such as \"https://shop.example\", or \"*\" alone".to_owned(),
        found: format!("\"{origin}\""),
    };
    let allowed = if origins == ["*"] {
        AllowOrigin::from(Any)
    } else {
        let values = origins.iter().map(|origin| {
            let whole = origin.starts_with("http://") || origin.starts_with("https://");
            let value = HeaderValue::from_str(origin.trim_end_matches('/')).ok();
            value.filter(|_| whole).ok_or_else(|| wrong(origin))
        });
        AllowOrigin::list(values.collect::<Result<Vec<_>, _>>()?)
    };
    let sent = [
        "x-grpc-web",
        "x-user-agent",
        "x-api-key",
        "grpc-timeout",
        "traceparent",
    ];
    let sent = sent.map(HeaderName::from_static).into_iter();
    let read = ["grpc-status", "grpc-message", "grpc-status-details-bin"];
    Ok(CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::POST])
        .allow_headers(
            sent.chain([CONTENT_TYPE, AUTHORIZATION])
                .collect::<Vec<_>>(),
        )
        .expose_headers(read.map(HeaderName::from_static))
        .max_age(CORS_AGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_whole_or_any() {
        let cors = |origins: &[&str]| {
            let origins: Vec<_> = origins.iter().map(|origin| (*origin).to_owned()).collect();
            cors(&origins).map(|_| ())
        };
        assert!(cors(&[]).is_ok());
        assert!(cors(&["*"]).is_ok());
        assert!(cors(&["https://shop.example", "http://localhost:5173/"]).is_ok());
        for origins in [
            &["shop.example"][..],
            &["https://shop.example", "*"],
            &["https://\n"],
        ] {
            let error = cors(origins).unwrap_err().to_string();
            assert!(error.contains("setting \"cors_origins\""), "{error}");
        }
    }
}
