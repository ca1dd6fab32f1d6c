//! One piece of work, as it is kept.

use std::time::{Instant, SystemTime};

use prost_types::Any;
use tokio::sync::watch;

use crate::operations::Progress;
use crate::proto::OperationMetadata;
use crate::proto::longrunning::{Operation, operation};

/// Before the id in the name of an operation.
pub(super) const PREFIX: &str = "operations/";

/// What came of it: the answer, or why there is none.
pub(super) type Outcome = Result<Any, tonic_types::Status>;

/// When it ended, by both clocks, and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) at: Instant,
    time: SystemTime,
    outcome: Outcome,
}

/// One piece of work.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) method: &'static str,
    target: String,
    created: SystemTime,
    pub(super) progress: Progress,
    ended: watch::Sender<Option<Ended>>,
}

impl Entry {
    pub(super) fn new(name: String, method: &'static str, target: String) -> Self {
        Self {
            name,
            method,
            target,
            created: SystemTime::now(),
            progress: Progress::default(),
            ended: watch::Sender::new(None),
        }
    }

    /// Notes that it ended, and tells those who wait.
    pub(super) fn end(&self, outcome: Outcome) {
        self.ended.send_replace(Some(Ended {
            at: Instant::now(),
            time: SystemTime::now(),
            outcome,
        }));
    }

    /// When it ended; none while it goes on.
    pub(super) fn ended_at(&self) -> Option<Instant> {
        self.ended.borrow().as_ref().map(|ended| ended.at)
    }

    /// Waits until it ended.
    pub(super) async fn wait(&self) {
        let mut ended = self.ended.subscribe();
        // The sender is this entry's own: it can't be gone.
        let _ = ended.wait_for(Option::is_some).await;
    }

    /// How it stands, as callers are told.
    pub(super) fn operation(&self) -> Operation {
        let ended = self.ended.borrow().clone();
        let (stage, progress, succeeded, failed) = self.progress.told();
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let metadata = OperationMetadata {
            method: self.method.to_owned(),
            target: self.target.clone(),
            create_time: Some(self.created.into()),
            end_time: ended.as_ref().map(|ended| ended.time.into()),
            stage,
            progress,
            success_count: count(succeeded),
            failure_count: count(failed),
            cancel_requested: self.progress.is_cancelled(),
        };
        Operation {
            name: self.name.clone(),
            // Only a message that is too long for its buffer can't be encoded, and this one's buffer grows.
            metadata: Any::from_msg(&metadata).ok(),
            done: ended.is_some(),
            result: ended.map(|ended| match ended.outcome {
                Ok(response) => operation::Result::Response(response),
                Err(status) => operation::Result::Error(status),
            }),
        }
    }
}
