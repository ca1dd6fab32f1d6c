//! Parts of the questions looked at on their own: shoppers hardly known, items hardly sold.

use crate::dataset::Dataset;
use crate::evaluation::cases::TestCases;
use crate::evaluation::metrics::TrainingFacts;
use crate::ids::{DenseIndex, ItemIx};

/// A named part of a run's questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The name in reports.
    pub name: String,
    /// What belongs to it.
    pub rule: SliceRule,
}

/// What belongs to a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SliceRule {
    /// Queries with this many different items in the history, both ends included.
    HistoryItems {
        /// Fewest items.
        least: usize,
        /// Most items.
        most: usize,
    },
    /// Relevant items of this band alone, over the queries that have any: other relevant items count as misses.
    RelevantItems(ItemBand),
}

/// Items by how many training users have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemBand {
    /// Nobody.
    Unseen,
    /// Somebody, but fewer than an item of the head.
    Tail,
    /// As many as the last of the most popular fifth of the items seen in training.
    Head,
}

/// Share of the items seen in training that make the head.
const HEAD_SHARE: f64 = 0.2;

/// Histories up to this many items are short, in [`Slice::standard`].
const SHORT_HISTORY: usize = 5;

impl Slice {
    /// Users without history, with 1 to 5 items and with more; unseen, tail and head items.
    #[must_use]
    pub fn standard() -> Vec<Self> {
        let history = |least, most| SliceRule::HistoryItems { least, most };
        [
            ("users_cold", history(0, 0)),
            ("users_short_history", history(1, SHORT_HISTORY)),
            ("users_long_history", history(SHORT_HISTORY + 1, usize::MAX)),
            ("items_unseen", SliceRule::RelevantItems(ItemBand::Unseen)),
            ("items_tail", SliceRule::RelevantItems(ItemBand::Tail)),
            ("items_head", SliceRule::RelevantItems(ItemBand::Head)),
        ]
        .into_iter()
        .map(|(name, rule)| Self {
            name: name.into(),
            rule,
        })
        .collect()
    }
}

impl SliceRule {
    /// The band of items this slice looks at, if it looks at items.
    pub(super) fn band(self) -> Option<ItemBand> {
        match self {
            Self::HistoryItems { .. } => None,
            Self::RelevantItems(band) => Some(band),
        }
    }

    /// Whether case `case` belongs to a slice by history.
    pub(super) fn holds_history(self, cases: &TestCases, case: usize) -> bool {
        match self {
            Self::HistoryItems { least, most } => {
                (least..=most).contains(&cases.history_items(case))
            }
            Self::RelevantItems(_) => false,
        }
    }
}

/// The band of every item.
#[derive(Debug)]
pub(super) struct ItemBands(Vec<ItemBand>);

impl ItemBands {
    pub(super) fn new(dataset: &Dataset, facts: &TrainingFacts<'_>) -> Self {
        let users: Vec<usize> = (0..dataset.items().len())
            .map(|item| facts.users_of(ItemIx::at(item)).len())
            .collect();
        let mut seen: Vec<usize> = users.iter().copied().filter(|&users| users > 0).collect();
        seen.sort_unstable_by(|a, b| b.cmp(a));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a length is a length"
        )]
        let last_of_head = (seen.len() as f64 * HEAD_SHARE).ceil() as usize;
        let least = seen.get(last_of_head.saturating_sub(1)).copied();
        let band = |users| match least {
            _ if users == 0 => ItemBand::Unseen,
            Some(least) if users < least => ItemBand::Tail,
            _ => ItemBand::Head,
        };
        Self(users.into_iter().map(band).collect())
    }

    /// The items of `truth` in `band`.
    pub(super) fn within(&self, truth: &[ItemIx], band: ItemBand) -> Vec<ItemIx> {
        let items = truth.iter().copied();
        items
            .filter(|item| self.0[item.position()] == band)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::split::tests::table;
    use crate::interactions::InteractionConfig;

    #[test]
    fn the_head_is_the_most_popular_fifth_and_test_items_are_unseen() {
        let mut rows = vec![("u1", "hit", 1), ("u2", "hit", 1), ("u1", "a", 1)];
        rows.extend([("u2", "b", 1), ("u3", "c", 1), ("u4", "d", 1)]);
        rows.push(("u1", "future", 9));
        let table = table(&rows);
        let train = (0..6).collect();
        let config = InteractionConfig::default();
        let dataset = Dataset::of_rows(table, train, vec![], config).unwrap();
        let bands = ItemBands::new(&dataset, &TrainingFacts::new(&dataset));
        let all: Vec<ItemIx> = (0..6).map(ItemIx).collect();
        assert_eq!(bands.within(&all, ItemBand::Head), [ItemIx(0)]);
        assert_eq!(bands.within(&all, ItemBand::Tail), all[1..5]);
        assert_eq!(bands.within(&all, ItemBand::Unseen), [ItemIx(5)]);
    }
}
