//! What metrics beyond accuracy know of the training data and of the run.

use crate::dataset::Dataset;
use crate::ids::{DenseIndex, ItemIx};
use crate::sparse::SparseMatrix;

/// How often each item was learned from, and which items can be recommended at all.
#[derive(Debug)]
pub struct TrainingFacts<'a> {
    users_of_item: &'a SparseMatrix,
    users: usize,
    in_catalogue: Vec<bool>,
}

impl<'a> TrainingFacts<'a> {
    /// The facts of `dataset`, the training part.
    #[must_use]
    pub fn new(dataset: &'a Dataset) -> Self {
        let interactions = dataset.interactions();
        let users_of_item = interactions.by_item();
        let rows = interactions.by_user().iter_rows();
        let known = |item| {
            !users_of_item.row(item).is_empty()
                || dataset.catalog().product(ItemIx::at(item)).is_some()
        };
        Self {
            users_of_item,
            users: rows.filter(|row| !row.is_empty()).count(),
            in_catalogue: (0..users_of_item.rows()).map(known).collect(),
        }
    }

    /// Training users with a history.
    #[must_use]
    pub fn users(&self) -> usize {
        self.users
    }

    /// Training users who have `item` in their history.
    #[must_use]
    pub fn users_of(&self, item: ItemIx) -> &[u32] {
        if item.position() < self.users_of_item.rows() {
            self.users_of_item.row(item.position()).indices
        } else {
            &[]
        }
    }

    /// Whether `item` could be recommended: it was learned from or the catalogue describes it.
    /// An item that only the test part knows is not in the catalogue.
    #[must_use]
    pub fn is_in_catalogue(&self, item: ItemIx) -> bool {
        self.in_catalogue.get(item.position()) == Some(&true)
    }

    /// Items that could be recommended, ascending.
    pub fn catalogue(&self) -> impl Iterator<Item = ItemIx> + '_ {
        let items = self.in_catalogue.iter().enumerate();
        items
            .filter(|&(_, &known)| known)
            .map(|(position, _)| ItemIx::at(position))
    }

    pub(super) fn user_rows(&self) -> usize {
        self.users_of_item.cols()
    }
}

/// How often a run recommended each item within a cut-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    cutoff: usize,
    counts: Vec<u64>,
}

impl Exposure {
    /// No exposure yet, of `items` items.
    #[must_use]
    pub fn new(cutoff: usize, items: usize) -> Self {
        Self {
            cutoff,
            counts: vec![0; items],
        }
    }

    /// Counts one served list. The order of lists makes no difference.
    pub fn add(&mut self, items: &[ItemIx]) {
        for item in items.iter().take(self.cutoff) {
            if let Some(count) = self.counts.get_mut(item.position()) {
                *count += 1;
            }
        }
    }

    /// The cut-off counted within.
    #[must_use]
    pub fn cutoff(&self) -> usize {
        self.cutoff
    }

    /// How often `item` was recommended.
    #[must_use]
    pub fn of(&self, item: ItemIx) -> u64 {
        self.counts.get(item.position()).copied().unwrap_or(0)
    }
}

/// Working memory of one thread, reused from query to query.
#[derive(Debug, Default)]
pub struct Scratch {
    /// One number for each user, all zero between uses.
    pub(super) by_user: Vec<f64>,
}
