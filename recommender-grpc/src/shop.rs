//! What the services of a server share.

use std::sync::Arc;
use std::time::Duration;

use recommender_store::Store;

use crate::answering::GivenAnswers;
use crate::models::Models;
use crate::operations::Operations;
use crate::serving::Recipes;
use crate::settings::{DirectorySettings, EventSettings, RequestLimits};
use crate::status::Refusal;
use crate::telemetry::Metrics;
use crate::training::Registry;
use crate::workers::Workers;

/// What the services of a server share. A handle: clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    /// Name of the one catalogue.
    pub(crate) catalog: Arc<str>,
    /// Events, identities, catalogue, stock; none where a model is served alone.
    pub(crate) store: Option<Store>,
    /// The models, by id.
    pub(crate) models: Models,
    /// The serving configs with their controls.
    pub(crate) recipes: Recipes,
    /// Compute answers.
    pub(crate) workers: Workers,
    /// Do what may take long or block: reading a store's records, imports, exports.
    pub(crate) background: Workers,
    /// Work that goes on after the call that began it was answered.
    pub(crate) operations: Operations,
    /// The models as they are kept, trained and put in service.
    pub(crate) registry: Registry,
    /// The answers given lately.
    pub(crate) given: GivenAnswers,
    /// What requests are held to.
    pub(crate) rules: Rules,
    /// What is counted for those who operate the server.
    pub(crate) metrics: Metrics,
}

/// What requests are held to.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// The serving config that answers when another fails and names none itself.
    pub(crate) fallback: Option<String>,
    /// Bounds of a call.
    pub(crate) limits: RequestLimits,
    /// Time for a call without a deadline.
    pub(crate) timeout: Duration,
    /// What events may be, and where files of them are.
    pub(crate) events: EventSettings,
    /// Where files are that callers may name.
    pub(crate) directories: DirectorySettings,
}

impl Shop {
    /// The store, or why the call can't be answered.
    pub(crate) fn store(&self) -> Result<&Store, Refusal> {
        self.store.as_ref().ok_or(Refusal::NoStore)
    }
}
