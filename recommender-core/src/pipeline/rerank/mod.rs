//! What reorders a blended list: rules, diversity.

mod category_cap;

pub use category_cap::{CategoryCap, CategoryCapConfig};

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::error::Result;
use crate::recommender::Rerank;

/// A rerank of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum RerankConfig {
    /// At most so many items of one category near the top.
    CategoryCap(CategoryCapConfig),
}

impl RerankConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`crate::Error::Config`] naming the setting out of range.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::CategoryCap(config) => config.validate(),
        }
    }

    /// The rerank over the products of `catalog`.
    #[must_use]
    pub fn build(&self, catalog: &Catalog) -> Box<dyn Rerank> {
        match self {
            Self::CategoryCap(config) => Box::new(CategoryCap::new(config, catalog)),
        }
    }
}
