//! What those who operate the server do.

use recommender_grpc::client::AdminServiceClient;
use recommender_grpc::proto::longrunning::{
    DeleteOperationRequest, GetOperationRequest, ListOperationsRequest,
};
use recommender_grpc::proto::{
    CreateSnapshotRequest, CreateSnapshotResponse, EstimateResourcesRequest, GetStatusRequest,
    RestoreSnapshotRequest, RestoreSnapshotResponse, VerifyIntegrityRequest,
    VerifyIntegrityResponse,
};
use tonic::Code;

use crate::promises::opened::Noting;
use crate::promises::run::Run;
use crate::shop::KINDS;

impl Run {
    fn admin(&self) -> AdminServiceClient<Noting> {
        AdminServiceClient::new(self.server.admin.clone())
    }

    /// Events that are stored: those that were there before the first call, and what is known of shoppers.
    fn event_count(&self) -> i64 {
        i64::try_from(KINDS.len() * 20 * 6 + self.persons.events.len()).unwrap()
    }

    pub(crate) async fn snapshot(&mut self) {
        let snapshot = format!("snapshot-{}", self.number());
        let request = CreateSnapshotRequest {
            snapshot: snapshot.clone(),
            ..CreateSnapshotRequest::default()
        };
        let begun = self.admin().create_snapshot(request).await;
        let made: CreateSnapshotResponse = self.answer(begun).await;
        let contents = made.contents.unwrap();
        assert_eq!(contents.event_count, self.event_count());
        let target = format!("restored-{}", self.number());
        let request = RestoreSnapshotRequest {
            snapshot: snapshot.clone(),
            target: target.clone(),
            ..RestoreSnapshotRequest::default()
        };
        let begun = self.admin().restore_snapshot(request).await;
        let restored: RestoreSnapshotResponse = self.answer(begun).await;
        assert_eq!(restored.contents.unwrap(), contents);
        for folder in [snapshot, target] {
            let folder = self.server.path("snapshots").join(folder);
            std::fs::remove_dir_all(folder).unwrap();
        }
    }

    pub(crate) async fn verify(&mut self) {
        let begun = self
            .admin()
            .verify_integrity(VerifyIntegrityRequest {})
            .await;
        let verified: VerifyIntegrityResponse = self.answer(begun).await;
        assert!(verified.intact, "{verified:?}");
        let estimate = EstimateResourcesRequest {
            users: 1000,
            items: 1000,
            interactions: 10_000,
            ..EstimateResourcesRequest::default()
        };
        self.admin().estimate_resources(estimate).await.unwrap();
    }

    /// How the server says it stands is how it stands.
    pub(crate) async fn look_at_status(&mut self) {
        let status = self.admin().get_status(GetStatusRequest {}).await;
        let status = status.unwrap().into_inner();
        let stored = status.store.unwrap().contents.unwrap();
        assert_eq!(stored.event_count, self.event_count());
        let daily = self.daily().await;
        assert_eq!(status.models[0].version, daily.model_version);
    }

    /// Looks at what was begun, and forgets some of it.
    pub(crate) async fn look_at_operations(&mut self) {
        let list = ListOperationsRequest {
            page_size: 5,
            ..ListOperationsRequest::default()
        };
        let listed = self.operations().list_operations(list).await;
        let listed = listed.unwrap().into_inner().operations;
        let Some(operation) = self.one_of(&listed) else {
            return;
        };
        let name = operation.name.clone();
        let get = GetOperationRequest { name: name.clone() };
        let got = self.operations().get_operation(get.clone()).await;
        assert_eq!(got.unwrap().into_inner(), operation);
        let delete = DeleteOperationRequest { name };
        self.operations().delete_operation(delete).await.unwrap();
        let gone = self.operations().get_operation(get).await.unwrap_err();
        assert_eq!(gone.code(), Code::NotFound);
    }
}
