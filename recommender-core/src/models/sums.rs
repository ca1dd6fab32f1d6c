//! Scores that add up over a profile: each of its items adds a sparse row.

use crate::error::Result;
use crate::ids::{DenseIndex, ItemIx};
use crate::query::Query;
use crate::ranked::Ranked;
use crate::sparse::{Accumulator, SparseMatrix, SparseRow};

/// The scores of one query in the making, kept from one query to the next for its room.
#[derive(Debug)]
pub(super) struct Sums(Accumulator);

impl Sums {
    /// Room for the scores of `items` items.
    pub(super) fn new(items: usize) -> Self {
        Self(Accumulator::new(items))
    }

    /// Adds the row of each item of `profile`, times its weight where that is above zero; says whether there was one.
    pub(super) fn add_profile(
        &mut self,
        rows: &SparseMatrix,
        profile: impl IntoIterator<Item = (ItemIx, f32)>,
    ) -> bool {
        let mut known = false;
        for (item, weight) in profile {
            if item.position() < rows.rows() && weight > 0.0 {
                self.0.add(weight, rows.row(item.position()));
                known = true;
            }
        }
        known
    }

    /// Adds rows, each times its factor.
    pub(super) fn add_rows(
        &mut self,
        rows: &SparseMatrix,
        factors: impl IntoIterator<Item = (usize, f32)>,
    ) {
        for (row, factor) in factors {
            self.0.add(factor, rows.row(row));
        }
    }

    /// Adds single items, each once and below the number there is room for.
    pub(super) fn add_items(&mut self, items: impl IntoIterator<Item = (ItemIx, f32)>) {
        for (ItemIx(item), score) in items {
            let row = SparseRow {
                indices: &[item],
                values: &[score],
            };
            self.0.add(1.0, row);
        }
    }

    /// Items with a score, each once.
    pub(super) fn entries(&self) -> impl Iterator<Item = (ItemIx, f32)> + '_ {
        self.0.entries().map(|(item, sum)| (ItemIx(item), sum))
    }

    /// Whether `item` has a score.
    pub(super) fn holds(&self, item: u32) -> bool {
        self.0.holds(item)
    }

    /// The best items; the sums are empty again.
    pub(super) fn take_ranked(&mut self, query: &Query) -> Result<Ranked> {
        let Self(sums) = self;
        let mut scores = sums.drain().map(|(item, sum)| (ItemIx(item), sum));
        let ranked = Ranked::top(query, scores.by_ref());
        // An error and a limit of zero leave some behind.
        scores.for_each(drop);
        ranked
    }

    /// As [`Sums::take_ranked`], without items whose sum is not above zero.
    pub(super) fn take_positive(&mut self, query: &Query) -> Result<Ranked> {
        let Self(sums) = self;
        let mut scores = sums.drain().map(|(item, sum)| (ItemIx(item), sum));
        let ranked = Ranked::top(query, scores.by_ref().filter(|&(_, sum)| sum > 0.0));
        scores.for_each(drop);
        ranked
    }

    /// Makes the sums empty again.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
