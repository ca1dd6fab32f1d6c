//! Ranked lists and the crate's only top-k selection.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::error::{Error, Result};
use crate::ids::ItemIx;
use crate::query::Query;

/// Which source of a pipeline proposed an item; a lone model is source 0.
///
/// [`Pipeline::source_name`](crate::pipeline::Pipeline::source_name) gives the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Source(pub u16);

/// An item with its score and the source that proposed it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The item.
    pub item: ItemIx,
    /// Its score, finite; only comparable within one list.
    pub score: f32,
    /// Who proposed it.
    pub source: Source,
}

impl Scored {
    /// Best first: higher score, then lower index.
    fn order(&self, other: &Self) -> Ordering {
        other
            .score
            .total_cmp(&self.score)
            .then(self.item.cmp(&other.item))
    }
}

/// A recommendation list: best first, finite scores, unique items, ties to the lower index.
///
/// ```
/// use recommender_core::{ItemIx, Query, Ranked};
/// let scores = [(ItemIx(0), 0.1), (ItemIx(1), 0.9), (ItemIx(2), 0.9)];
/// let ranked = Ranked::top(&Query::new(2), scores)?;
/// assert_eq!(ranked.items().collect::<Vec<_>>(), [ItemIx(1), ItemIx(2)]);
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ranked {
    entries: Vec<Scored>,
}

impl Ranked {
    /// A list with nothing in it.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The best `query.limit` of `scores` that the query allows, in order. Each item may come once.
    ///
    /// # Errors
    /// [`Error::Internal`] if a score that would enter the list is not finite.
    pub fn top(query: &Query, scores: impl IntoIterator<Item = (ItemIx, f32)>) -> Result<Self> {
        let entries = scores.into_iter().map(|(item, score)| Scored {
            item,
            score,
            source: Source::default(),
        });
        Self::top_scored(query, entries)
    }

    /// As [`Ranked::top`], keeping the source of each entry.
    ///
    /// # Errors
    /// [`Error::Internal`] if a score that would enter the list is not finite.
    pub fn top_scored(query: &Query, scores: impl IntoIterator<Item = Scored>) -> Result<Self> {
        if query.limit == 0 {
            return Ok(Self::empty());
        }
        let mut heap: BinaryHeap<WorstFirst> = BinaryHeap::new();
        let mut threshold = f32::NEG_INFINITY;
        for entry in scores {
            // Most entries end here: a NaN is not below the threshold, so it is caught further on.
            if entry.score < threshold || !query.allows(entry.item) {
                continue;
            }
            if !entry.score.is_finite() {
                return Err(Error::Internal(format!(
                    "score {} for {:?}",
                    entry.score, entry.item
                )));
            }
            if heap.len() < query.limit {
                heap.push(WorstFirst(entry));
            } else if let Some(mut worst) = heap.peek_mut()
                && entry.order(&worst.0) == Ordering::Less
            {
                *worst = WorstFirst(entry);
            }
            if heap.len() == query.limit
                && let Some(worst) = heap.peek()
            {
                threshold = worst.0.score;
            }
        }
        let entries = heap
            .into_sorted_vec()
            .into_iter()
            .map(|entry| entry.0)
            .collect();
        Ok(Self { entries })
    }

    /// The part of `best_first`, whose scores never rise, that can reach the answer of [`Ranked::top`]: up to the last
    /// allowed item the limit has room for, and its ties.
    pub(crate) fn reachable(
        query: &Query,
        best_first: impl Iterator<Item = (ItemIx, f32)>,
    ) -> impl Iterator<Item = (ItemIx, f32)> {
        let mut wanted = query.limit;
        let mut least = f32::INFINITY;
        best_first.take_while(move |&(item, score)| {
            if wanted == 0 {
                return score >= least;
            }
            if query.allows(item) {
                wanted -= 1;
                least = score;
            }
            true
        })
    }

    /// A list in the order given: for a rerank, whose order is its own and no longer that of the scores.
    ///
    /// # Errors
    /// [`Error::Internal`] if an item comes twice or a score is not finite.
    pub fn from_ordered(entries: Vec<Scored>) -> Result<Self> {
        let mut items: Vec<ItemIx> = entries.iter().map(|entry| entry.item).collect();
        items.sort_unstable();
        if items.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::Internal("a ranked list holds an item twice".into()));
        }
        if entries.iter().any(|entry| !entry.score.is_finite()) {
            return Err(Error::Internal(
                "a ranked list holds a score that is not finite".into(),
            ));
        }
        Ok(Self { entries })
    }

    /// The list with every entry attributed to `source`.
    #[must_use]
    pub fn attributed_to(mut self, source: Source) -> Self {
        for entry in &mut self.entries {
            entry.source = source;
        }
        self
    }

    /// The first `limit` entries.
    #[must_use]
    pub fn truncated(mut self, limit: usize) -> Self {
        self.entries.truncate(limit);
        self
    }

    /// Entries, best first.
    #[must_use]
    pub fn entries(&self) -> &[Scored] {
        &self.entries
    }

    /// Items, best first.
    pub fn items(&self) -> impl ExactSizeIterator<Item = ItemIx> + '_ {
        self.entries.iter().map(|entry| entry.item)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Keeps the best `limit` of many scored columns: cuts a row of a matrix as [`Ranked`] cuts a list, with ties to the
/// lower index.
///
/// An entry is one integer: the bits of its score, which for positive numbers are in the order of the scores, above
/// the flipped bits of its column.
#[derive(Debug)]
pub(crate) struct BestOf {
    limit: usize,
    keys: Vec<u64>,
    /// The worst key kept at the last cut; nothing below it can stay.
    threshold: u64,
    entries: Vec<(u32, f32)>,
}

impl BestOf {
    /// An empty selection of at most `limit` entries.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            keys: Vec::new(),
            threshold: 0,
            entries: Vec::new(),
        }
    }

    /// Takes part with a column, offered once, and its score; one that is not above zero stays out.
    #[inline]
    pub(crate) fn offer(&mut self, column: u32, score: f32) {
        let key = u64::from(score.to_bits()) << 32 | u64::from(!column);
        if key > self.threshold && score > 0.0 {
            self.keys.push(key);
            if self.keys.len() >= 2 * self.limit {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        if self.keys.len() > self.limit {
            let worst = self.limit - 1;
            let (_, &mut key, _) = self.keys.select_nth_unstable_by(worst, |a, b| b.cmp(a));
            self.keys.truncate(self.limit);
            self.threshold = key;
        }
    }

    /// The best entries, columns ascending; the selection is empty again.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the halves of a key are 32 bits each"
    )]
    pub(crate) fn take_by_index(&mut self) -> &[(u32, f32)] {
        self.cut();
        self.keys.sort_unstable_by_key(|&key| !(key as u32));
        let entry = |key: u64| (!(key as u32), f32::from_bits((key >> 32) as u32));
        self.entries.clear();
        self.entries.extend(self.keys.drain(..).map(entry));
        self.threshold = 0;
        &self.entries
    }
}

/// Orders a max-heap so that the entry to drop next is on top.
#[derive(Debug)]
struct WorstFirst(Scored);

impl PartialEq for WorstFirst {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for WorstFirst {}
impl PartialOrd for WorstFirst {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for WorstFirst {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.order(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Candidates, ItemSet};

    fn items(ranked: &Ranked) -> Vec<u32> {
        ranked.items().map(|item| item.0).collect()
    }

    #[test]
    fn ties_go_to_the_lower_index_in_any_order_of_arrival() {
        let scores = [
            (ItemIx(5), 1.0),
            (ItemIx(3), 1.0),
            (ItemIx(4), 2.0),
            (ItemIx(1), 1.0),
        ];
        let ranked = Ranked::top(&Query::new(3), scores).unwrap();
        assert_eq!(items(&ranked), [4, 1, 3]);
    }

    #[test]
    fn the_query_filters_before_the_cut() {
        let scores = (0..10u8).map(|i| (ItemIx(u32::from(i)), f32::from(i)));
        let mut query = Query::new(3);
        query.exclusions = ItemSet::from_iter([ItemIx(9), ItemIx(7)]);
        assert_eq!(
            items(&Ranked::top(&query, scores.clone()).unwrap()),
            [8, 6, 5]
        );
        query.candidates = Candidates::Only(ItemSet::from_iter([ItemIx(9), ItemIx(1)]));
        assert_eq!(items(&Ranked::top(&query, scores).unwrap()), [1]);
    }

    #[test]
    fn what_can_reach_an_answer_ends_with_its_ties() {
        let scores = [
            (ItemIx(9), 3.0),
            (ItemIx(4), 2.0),
            (ItemIx(1), 2.0),
            (ItemIx(0), 1.0),
        ];
        let mut query = Query::new(1);
        query.exclusions = ItemSet::from_iter([ItemIx(9)]);
        let reachable: Vec<_> = Ranked::reachable(&query, scores.into_iter()).collect();
        assert_eq!(reachable, scores[..3]);
        assert_eq!(items(&Ranked::top(&query, reachable).unwrap()), [1]);
        assert_eq!(
            Ranked::reachable(&Query::new(0), scores.into_iter()).count(),
            0
        );
    }

    #[test]
    fn a_limit_of_zero_or_a_million_is_answered() {
        let scores = [(ItemIx(0), 1.0), (ItemIx(1), 2.0)];
        assert!(Ranked::top(&Query::new(0), scores).unwrap().is_empty());
        assert_eq!(
            Ranked::top(&Query::new(1_000_000), scores).unwrap().len(),
            2
        );
    }

    #[test]
    fn a_score_that_is_not_finite_is_an_error_even_late() {
        let scores = [(ItemIx(0), 1.0), (ItemIx(1), 2.0), (ItemIx(2), f32::NAN)];
        assert!(Ranked::top(&Query::new(1), scores).is_err());
    }

    #[test]
    fn a_row_is_cut_to_its_best_with_ties_to_the_lower_column() {
        let mut best = BestOf::new(3);
        for round in 0..2 {
            for column in (0..100u32).rev() {
                let score = if column == 50 { 2.0 } else { 1.0 };
                best.offer(column, score);
            }
            best.offer(100, 0.0);
            assert_eq!(
                best.take_by_index(),
                [(0, 1.0), (1, 1.0), (50, 2.0)],
                "round {round}"
            );
        }
    }

    #[test]
    fn an_ordered_list_refuses_an_item_twice() {
        let entry = Scored {
            item: ItemIx(1),
            score: 1.0,
            source: Source(0),
        };
        assert!(Ranked::from_ordered(vec![entry, entry]).is_err());
    }
}
