//! Events weighed and frozen into matrices.

mod builder;
mod config;
mod history;

pub use builder::InteractionsBuilder;
pub use config::{Combine, InteractionConfig, Quantity};
pub use history::HistoryEvent;

use serde::Serialize;

use crate::sparse::SparseMatrix;
use crate::time::Timestamp;

/// The user × item matrix both ways: rows sorted, no duplicates, positive finite weights.
/// Only [`InteractionsBuilder`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Interactions {
    by_user: SparseMatrix,
    by_item: SparseMatrix,
    end: Timestamp,
    report: InteractionReport,
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

    /// What became of the events.
    #[must_use]
    pub fn report(&self) -> &InteractionReport {
        &self.report
    }

    /// Returns and removals that found nothing to take back.
    #[must_use]
    pub fn unmatched_returns(&self) -> u64 {
        self.report.unmatched_returns
    }
}

/// What became of the events that were weighed. Each is counted in exactly one place:
/// `events = weighed + weightless + taken_back + returns + partly_matched_returns + unmatched_returns`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct InteractionReport {
    /// Events looked at.
    pub events: u64,
    /// Events that add to a weight, some of their pieces perhaps taken back.
    pub weighed: u64,
    /// Events that weigh nothing: of a kind or channel with weight 0, a rating below the least, or with a product that
    /// their shopper refuses.
    pub weightless: u64,
    /// Events all of whose pieces were taken back.
    pub taken_back: u64,
    /// Returns and removals whose pieces were all found.
    pub returns: u64,
    /// Returns and removals of more pieces than there were to take back.
    pub partly_matched_returns: u64,
    /// Returns and removals that found nothing to take back.
    pub unmatched_returns: u64,
}

impl InteractionReport {
    /// Adds the counts of other events.
    fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.weighed += other.weighed;
        self.weightless += other.weightless;
        self.taken_back += other.taken_back;
        self.returns += other.returns;
        self.partly_matched_returns += other.partly_matched_returns;
        self.unmatched_returns += other.unmatched_returns;
    }
}
