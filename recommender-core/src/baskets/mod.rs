//! Baskets: what was taken at one go, cut from a shopper's timeline or read off the session keys of the data.
//!
//! A shopper's events belong to one basket as long as each comes less than a gap after the one before it; events of one
//! moment always do. Order numbers in place of times are cut by a gap of 0: every new moment is a new basket.

mod config;
mod of_users;

pub use config::BasketConfig;
pub use of_users::UserBaskets;

use std::ops::Range;

use crate::ids::ItemIx;
use crate::query::{HistoryItem, Query};
use crate::time::Timestamp;

/// Baskets one behind the other, oldest first: each with its items ascending, every item once.
///
/// ```
/// use recommender_core::baskets::{BasketConfig, Baskets};
/// use recommender_core::{HistoryItem, ItemIx, Timestamp};
/// let bought = |item, minute: i64| HistoryItem {
///     item: ItemIx(item), weight: 1.0, time: Timestamp::from_seconds(minute * 60),
/// };
/// let timeline = [bought(7, 0), bought(3, 10), bought(7, 10), bought(5, 300)];
/// let baskets = Baskets::of_timeline(&timeline, &BasketConfig::default());
/// assert_eq!(baskets.len(), 2);
/// assert_eq!(baskets.get(0).items, [ItemIx(3), ItemIx(7)]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Baskets {
    /// Where each basket begins in `items`; one more than there are baskets.
    offsets: Vec<u32>,
    items: Vec<ItemIx>,
    presences: Vec<f32>,
    times: Vec<Timestamp>,
}

/// One of [`Baskets`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Basket<'a> {
    /// Its items, ascending, each once.
    pub items: &'a [ItemIx],
    /// How much each item is there, above 0: the sum of its events' weights, at most 1. A purchase of any number of
    /// pieces weighs 1 or more and counts 1; what weighs less, such as a look at a product, counts less.
    pub presences: &'a [f32],
    /// When its last event happened.
    pub time: Timestamp,
}

impl Default for Baskets {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            items: Vec::new(),
            presences: Vec::new(),
            times: Vec::new(),
        }
    }
}

impl Baskets {
    /// The baskets of one shopper's `timeline`, which must be in the order of time.
    #[must_use]
    pub fn of_timeline(timeline: &[HistoryItem], config: &BasketConfig) -> Self {
        let mut baskets = Self::default();
        let together = |a: &HistoryItem, b: &HistoryItem| config.joins(a.time, b.time);
        for events in timeline.chunk_by(together) {
            baskets.push(events);
        }
        baskets
    }

    /// What `query` tells of a shopper's past: the baskets of her timeline, or of her history where there is no
    /// timeline.
    #[must_use]
    pub fn of_past(query: &Query, config: &BasketConfig) -> Self {
        if !query.timeline.is_empty() {
            return Self::of_timeline(&query.timeline, config);
        }
        let mut history = query.history.clone();
        history.sort_by_key(|entry| entry.time);
        Self::of_timeline(&history, config)
    }

    /// As [`Baskets::of_past`], and behind it, as a basket of its own, the current visit: the session and the items the
    /// page is about.
    #[must_use]
    pub fn of_query(query: &Query, config: &BasketConfig) -> Self {
        let mut baskets = Self::of_past(query, config);
        let last = baskets.times.last().copied();
        let now = query.time.or(last).unwrap_or_default();
        let visit = query.session.iter().chain(&query.context_items);
        let visit: Vec<HistoryItem> = visit
            .map(|&item| HistoryItem {
                item,
                weight: 1.0,
                time: now,
            })
            .collect();
        if !visit.is_empty() {
            baskets.push(&visit);
        }
        baskets
    }

    /// The last `count` baskets, oldest first; all of them with none.
    pub fn latest(
        &self,
        count: Option<usize>,
    ) -> impl DoubleEndedIterator<Item = Basket<'_>> + ExactSizeIterator {
        let skipped = count.map_or(0, |count| self.len().saturating_sub(count));
        self.range(skipped..self.len())
    }

    /// Adds a basket of `events`, of which there is at least one.
    fn push(&mut self, events: &[HistoryItem]) {
        let begin = self.items.len();
        let mut entries: Vec<(ItemIx, f32)> = events
            .iter()
            .map(|event| (event.item, event.weight))
            .collect();
        entries.sort_by_key(|&(item, _)| item);
        for (item, weight) in entries {
            if self.items[begin..].last() == Some(&item) {
                let presence = self.presences.last_mut().expect("each item has a presence");
                *presence = (*presence + weight).min(1.0);
            } else {
                self.items.push(item);
                self.presences.push(weight.min(1.0));
            }
        }
        self.offsets.push(entry_number(self.items.len()));
        let times = events.iter().map(|event| event.time);
        self.times.push(times.max().unwrap_or_default());
    }

    /// How many baskets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Basket `basket`, the oldest being 0.
    ///
    /// # Panics
    /// If there is no such basket.
    #[must_use]
    pub fn get(&self, basket: usize) -> Basket<'_> {
        let range = self.offsets[basket] as usize..self.offsets[basket + 1] as usize;
        Basket {
            items: &self.items[range.clone()],
            presences: &self.presences[range],
            time: self.times[basket],
        }
    }

    /// All baskets, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Basket<'_>> + ExactSizeIterator {
        self.range(0..self.len())
    }

    /// The baskets numbered `range`, oldest first.
    fn range(
        &self,
        range: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = Basket<'_>> + ExactSizeIterator {
        range.map(|basket| self.get(basket))
    }
}

impl Basket<'_> {
    /// Items with their presence.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (ItemIx, f32)> + '_ {
        let presences = self.presences.iter().copied();
        self.items.iter().copied().zip(presences)
    }
}

/// A number of events as an offset.
fn entry_number(entries: usize) -> u32 {
    u32::try_from(entries).expect("a table refuses to grow past u32 rows")
}

#[cfg(test)]
mod tests;
