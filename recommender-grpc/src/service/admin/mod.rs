//! The methods of `recommender.v1.AdminService`: snapshots, checks, status and sizes.

mod memory;
mod snapshots;
mod status;

use std::time::{Duration, Instant};

use tonic::{Request, Response, Status};

use crate::convert::Violations;
use crate::convert::sizes;
use crate::proto::admin_service_server::AdminService;
use crate::proto::longrunning::Operation;
use crate::proto::{
    CreateSnapshotRequest, EstimateResourcesRequest, EstimateResourcesResponse, GetStatusRequest,
    GetStatusResponse, RestoreSnapshotRequest, VerifyIntegrityRequest,
};
use crate::service::deadline;
use crate::service::replays::{Repeating, Replays};
use crate::shop::Shop;

/// The service. A handle: clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    shop: Shop,
    started: Instant,
    /// What status reports compare memory with; none asks the system.
    memory_budget_bytes: Option<u64>,
    replays: Replays,
}

impl Admin {
    pub(crate) fn new(shop: Shop, memory_budget_bytes: Option<u64>) -> Self {
        Self {
            shop,
            started: Instant::now(),
            memory_budget_bytes,
            replays: Replays::default(),
        }
    }
}

impl Repeating for Admin {
    fn replays(&self) -> &Replays {
        &self.replays
    }

    fn timeout(&self) -> Duration {
        self.shop.rules.timeout
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn create_snapshot(
        &self,
        request: Request<CreateSnapshotRequest>,
    ) -> Result<Response<Operation>, Status> {
        let call = ("CreateSnapshot", request);
        let work = |it: Self, request| async move { it.create(request) };
        self.once(call, |it| &it.request_id, work).await
    }

    async fn restore_snapshot(
        &self,
        request: Request<RestoreSnapshotRequest>,
    ) -> Result<Response<Operation>, Status> {
        let call = ("RestoreSnapshot", request);
        let work = |it: Self, request| async move { it.restore(request) };
        self.once(call, |it| &it.request_id, work).await
    }

    async fn verify_integrity(
        &self,
        _: Request<VerifyIntegrityRequest>,
    ) -> Result<Response<Operation>, Status> {
        Ok(Response::new(self.verify()?))
    }

    async fn get_status(
        &self,
        request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let deadline = deadline::of(request.metadata(), self.shop.rules.timeout);
        Ok(Response::new(self.status(deadline).await?))
    }

    async fn estimate_resources(
        &self,
        request: Request<EstimateResourcesRequest>,
    ) -> Result<Response<EstimateResourcesResponse>, Status> {
        let mut wrong = Violations::default();
        let kept = self.shop.given.most_bytes();
        let asked = sizes::asked(request.into_inner(), kept, &mut wrong);
        let asked = wrong.or(asked)?;
        Ok(Response::new(sizes::estimate(&asked)))
    }
}
