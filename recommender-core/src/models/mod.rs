//! The algorithms, one room each with the same furniture: `mod.rs` (the fitted model),
//! `config.rs` (what it is), `fit.rs` (how it is learned).
//!
//! Every model has `XxxConfig { … }` (plain serde data, unknown keys refused) with
//! `validate()`, `fit(&Dataset, &FitOptions) -> Result<Xxx>` and `load(&Tensors) -> Result<Xxx>`,
//! and a fitted `Xxx` that implements [`Model`].

pub mod association_rules;
pub mod bpr;
pub mod content;
pub mod ease;
pub mod graph_filter;
pub mod ials;
pub mod item_knn;
pub mod personal_frequency;
pub mod popularity;
#[cfg(test)]
mod purchases;
pub mod random;
pub mod repurchase;
mod revisits;
pub mod rp3beta;
pub mod sansa;
pub mod sequence;
pub mod sequential_rules;
mod shoppers;
pub mod slim;
mod small_sums;
mod stored_config;
mod sums;
pub mod tifu_knn;
pub mod up_cf;
pub mod user_knn;
mod visit;
pub mod vmis_knn;
pub mod vstan;

pub use association_rules::{AssociationRules, AssociationRulesConfig, RuleAggregation, RuleScore};
pub use bpr::{Bpr, BprConfig, Negatives};
pub use content::{Content, ContentConfig};
pub use ease::{Ease, EaseConfig, EdlaeConfig, RdlaeConfig};
pub use graph_filter::{GraphFilter, GraphFilterConfig, Preset, Response};
pub use ials::{Ials, IalsConfig};
pub use item_knn::{Aggregation, ItemKnn, ItemKnnConfig, Similarity};
pub use personal_frequency::{PersonalFrequency, PersonalFrequencyConfig};
pub use popularity::{Count, Popularity, PopularityConfig};
pub use random::{Random, RandomConfig};
pub use repurchase::{Repurchase, RepurchaseConfig};
pub use rp3beta::{Rp3Beta, Rp3BetaConfig};
pub use sansa::{Sansa, SansaConfig};
pub use sequence::{Sequence, SequenceConfig};
pub use sequential_rules::{SequentialRules, SequentialRulesConfig, StepWeight};
pub use slim::{Slim, SlimConfig};
pub use tifu_knn::{Nearness, TifuKnn, TifuKnnConfig};
pub use up_cf::{UpCf, UpCfConfig};
pub use user_knn::{UserKnn, UserKnnConfig};
pub use vmis_knn::{Idf, PositionWeight, VmisKnn, VmisKnnConfig};
pub use vstan::{Vstan, VstanConfig};

use std::any::Any;

use crate::artifact::TensorSink;
use crate::recommender::Recommender;

/// How a fitted model follows a [`Change`](crate::dataset::Change) of its data, both ways: interactions that come and
/// interactions that are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// It becomes what a new fit to the changed data gives, byte for byte or, where its docs say so, to rounding.
    Exact,
    /// It learns on from where it stands: near what a new fit gives, in less time.
    Approximate,
    /// It is fitted anew.
    Refit,
}

/// A fitted model: it answers queries and can be put down in an artefact.
pub trait Model: Recommender + Any {
    /// Puts everything learned into `tensors`; the model's configuration stands in the manifest.
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>);

    /// One more than the highest item number it can answer: an artefact that knows fewer items is not its own.
    fn item_bound(&self) -> usize;
}
