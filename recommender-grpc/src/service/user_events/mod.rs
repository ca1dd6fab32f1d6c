//! The methods of `recommender.v1.UserEventService`.

mod import;
mod list;
mod purge;
mod stream;
mod write;

use std::pin::Pin;
use std::sync::Arc;

use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::convert::{self, Violations};
use crate::proto::longrunning::Operation;
use crate::proto::user_event_service_server::UserEventService;
use crate::proto::{
    BatchWriteUserEventsRequest, BatchWriteUserEventsResponse, ImportUserEventsRequest,
    ListUserEventsRequest, ListUserEventsResponse, PurgeUserEventsRequest, StreamUserEventsRequest,
    StreamUserEventsResponse, WriteUserEventRequest, WriteUserEventResponse,
};
use crate::security::Caller;
use crate::service::deadline;
use crate::service::event_ids::{self, EventIds};
use crate::service::replays::{Repeatable, Replays};
use crate::shop::Shop;
use crate::status::Refusal;

/// The service.
#[derive(Debug)]
pub(crate) struct UserEvents {
    desk: Desk,
    replays: Replays,
}

/// What it takes to take events down. A handle: clones share it.
#[derive(Debug, Clone)]
struct Desk {
    shop: Shop,
    ids: Arc<EventIds>,
}

impl UserEvents {
    pub(crate) fn new(shop: Shop) -> Self {
        let desk = Desk {
            shop,
            ids: Arc::default(),
        };
        Self {
            desk,
            replays: Replays::default(),
        }
    }

    /// Does `work`, or gives what the call of the same request id gave. Of the request only a digest is remembered:
    /// whoever is erased is not kept here.
    async fn once<R: Clone + Send + Sync + 'static>(
        &self,
        (caller, method, id): (&Caller, &'static str, &str),
        request: &impl prost::Message,
        work: impl Future<Output = Result<R, Refusal>> + Send + 'static,
    ) -> Result<Response<R>, Status> {
        let digest = match id {
            "" => String::new(),
            _ => event_ids::digest(request),
        };
        let call = Repeatable {
            caller,
            method,
            id,
            request: &digest,
        };
        Ok(Response::new(self.replays.once(call, work).await?))
    }
}

impl Desk {
    /// Checks that there is a store, and that `parent` is its catalogue.
    fn check_parent(&self, parent: &str) -> Result<(), Refusal> {
        self.shop.store()?;
        let mut wrong = Violations::default();
        convert::check_parent(parent, &self.shop.catalog, &mut wrong);
        wrong.or(())
    }
}

#[tonic::async_trait]
impl UserEventService for UserEvents {
    async fn write_user_event(
        &self,
        request: Request<WriteUserEventRequest>,
    ) -> Result<Response<WriteUserEventResponse>, Status> {
        let deadline = deadline::of(request.metadata(), self.desk.shop.rules.timeout);
        let caller = Caller::of(request.extensions());
        let request = request.into_inner();
        let call = (&caller, "WriteUserEvent", &*request.request_id.clone());
        let (desk, by) = (self.desk.clone(), caller.clone());
        let work = |request| async move { desk.write_one(request, &by, deadline).await };
        let digested = request.clone();
        self.once(call, &digested, work(request)).await
    }

    async fn batch_write_user_events(
        &self,
        request: Request<BatchWriteUserEventsRequest>,
    ) -> Result<Response<BatchWriteUserEventsResponse>, Status> {
        let deadline = deadline::of(request.metadata(), self.desk.shop.rules.timeout);
        let caller = Caller::of(request.extensions());
        let request = request.into_inner();
        let call = (
            &caller,
            "BatchWriteUserEvents",
            &*request.request_id.clone(),
        );
        let (desk, by) = (self.desk.clone(), caller.clone());
        let work = |request| async move { desk.write_batch(request, &by, deadline).await };
        let digested = request.clone();
        self.once(call, &digested, work(request)).await
    }

    type StreamUserEventsStream =
        Pin<Box<dyn Stream<Item = Result<StreamUserEventsResponse, Status>> + Send>>;

    async fn stream_user_events(
        &self,
        request: Request<Streaming<StreamUserEventsRequest>>,
    ) -> Result<Response<Self::StreamUserEventsStream>, Status> {
        self.desk.shop.store()?;
        let acknowledgements = stream::begin(self.desk.clone(), request.into_inner());
        Ok(Response::new(Box::pin(acknowledgements)))
    }

    async fn import_user_events(
        &self,
        request: Request<ImportUserEventsRequest>,
    ) -> Result<Response<Operation>, Status> {
        let caller = Caller::of(request.extensions());
        let request = request.into_inner();
        let call = (&caller, "ImportUserEvents", &*request.request_id.clone());
        let desk = self.desk.clone();
        let digested = request.clone();
        self.once(call, &digested, async move { desk.import(request) })
            .await
    }

    async fn purge_user_events(
        &self,
        request: Request<PurgeUserEventsRequest>,
    ) -> Result<Response<Operation>, Status> {
        let caller = Caller::of(request.extensions());
        let request = request.into_inner();
        let call = (&caller, "PurgeUserEvents", &*request.request_id.clone());
        let desk = self.desk.clone();
        let digested = request.clone();
        self.once(call, &digested, async move { desk.purge(request) })
            .await
    }

    async fn list_user_events(
        &self,
        request: Request<ListUserEventsRequest>,
    ) -> Result<Response<ListUserEventsResponse>, Status> {
        let deadline = deadline::of(request.metadata(), self.desk.shop.rules.timeout);
        let listed = self.desk.list(request.into_inner(), deadline).await?;
        Ok(Response::new(listed))
    }
}
