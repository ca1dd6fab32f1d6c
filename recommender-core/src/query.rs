//! What a recommendation is asked for: one type for a user, a session, an item and a cart.

mod item_bits;

pub use item_bits::ItemBits;

use std::sync::Arc;

use crate::events::Channel;
use crate::ids::{ItemIx, PlaceIx};
use crate::time::Timestamp;

/// One item of a shopper's history, or one event of her timeline: its weight, after kind, channel, quantity and decay,
/// and when it (last) happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistoryItem {
    /// The item.
    pub item: ItemIx,
    /// Positive weight.
    pub weight: f32,
    /// When it happened, in a history the last time.
    pub time: Timestamp,
}

/// A set of items, kept sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemSet(Vec<ItemIx>);

impl ItemSet {
    /// Whether `item` is in the set.
    #[inline]
    #[must_use]
    pub fn contains(&self, item: ItemIx) -> bool {
        self.0.binary_search(&item).is_ok()
    }

    /// Items, ascending.
    #[must_use]
    pub fn as_slice(&self) -> &[ItemIx] {
        &self.0
    }

    /// Adds `items`.
    pub fn extend(&mut self, items: impl IntoIterator<Item = ItemIx>) {
        self.0.extend(items);
        self.0.sort_unstable();
        self.0.dedup();
    }
}

impl FromIterator<ItemIx> for ItemSet {
    fn from_iter<T: IntoIterator<Item = ItemIx>>(items: T) -> Self {
        let mut set = Self::default();
        set.extend(items);
        set
    }
}

/// Which items may be recommended at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Candidates {
    /// Every item.
    #[default]
    All,
    /// These and no others.
    Only(ItemSet),
    /// Those of a set that many queries share, such as what is for sale at a place.
    Within(Arc<ItemBits>),
}

impl Candidates {
    /// Whether `item` may be recommended.
    #[inline]
    #[must_use]
    pub fn contains(&self, item: ItemIx) -> bool {
        match self {
            Self::All => true,
            Self::Only(items) => items.contains(item),
            Self::Within(items) => items.contains(item),
        }
    }

    /// How many items there are; none if every item may be recommended.
    #[must_use]
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::All => None,
            Self::Only(items) => Some(items.as_slice().len()),
            Self::Within(items) => Some(items.len()),
        }
    }

    /// The items one by one, ascending, if there are fewer than `count`: for a model that looks up a few of them
    /// sooner than it goes through its catalogue.
    pub(crate) fn fewer_than(&self, count: usize) -> Option<impl Iterator<Item = ItemIx> + '_> {
        if self.count()? >= count {
            return None;
        }
        let (listed, bits) = match self {
            Self::All => return None,
            Self::Only(items) => (Some(items.as_slice()), None),
            Self::Within(items) => (None, Some(items.iter())),
        };
        let listed = listed.into_iter().flatten().copied();
        Some(listed.chain(bits.into_iter().flatten()))
    }
}

/// A question to a [`Recommender`](crate::Recommender). A model reads what it understands and ignores the rest.
///
/// [`dataset::query`](crate::dataset::query) is the one function that turns a shopper's events into a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// All that the shopper did, one entry per item, items ascending.
    pub history: Vec<HistoryItem>,
    /// The same events one by one, oldest first, each with what it weighs on its own once returns have taken their
    /// pieces back: what baskets and gaps between purchases are read from. Empty where only the history is known.
    pub timeline: Vec<HistoryItem>,
    /// Items of the current visit, oldest first; an item may come more than once.
    pub session: Vec<ItemIx>,
    /// Items the page is about: the product looked at, the cart.
    pub context_items: Vec<ItemIx>,
    /// Items that must not be answered.
    pub exclusions: ItemSet,
    /// Items that may be answered.
    pub candidates: Candidates,
    /// When the question is asked; none means at the end of the training data.
    pub time: Option<Timestamp>,
    /// The place the answer is for.
    pub place: Option<PlaceIx>,
    /// The channel the answer is for.
    pub channel: Option<Channel>,
    /// Longest list wanted; zero gives an empty list.
    pub limit: usize,
}

impl Query {
    /// A question that knows nothing of the shopper.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Whether `item` may be answered.
    #[inline]
    #[must_use]
    pub fn allows(&self, item: ItemIx) -> bool {
        self.candidates.contains(item) && !self.exclusions.contains(item)
    }

    /// Excludes every item of the history and the session: "something she has not had yet".
    #[must_use]
    pub fn excluding_seen(mut self) -> Self {
        let seen = self.history.iter().map(|entry| entry.item);
        self.exclusions
            .extend(seen.chain(self.session.iter().copied()));
        self
    }

    /// What the shopper is known to like: history, session and context items merged into one weight
    /// per item, items ascending. A session or context item counts 1 each time on top of its history weight.
    #[must_use]
    pub fn profile(&self) -> Vec<(ItemIx, f32)> {
        let mut profile: Vec<(ItemIx, f32)> = self
            .history
            .iter()
            .map(|entry| (entry.item, entry.weight))
            .collect();
        let now = self.session.iter().chain(&self.context_items);
        profile.extend(now.map(|&item| (item, 1.0)));
        profile.sort_by_key(|&(item, _)| item);
        profile.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_merges_history_session_and_context() {
        let mut query = Query::new(5);
        query.history = vec![
            HistoryItem {
                item: ItemIx(1),
                weight: 0.5,
                time: Timestamp(0),
            },
            HistoryItem {
                item: ItemIx(4),
                weight: 2.0,
                time: Timestamp(0),
            },
        ];
        query.session = vec![ItemIx(4), ItemIx(0)];
        query.context_items = vec![ItemIx(1)];
        assert_eq!(
            query.profile(),
            [(ItemIx(0), 1.0), (ItemIx(1), 1.5), (ItemIx(4), 3.0)]
        );
    }

    #[test]
    fn seen_items_are_excluded_but_context_items_are_not() {
        let mut query = Query::new(5);
        query.session = vec![ItemIx(2)];
        query.context_items = vec![ItemIx(3)];
        let query = query.excluding_seen();
        assert!(!query.allows(ItemIx(2)));
        assert!(query.allows(ItemIx(3)));
    }
}
