//! Scores that add up over a profile: each of its items adds a sparse row.

use std::cell::Cell;
use std::thread;

use crate::error::Result;
use crate::ids::{DenseIndex, ItemIx};
use crate::query::{Candidates, Query};
use crate::ranked::Ranked;
use crate::sparse::{Accumulator, SparseMatrix, SparseRow};

thread_local! {
    /// The room of the last query of this thread: to clear room for all items takes longer than many an answer.
    static KEPT: Cell<Option<Accumulator>> = const { Cell::new(None) };
}

/// The scores of one query in the making, kept from one query to the next for its room.
#[derive(Debug)]
pub(super) struct Sums(Accumulator);

impl Sums {
    /// Room for the scores of `items` items: what this thread had before, if it is large enough.
    pub(super) fn new(items: usize) -> Self {
        let kept = KEPT.take().filter(|kept| kept.columns() >= items);
        Self(kept.unwrap_or_else(|| Accumulator::new(items)))
    }

    /// Adds the row of each item of `profile`, times its weight where that is above zero; says whether there was one.
    pub(super) fn add_profile(
        &mut self,
        rows: &SparseMatrix,
        profile: impl IntoIterator<Item = (ItemIx, f32)>,
    ) -> bool {
        let known = profile.into_iter().filter_map(|(item, weight)| {
            let row = item.position();
            (row < rows.rows() && weight > 0.0).then_some((row, weight))
        });
        self.0.add_rows(rows, known) > 0
    }

    /// Adds rows, each times its factor.
    pub(super) fn add_rows(
        &mut self,
        rows: &SparseMatrix,
        factors: impl IntoIterator<Item = (usize, f32)>,
    ) {
        self.0.add_rows(rows, factors);
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
        scored(self.0.entries())
    }

    /// Whether `item` has a score.
    pub(super) fn holds(&self, item: u32) -> bool {
        self.0.holds(item)
    }

    /// The best items; the sums are empty again.
    pub(super) fn take_ranked(&mut self, query: &Query) -> Result<Ranked> {
        let Self(sums) = self;
        let excluded = query.exclusions.as_slice();
        // What she has is near to itself: many of the best sums would be looked up among the exclusions.
        let listed = matches!(query.candidates, Candidates::Only(_));
        if !listed && excluded.len() <= sums.len() {
            let mut scores = sums.drain_without(excluded.iter().map(|item| item.0));
            let ranked = if query.candidates == Candidates::All {
                Ranked::top_of_allowed(query.limit, scored(&mut scores))
            } else {
                Ranked::top(query, scored(&mut scores))
            };
            // An error and a limit of zero leave some behind.
            scores.for_each(drop);
            ranked
        } else {
            let mut scores = sums.drain();
            let ranked = Ranked::top(query, scored(&mut scores));
            scores.for_each(drop);
            ranked
        }
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

impl Drop for Sums {
    fn drop(&mut self) {
        // A sum that was broken off may hold what it has not noted.
        if !thread::panicking() {
            self.clear();
            let room = std::mem::replace(&mut self.0, Accumulator::new(0));
            // A thread that ends keeps nothing.
            let _ = KEPT.try_with(|kept| kept.set(Some(room)));
        }
    }
}

fn scored(sums: impl Iterator<Item = (u32, f32)>) -> impl Iterator<Item = (ItemIx, f32)> {
    sums.map(|(item, sum)| (ItemIx(item), sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{ItemBits, ItemSet};

    #[test]
    fn room_that_is_used_again_holds_nothing() {
        let row = |item: u32| SparseMatrix::from_rows(9, [vec![(item, 1.0)]]).unwrap();
        let mut sums = Sums::new(9);
        assert!(sums.add_profile(&row(8), [(ItemIx(0), 1.0)]));
        drop(sums);
        for items in [3, 9, 20] {
            let mut sums = Sums::new(items);
            assert_eq!(sums.entries().count(), 0);
            assert!(sums.add_profile(&row(2), [(ItemIx(0), 2.0)]));
            assert_eq!(sums.entries().collect::<Vec<_>>(), [(ItemIx(2), 2.0)]);
        }
    }

    #[test]
    fn exclusions_and_candidates_leave_out_the_same_however_many() {
        let row: Vec<(u32, f32)> = (0..9).map(|item| (item, 1.0 + item as f32)).collect();
        let rows = SparseMatrix::from_rows(9, [row]).unwrap();
        let mut sums = Sums::new(9);
        let mut items = |query: &Query| {
            assert!(sums.add_profile(&rows, [(ItemIx(0), 1.0), (ItemIx(7), 1.0)]));
            let ranked = sums.take_ranked(query).unwrap();
            ranked.items().map(|item| item.0).collect::<Vec<_>>()
        };
        let mut query = Query::new(2);
        query.exclusions = ItemSet::from_iter([8, 6, 100].map(ItemIx));
        assert_eq!(items(&query), [7, 5]);
        query.limit = 0;
        assert!(items(&query).is_empty());
        query.limit = 20;
        assert_eq!(items(&query), [7, 5, 4, 3, 2, 1, 0]);
        query.candidates = Candidates::Only(ItemSet::from_iter([8, 7, 1].map(ItemIx)));
        assert_eq!(items(&query), [7, 1]);
        let bits: ItemBits = [8, 7, 1].map(ItemIx).into_iter().collect();
        query.candidates = Candidates::Within(bits.into());
        assert_eq!(items(&query), [7, 1]);
        query.candidates = Candidates::All;
        query.exclusions = (5..1000).map(ItemIx).collect();
        assert_eq!(items(&query), [4, 3, 2, 1, 0]);
    }
}
