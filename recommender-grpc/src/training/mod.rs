//! Training beside serving: models are kept as documents of the store, trained on its events with bounded threads,
//! judged beside the version in service, written to the disk, and swapped while requests go on.

mod directory;
mod document;
mod erasing;
mod evaluation;
mod giving_way;
mod held_out;
mod in_service;
mod judging;
mod offline;
mod policy;
mod registry;
mod run;
mod schedule;
mod transfer;
mod tuning;

pub(crate) use directory::ModelsDirectory;
pub(crate) use document::{Comparison, Figure, ModelDocument, Promotion, TrainingPolicy, Version};
pub(crate) use evaluation::{
    Cut, Dimension, EvaluationDocument, OfflineOrder, SegmentFigures, Subject,
};
pub(crate) use offline::EVALUATIONS;
pub(crate) use policy::{MOST_SLOTS, PolicyDocument, PolicyOrder, ToldOfList, WarningKind};
pub(crate) use registry::{Registry, Surroundings, promoted};
pub(crate) use run::METRICS;
pub(crate) use transfer::{ArtefactFile, Download, Piece, Upload};
pub(crate) use tuning::{Searched, Storing, Tuned, TuningOrder, TuningResult};

/// The collection of models in resource names.
pub(crate) const MODELS: &str = "models";

/// What sort of thing a model is, as the contract calls it.
pub(crate) const MODEL_TYPE: &str = "recommender.v1.Model";

#[cfg(test)]
mod tests;
