//! A model as it is served.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use recommender_core::Timestamp;
use recommender_core::engine::Engine;

use crate::answering::Desk;
use crate::proto::RecommenderKind;

/// What a test has happen before an answer.
#[cfg(test)]
type Fault = dyn Fn() -> recommender_core::Result<()> + Send + Sync;

/// An engine as it is served: under a version, and with the kind of each of its sources.
pub struct ServedModel {
    engine: Arc<Engine>,
    version: String,
    kinds: HashMap<String, RecommenderKind>,
    desk: Desk,
    #[cfg(test)]
    fault: Option<Box<Fault>>,
    /// Since when it is here to be served.
    since: SystemTime,
}

impl fmt::Debug for ServedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedModel")
            .field("version", &self.version)
            .field("kinds", &self.kinds)
            .finish_non_exhaustive()
    }
}

impl ServedModel {
    /// Serves `engine`; every answer says that `version` gave it.
    #[must_use]
    pub fn new(engine: Arc<Engine>, version: impl Into<String>) -> Self {
        let config = engine.config();
        let kinds = config
            .sources
            .iter()
            .chain(&config.fallback)
            .map(|source| (source.name().to_owned(), kind_of(source.model.name())))
            .collect();
        Self {
            kinds,
            version: version.into(),
            engine,
            desk: Desk::default(),
            since: SystemTime::now(),
            #[cfg(test)]
            fault: None,
        }
    }

    /// As [`ServedModel::new`], with `fault` before every answer.
    #[cfg(test)]
    pub(crate) fn with_fault(
        mut self,
        fault: impl Fn() -> recommender_core::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.fault = Some(Box::new(fault));
        self
    }

    /// The engine that answers.
    #[cfg_attr(
        not(test),
        expect(clippy::unnecessary_wraps, reason = "a test has faults happen here")
    )]
    pub(crate) fn answering(&self) -> recommender_core::Result<&Engine> {
        #[cfg(test)]
        if let Some(fault) = &self.fault {
            fault()?;
        }
        Ok(&self.engine)
    }

    /// What is kept beside the engine.
    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The version that answers name.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How long it is here to be served.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed().unwrap_or_default()
    }

    /// Since when it is here to be served.
    pub(crate) fn since(&self) -> SystemTime {
        self.since
    }

    /// The time of the last event it learned from.
    pub(crate) fn data_end(&self) -> Timestamp {
        self.engine.training().end
    }

    /// What kind of method a source of the engine is.
    pub(crate) fn kind(&self, source: &str) -> RecommenderKind {
        self.kinds.get(source).copied().unwrap_or_default()
    }
}

/// The contract's word for a model of the library.
fn kind_of(model: &str) -> RecommenderKind {
    match model {
        "item_knn" => RecommenderKind::ItemKnn,
        "ease" | "edlae" | "rdlae" | "sansa" | "slim" => RecommenderKind::Ease,
        "user_knn" => RecommenderKind::UserKnn,
        "rp3beta" | "graph_filter" => RecommenderKind::Graph,
        "ials" | "bpr" => RecommenderKind::Factors,
        "content" => RecommenderKind::Content,
        "personal_frequency" | "tifu_knn" | "up_cf" | "repurchase" => RecommenderKind::Repeat,
        "association_rules" => RecommenderKind::Basket,
        "vmis_knn" | "vstan" | "sequential_rules" => RecommenderKind::Session,
        "sequence" => RecommenderKind::Sequence,
        "popularity" => RecommenderKind::Popular,
        _ => RecommenderKind::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use recommender_core::pipeline::ModelConfig;

    use super::*;

    #[test]
    fn every_model_of_the_library_has_a_word_in_the_contract() {
        for name in ModelConfig::NAMES {
            let known = kind_of(name) != RecommenderKind::Unspecified;
            // Random answers are for measuring against, and are no method of the contract.
            assert_eq!(known, *name != "random", "{name}");
        }
    }
}
