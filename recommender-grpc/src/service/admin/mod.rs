//! The methods of `recommender.v1.AdminService`: snapshots, checks, status and sizes.

mod memory;
mod snapshots;
mod status;

use std::time::Instant;

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
use crate::shop::Shop;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    shop: Shop,
    started: Instant,
    /// What status reports compare memory with; none asks the system.
    memory_budget_bytes: Option<u64>,
}

impl Admin {
    pub(crate) fn new(shop: Shop, memory_budget_bytes: Option<u64>) -> Self {
        Self {
            shop,
            started: Instant::now(),
            memory_budget_bytes,
        }
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn create_snapshot(
        &self,
        request: Request<CreateSnapshotRequest>,
    ) -> Result<Response<Operation>, Status> {
        Ok(Response::new(self.create(request.into_inner())?))
    }

    async fn restore_snapshot(
        &self,
        request: Request<RestoreSnapshotRequest>,
    ) -> Result<Response<Operation>, Status> {
        Ok(Response::new(self.restore(request.into_inner())?))
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
        let asked = sizes::asked(request.into_inner(), &mut wrong);
        let asked = wrong.or(asked)?;
        Ok(Response::new(sizes::estimate(&asked)))
    }
}
