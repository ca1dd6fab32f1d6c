//! What a built-in space needs to know of the data.

use std::collections::BTreeSet;

use crate::dataset::Dataset;
use crate::events::EventKind;

/// What a built-in space needs to know of the data, so that it searches no range that can't matter.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFacts {
    /// Items with an interaction, at least 1.
    pub items: usize,
    /// Users with an interaction, at least 1.
    pub users: usize,
    /// Days from the first event to the last; 0 without times.
    pub span_days: f64,
    /// Whether a user can have an item more than once, so that how events combine matters.
    pub repeats: bool,
    /// Whether quantities differ.
    pub quantities: bool,
    /// Kinds of events that weigh something, in their order.
    pub kinds: Vec<EventKind>,
}

impl DataFacts {
    /// The facts of `dataset`.
    #[must_use]
    pub fn of(dataset: &Dataset) -> Self {
        let interactions = dataset.interactions();
        let (mut first, mut quantities) = (interactions.end(), false);
        let mut kinds = BTreeSet::new();
        for event in dataset.events() {
            first = first.min(event.time);
            quantities |= event.quantity != 1.0;
            if !kinds.contains(&event.kind) {
                kinds.insert(event.kind.clone());
            }
        }
        let weighs = |kind: &EventKind| {
            let weight = dataset.config().kind_weight(kind);
            weight.is_ok_and(|weight| weight > 0.0)
        };
        let filled = |matrix: &crate::sparse::SparseMatrix| {
            let rows = 0..matrix.rows();
            rows.filter(|&row| !matrix.row(row).is_empty())
                .count()
                .max(1)
        };
        Self {
            items: filled(interactions.by_item()),
            users: filled(interactions.by_user()),
            span_days: interactions.end().days_since(first),
            repeats: dataset.events().len() > interactions.by_user().nnz(),
            quantities,
            kinds: kinds.into_iter().filter(weighs).collect(),
        }
    }
}
