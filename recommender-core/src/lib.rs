#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod artifact;
pub mod baskets;
pub mod buffer;
pub mod catalog;
pub mod dataset;
mod digits;
pub mod engine;
pub mod error;
pub mod evaluation;
pub mod events;
mod factors;
pub mod histories;
pub mod ids;
pub mod interactions;
pub mod models;
pub mod pipeline;
pub mod query;
pub mod ranked;
pub mod recommender;
pub mod rows;
pub mod rules;
pub mod sessions;
pub mod sparse;
pub mod time;
pub mod tuning;

pub use catalog::{Catalog, Product};
pub use dataset::Dataset;
pub use engine::{Engine, EngineAnswer, EngineRequest};
pub use error::{Error, Result};
pub use ids::{DenseIndex, ItemIx, PlaceIx, UserIx, Vocabulary};
pub use interactions::{InteractionConfig, Interactions};
pub use pipeline::{Pipeline, PipelineConfig};
pub use query::{Candidates, HistoryItem, ItemBits, ItemSet, Query};
pub use ranked::{Ranked, Scored, Source};
pub use recommender::{FitOptions, Recommender, Rerank};
pub use sparse::{SparseMatrix, SparseRow};
pub use time::Timestamp;
