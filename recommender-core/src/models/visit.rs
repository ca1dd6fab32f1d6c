//! What session models read of a query: the visit, extended by what the shopper did before.
//!
//! The extensions after Latifi, Mauro & Jannach, *Session-aware recommendation: a surprising quest for the state of the
//! art*, Information Sciences 573, 2021, §3.3: a short session is extended, her own sessions count for more, and what
//! she knows is brought to her mind.

use crate::error::{Error, Result};
use crate::ids::ItemIx;
use crate::query::{HistoryItem, Query};
use crate::ranked::Ranked;
use crate::sessions::{MOST_WANTED, SessionIndex, Wanted};

/// How a visit is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct VisitConfig {
    /// Most items of a visit that are looked at: the latest.
    pub(super) last_items: usize,
    /// A visit of fewer items is extended by the history to so many.
    pub(super) extend_to: usize,
    /// How much more a session of her own counts than another's: nothing at 0, twice at 1.
    pub(super) own_boost: f32,
    /// What the latest item of the history gains, as a share of the best score.
    pub(super) reminders: f32,
    /// Whether the item the visit ended with may be answered.
    pub(super) current_item: bool,
}

/// Most items of a history that reminders are made of.
const MOST_REMINDERS: usize = 50;

impl VisitConfig {
    /// Checks the ranges of settings that stand in `section`.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub(super) fn validate_in(&self, section: &str, longest: usize) -> Result<()> {
        let field = |name: &str| format!("{section}.{name}");
        if !(1..=longest).contains(&self.last_items) {
            let expected = format!("a whole number from 1 to {longest}");
            return Err(Error::config(
                field("last_items"),
                expected,
                self.last_items,
            ));
        }
        if self.extend_to > self.last_items {
            let expected = format!("at most {}, as last_items", self.last_items);
            return Err(Error::config(field("extend_to"), expected, self.extend_to));
        }
        for (name, value) in [("own_boost", self.own_boost), ("reminders", self.reminders)] {
            if !(0.0..=10.0).contains(&value) {
                return Err(Error::config(field(name), "a number from 0 to 10", value));
            }
        }
        Ok(())
    }
}

/// A visit as session models see it.
#[derive(Debug, Default)]
pub(super) struct Visit {
    /// Its latest items, oldest first, as often as they came.
    pub(super) items: Vec<ItemIx>,
    /// How many of them, from the end, are of the visit itself and not of the history.
    now: usize,
    /// When the shopper's events happened, ascending; empty unless her own sessions count for more.
    own_times: Vec<i64>,
    /// Items of her history, the latest first; empty unless she is reminded of them.
    reminders: Vec<ItemIx>,
    /// What the first of them gains, as a share of the best score.
    reminder_share: f32,
    /// The item the visit ended with, if it must not be answered.
    barred: Option<ItemIx>,
}

impl Visit {
    /// The session, then the context items; before them, if that is short or nothing, the tail of the history.
    pub(super) fn of(query: &Query, config: &VisitConfig) -> Self {
        let mut items = query.session.clone();
        push_context(&mut items, query);
        let wanted = if items.is_empty() {
            config.last_items
        } else {
            config.extend_to.saturating_sub(items.len())
        };
        let mut visit = Self {
            now: items.len().min(config.last_items),
            reminder_share: config.reminders,
            ..Self::default()
        };
        if wanted > 0 || config.reminders > 0.0 {
            let latest = latest_first(&query.history);
            let earlier = latest.iter().filter(|item| !items.contains(item));
            let mut extended: Vec<ItemIx> = earlier.take(wanted).copied().collect();
            extended.reverse();
            extended.append(&mut items);
            items = extended;
            if config.reminders > 0.0 {
                visit.reminders = latest;
                visit.reminders.truncate(MOST_REMINDERS);
            }
        }
        if config.own_boost > 0.0 {
            visit.own_times = query.history.iter().map(|entry| entry.time.0).collect();
            visit.own_times.sort_unstable();
        }
        items.drain(..items.len().saturating_sub(config.last_items));
        visit.barred = items.last().copied().filter(|_| !config.current_item);
        visit.items = items;
        visit
    }

    /// The items of the visit itself, oldest first, without those of the history that extend it.
    pub(super) fn now(&self) -> &[ItemIx] {
        &self.items[self.items.len() - self.now..]
    }

    /// The different items of the visit that `index` knows: bit p for the item whose last place is p before the end.
    pub(super) fn wanted(&self, index: &SessionIndex) -> Vec<Wanted> {
        debug_assert!(self.items.len() <= MOST_WANTED, "last_items is checked");
        let mut wanted: Vec<Wanted> = Vec::with_capacity(self.items.len());
        for (place, &item) in self.items.iter().rev().enumerate() {
            let known = (item.0 as usize) < index.counts().len();
            if known && wanted.iter().all(|other| other.item != item.0) {
                let bit = 1 << place;
                wanted.push(Wanted { item: item.0, bit });
            }
        }
        wanted
    }

    /// Whether `session` of `index` is her own: it ended at the very moment of an event of hers. A model knows
    /// nobody; the history says when its events happened.
    pub(super) fn owns(&self, index: &SessionIndex, session: u32) -> bool {
        !self.own_times.is_empty() && self.own_times.binary_search(&index.end(session).0).is_ok()
    }

    /// The best of `scores` and of what she is reminded of, without the item the visit ended with if that is barred.
    pub(super) fn rank(
        &self,
        query: &Query,
        scores: impl Iterator<Item = (ItemIx, f32)>,
    ) -> Result<Ranked> {
        let allowed = |&(item, _): &(ItemIx, f32)| Some(item) != self.barred;
        if self.reminders.is_empty() {
            return Ranked::top(query, scores.filter(allowed));
        }
        let mut scores = scores.collect();
        self.remind(&mut scores);
        Ranked::top(query, scores.into_iter().filter(allowed))
    }

    /// `scores` with what reminders add: the item of her history at place r, the latest at 0, gains `share / (1 + r)` of
    /// the best score, of 1 where nothing scores.
    fn remind(&self, scores: &mut Vec<(ItemIx, f32)>) {
        let best = scores.iter().map(|&(_, score)| score).fold(0.0, f32::max);
        let best = if best > 0.0 { best } else { 1.0 };
        for (place, &item) in self.reminders.iter().enumerate() {
            let gain = best * self.reminder_share / (1.0 + place as f32);
            if gain <= 0.0 {
                continue;
            }
            match scores.iter_mut().find(|(known, _)| *known == item) {
                Some((_, score)) => *score += gain,
                None => scores.push((item, gain)),
            }
        }
    }
}

/// Puts the context items behind `items`, but for one that stands at the end already.
pub(super) fn push_context(items: &mut Vec<ItemIx>, query: &Query) {
    for &item in &query.context_items {
        if items.last() != Some(&item) {
            items.push(item);
        }
    }
}

/// Items of a history by their last time, the latest first; at one moment, the higher item first.
pub(super) fn latest_first(history: &[HistoryItem]) -> Vec<ItemIx> {
    let mut latest: Vec<&HistoryItem> = history.iter().filter(|it| it.weight > 0.0).collect();
    latest.sort_unstable_by_key(|entry| std::cmp::Reverse((entry.time, entry.item)));
    latest.iter().map(|entry| entry.item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    const CONFIG: VisitConfig = VisitConfig {
        last_items: 4,
        extend_to: 0,
        own_boost: 0.0,
        reminders: 0.0,
        current_item: true,
    };

    fn query(session: &[u32], context: &[u32]) -> Query {
        let mut query = Query::new(5);
        query.session = session.iter().copied().map(ItemIx).collect();
        query.context_items = context.iter().copied().map(ItemIx).collect();
        query.history = [(1, 30), (2, 10), (3, 20)]
            .map(|(item, time)| HistoryItem {
                item: ItemIx(item),
                weight: 1.0,
                time: Timestamp(time),
            })
            .to_vec();
        query
    }

    fn read(query: &Query, config: VisitConfig) -> Vec<u32> {
        let visit = Visit::of(query, &config);
        visit.items.iter().map(|item| item.0).collect()
    }

    #[test]
    fn a_visit_is_the_session_then_the_context() {
        assert_eq!(read(&query(&[5, 6], &[7, 7]), CONFIG), [5, 6, 7]);
        assert_eq!(read(&query(&[5, 6], &[6]), CONFIG), [5, 6]);
        assert_eq!(read(&query(&[1, 2, 3, 4, 5], &[]), CONFIG), [2, 3, 4, 5]);
    }

    #[test]
    fn the_history_stands_in_for_a_missing_session_and_extends_a_short_one() {
        assert_eq!(read(&query(&[], &[]), CONFIG), [2, 3, 1]);
        let config = VisitConfig {
            extend_to: 3,
            ..CONFIG
        };
        assert_eq!(read(&query(&[3], &[]), config), [2, 1, 3]);
        assert_eq!(Visit::of(&query(&[3], &[]), &config).now(), [ItemIx(3)]);
        assert_eq!(Visit::of(&query(&[], &[]), &config).now(), []);
        assert_eq!(read(&query(&[5, 6, 7], &[]), config), [5, 6, 7]);
    }

    #[test]
    fn reminders_add_to_known_items_and_bring_up_others() {
        let config = VisitConfig {
            reminders: 0.5,
            ..CONFIG
        };
        let visit = Visit::of(&query(&[9], &[]), &config);
        let mut scores = vec![(ItemIx(3), 2.0), (ItemIx(8), 4.0)];
        visit.remind(&mut scores);
        let third = 2.0 / 3.0;
        let expected = [(3, 3.0), (8, 4.0), (1, 2.0), (2, third)];
        let expected = expected.map(|(item, score)| (ItemIx(item), score));
        assert_eq!(scores, expected);
        let mut nothing = Vec::new();
        visit.remind(&mut nothing);
        assert_eq!(nothing[..2], [(ItemIx(1), 0.5), (ItemIx(3), 0.25)]);
    }
}
