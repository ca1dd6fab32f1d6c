//! Ranked lists and the crate's only top-k selection.

use std::cmp::Ordering;

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
        Best::new(query).of(scores)
    }

    /// As [`Ranked::top`] where every item of `scores` is allowed.
    ///
    /// # Errors
    /// As [`Ranked::top`].
    pub(crate) fn top_of_allowed(
        limit: usize,
        scores: impl IntoIterator<Item = (ItemIx, f32)>,
    ) -> Result<Self> {
        let (query, keys) = (None, Keys::new(limit));
        Best { query, keys }.of(scores)
    }

    /// As [`Ranked::top`], keeping the source of each entry.
    ///
    /// # Errors
    /// [`Error::Internal`] if the score of an item that is allowed is not finite.
    pub fn top_scored(query: &Query, scores: impl IntoIterator<Item = Scored>) -> Result<Self> {
        let allowed = scores.into_iter().filter(|it| query.allows(it.item));
        let mut entries: Vec<Scored> = allowed.collect();
        if let Some(Scored { item, score, .. }) = entries.iter().find(|it| !it.score.is_finite()) {
            return Err(Error::Internal(format!("score {score} for {item:?}")));
        }
        if entries.len() > query.limit {
            entries.select_nth_unstable_by(query.limit, Scored::order);
            entries.truncate(query.limit);
        }
        entries.sort_unstable_by(Scored::order);
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

/// The selection behind [`Ranked::top`], for whoever can use on the way what is known of the answer.
pub(crate) struct Best<'q> {
    /// What is asked whether an item is allowed; none if all are.
    query: Option<&'q Query>,
    keys: Keys,
}

impl<'q> Best<'q> {
    /// A selection of what `query` allows, with nothing in it.
    pub(crate) fn new(query: &'q Query) -> Self {
        Self {
            query: Some(query),
            keys: Keys::new(query.limit),
        }
    }

    fn of(mut self, scores: impl IntoIterator<Item = (ItemIx, f32)>) -> Result<Ranked> {
        for (item, score) in scores {
            self.offer(item, score)?;
        }
        Ok(self.into_ranked())
    }

    /// Whatever scores below this cannot be in the answer.
    #[inline]
    pub(crate) fn threshold(&self) -> f32 {
        self.keys.least
    }

    /// Takes part with an item, offered once, and its score.
    ///
    /// # Errors
    /// [`Error::Internal`] if the score would enter the list and is not finite.
    #[inline(always)]
    pub(crate) fn offer(&mut self, item: ItemIx, score: f32) -> Result<()> {
        // Most scores end here: a NaN is not below the least, so it is caught further on.
        if score < self.keys.least || self.keys.limit == 0 {
            return Ok(());
        }
        self.admit(item, score)
    }

    /// What few scores come to, kept out of the loop of all others.
    #[inline(never)]
    fn admit(&mut self, item: ItemIx, score: f32) -> Result<()> {
        if !self.allows(item) {
            return Ok(());
        }
        self.offer_allowed(item, score)
    }

    /// Whether an item may be in the answer: for whoever can do without its score if not.
    #[inline]
    pub(crate) fn allows(&self, item: ItemIx) -> bool {
        self.query.is_none_or(|query| query.allows(item))
    }

    /// As [`Best::offer`], of an item that is allowed.
    ///
    /// # Errors
    /// As [`Best::offer`].
    #[inline]
    pub(crate) fn offer_allowed(&mut self, item: ItemIx, score: f32) -> Result<()> {
        if score < self.keys.least || self.keys.limit == 0 {
            return Ok(());
        }
        if !score.is_finite() {
            return Err(Error::Internal(format!("score {score} for {item:?}")));
        }
        self.keys.push(item, score);
        Ok(())
    }

    /// The list, best first.
    pub(crate) fn into_ranked(self) -> Ranked {
        self.keys.into_ranked()
    }
}

/// The best entries so far and some more, each as one integer: the score's bits, so turned that their order is that of
/// the scores, above the flipped bits of the item.
struct Keys {
    limit: usize,
    keys: Vec<u64>,
    /// No score below this can enter any more.
    least: f32,
}

/// Entries kept beyond the limit, before a quarter of it, until all are cut to it.
const SPARE: usize = 4;

/// The sign bit of a score.
const SIGN: u32 = 1 << 31;

impl Keys {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            keys: Vec::new(),
            least: if limit == 0 {
                f32::INFINITY
            } else {
                f32::NEG_INFINITY
            },
        }
    }

    #[inline]
    fn push(&mut self, item: ItemIx, score: f32) {
        let bits = score.to_bits();
        let order = if bits & SIGN == 0 { bits | SIGN } else { !bits };
        self.keys.push(u64::from(order) << 32 | u64::from(!item.0));
        // Soon, so that whoever asks for the threshold has a high one.
        if self.keys.len() > self.limit.saturating_add(self.limit / 4 + SPARE) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.keys.len() > self.limit {
            let last = self.limit - 1;
            let (_, &mut key, _) = self.keys.select_nth_unstable_by(last, |a, b| b.cmp(a));
            self.keys.truncate(self.limit);
            self.least = Self::score(key);
        }
    }

    fn score(key: u64) -> f32 {
        let order = (key >> 32) as u32;
        f32::from_bits(if order & SIGN == 0 {
            !order
        } else {
            order ^ SIGN
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the halves of a key are 32 bits each"
    )]
    fn into_ranked(mut self) -> Ranked {
        self.cut();
        self.keys.sort_unstable_by(|a, b| b.cmp(a));
        let entries = self.keys.iter().map(|&key| Scored {
            item: ItemIx(!(key as u32)),
            score: Self::score(key),
            source: Source::default(),
        });
        Ranked {
            entries: entries.collect(),
        }
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
    fn many_scores_below_and_above_zero_come_in_order() {
        let score = |item: u32| (item * 37 % 101) as f32 - 50.0;
        let scores = (0..101).map(|item| (ItemIx(item), score(item)));
        let ranked = Ranked::top(&Query::new(60), scores).unwrap();
        let found: Vec<f32> = ranked.entries().iter().map(|entry| entry.score).collect();
        let expected: Vec<f32> = (0..60u8).map(|place| 50.0 - f32::from(place)).collect();
        assert_eq!(found, expected);
        assert!(ranked.items().all(|item| found.contains(&score(item.0))));
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
