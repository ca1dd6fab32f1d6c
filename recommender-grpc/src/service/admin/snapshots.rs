//! Copies of the store, and the check that it is as it was written.

use recommender_store::engine::Contents;
use recommender_store::{StoreError, embedded};

use super::Admin;
use crate::convert::Violations;
use crate::operations::Progress;
use crate::proto::longrunning::Operation;
use crate::proto::{
    CreateSnapshotRequest, CreateSnapshotResponse, RestoreSnapshotRequest, RestoreSnapshotResponse,
    StoreContents, VerifyIntegrityResponse,
};
use crate::service::files::{Below, Chosen};
use crate::settings::is_resource_id;
use crate::status::Refusal;

impl Admin {
    pub(super) fn create(&self, request: CreateSnapshotRequest) -> Result<Operation, Refusal> {
        let store = self.shop.store()?.clone();
        let below = self.snapshot(&request.snapshot, "snapshot")?;
        let work = move |progress: &Progress| {
            progress.stage("copying the store");
            let to = below.vacant()?;
            let contents = store.engine().snapshot(&to).map_err(of_snapshot)?;
            Ok(CreateSnapshotResponse {
                snapshot: request.snapshot,
                contents: Some(wire_contents(contents)),
            })
        };
        self.begin("CreateSnapshot", work)
    }

    pub(super) fn restore(&self, request: RestoreSnapshotRequest) -> Result<Operation, Refusal> {
        let from = self.snapshot(&request.snapshot, "snapshot")?;
        let to = self.snapshot(&request.target, "target")?;
        let work = move |progress: &Progress| {
            progress.stage("checking and copying the snapshot");
            let (from, to) = (from.existing()?, to.vacant()?);
            let contents = embedded::restore(&from, &to).map_err(of_snapshot)?;
            Ok(RestoreSnapshotResponse {
                target: request.target,
                contents: Some(wire_contents(contents)),
            })
        };
        self.begin("RestoreSnapshot", work)
    }

    pub(super) fn verify(&self) -> Result<Operation, Refusal> {
        let store = self.shop.store()?.clone();
        let work = move |progress: &Progress| {
            progress.stage("reading the store");
            match store.engine().verify() {
                Ok(contents) => Ok(VerifyIntegrityResponse {
                    intact: true,
                    problem: String::new(),
                    contents: Some(wire_contents(contents)),
                }),
                Err(error @ StoreError::Damaged { .. }) => Ok(VerifyIntegrityResponse {
                    intact: false,
                    problem: error.to_string(),
                    contents: None,
                }),
                Err(error) => Err(error.into()),
            }
        };
        self.begin("VerifyIntegrity", work)
    }

    fn begin<R: prost::Name>(
        &self,
        method: &'static str,
        work: impl FnOnce(&Progress) -> Result<R, Refusal> + Send + 'static,
    ) -> Result<Operation, Refusal> {
        self.shop.operations.begin(method, String::new(), work)
    }

    fn snapshot(&self, name: &str, field: &'static str) -> Result<Below, Refusal> {
        let plain = name.starts_with(|first: char| first.is_ascii_alphanumeric());
        if !(plain && is_resource_id(name)) {
            let mut wrong = Violations::default();
            let expected =
                "expected letters, digits, \"-\", \"_\" and \".\", the first a letter or digit";
            wrong.add(field, format!("{expected}; found {name:?}"));
            return Err(wrong.into());
        }
        let chosen = Chosen {
            setting: "snapshot_directory",
            directory: self.shop.rules.directories.snapshots.as_deref(),
        };
        Below::new(&chosen, name, field)
    }
}

/// What the operator is told of a snapshot that can't be made or used.
fn of_snapshot(error: StoreError) -> Refusal {
    let reason = match error {
        StoreError::Damaged { .. } | StoreError::Newer { .. } => "SNAPSHOT_DAMAGED",
        StoreError::Full { .. } | StoreError::Io { .. } => "SNAPSHOT_FAILED",
        StoreError::Invalid { .. }
        | StoreError::Busy { .. }
        | StoreError::InUse { .. }
        | StoreError::Unavailable { .. }
        | StoreError::Closed
        | StoreError::Core(_) => return error.into(),
    };
    Refusal::Precondition {
        reason,
        message: error.to_string(),
    }
}

/// What is in a store as the wire has it.
pub(super) fn wire_contents(contents: Contents) -> StoreContents {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    StoreContents {
        event_count: count(contents.events),
        fact_count: count(contents.facts),
        byte_count: count(contents.bytes),
    }
}
