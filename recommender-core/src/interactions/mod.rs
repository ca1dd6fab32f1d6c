//! Events weighed and frozen into matrices.

mod builder;
mod config;
mod history;

pub use builder::InteractionsBuilder;
pub use config::{Combine, InteractionConfig, Quantity};
pub use history::HistoryEvent;

use crate::sparse::SparseMatrix;
use crate::time::Timestamp;

/// The user × item matrix both ways: rows sorted, no duplicates, positive finite weights.
/// Only [`InteractionsBuilder`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Interactions {
    by_user: SparseMatrix,
    by_item: SparseMatrix,
    end: Timestamp,
    unmatched_returns: u64,
}

impl Interactions {
    /// Users × items: the weight of each pair.
    #[must_use]
    pub fn by_user(&self) -> &SparseMatrix {
        &self.by_user
    }

    /// Items × users: the same weights.
    #[must_use]
    pub fn by_item(&self) -> &SparseMatrix {
        &self.by_item
    }

    /// The time of the last event: where decay is counted from.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// Returns and removals that found nothing to take back.
    #[must_use]
    pub fn unmatched_returns(&self) -> u64 {
        self.unmatched_returns
    }
}
