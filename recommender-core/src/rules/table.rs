//! Rules of all baskets, or of the baskets of each channel or place.

use std::collections::BTreeMap;

use crate::baskets::Baskets;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::events::{Channel, EventRow};
use crate::ids::PlaceIx;
use crate::recommender::FitOptions;
use crate::rules::{Grouping, MiningConfig, Rules};

/// Whose baskets a table of rules is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// All baskets.
    All,
    /// What was taken on a channel; none: where events name none.
    Channel(Option<Channel>),
    /// What was taken at a place; none: where events name none.
    Place(Option<PlaceIx>),
}

/// The rules of a group of baskets.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleTable {
    /// Whose baskets.
    pub group: Group,
    /// Their rules.
    pub rules: Rules,
}

impl MiningConfig {
    /// The rules of the baskets of `dataset`, a table for each group that has baskets: by channel or place, in the
    /// order of their numbers, those without one first. Supports are shares of the group's own baskets. A basket that
    /// reaches over several groups counts in each, with what was taken there.
    ///
    /// ```
    /// use recommender_core::events::{Event, EventKind, EventTable};
    /// use recommender_core::rules::{Grouping, MiningConfig};
    /// use recommender_core::{Dataset, FitOptions, InteractionConfig};
    /// let mut table = EventTable::new();
    /// for visitor in 0..9 {
    ///     for item in if visitor < 6 { ["pen", "ink"] } else { ["cup", "pot"] } {
    ///         table.push(&Event { visitor: visitor.to_string(), item: Some(item.into()), quantity: 1.0,
    ///                             kind: EventKind::Purchase, ..Event::default() })?;
    ///     }
    /// }
    /// let dataset = Dataset::new(table, vec![], InteractionConfig::default())?;
    /// let config = MiningConfig { log_likelihood_ratio: 6.63, ..MiningConfig::default() };
    /// let tables = config.mine(&dataset, Grouping::None, &FitOptions::default())?;
    /// let rule = tables[0].rules.iter().next().expect("pen and ink go together");
    /// assert_eq!(dataset.items().key(rule.consequent[0]), "ink");
    /// assert_eq!((rule.counts.both, rule.counts.lift()), (6, 1.5));
    /// # Ok::<(), recommender_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`MiningConfig::itemsets`] and [`MiningConfig::rules`]; memory is allowed to each group in turn.
    pub fn mine(
        &self,
        dataset: &Dataset,
        by: Grouping,
        options: &FitOptions,
    ) -> Result<Vec<RuleTable>> {
        self.validate()?;
        options.run(|| {
            options.step("cutting baskets", 0.0)?;
            let tables = self.groups(dataset, by)?;
            tables
                .into_iter()
                .map(|(group, baskets)| {
                    let itemsets = self.itemsets(&baskets, options)?;
                    drop(baskets);
                    let rules = self.rules(&itemsets, options)?;
                    Ok(RuleTable { group, rules })
                })
                .collect()
        })
    }

    /// The baskets of each group.
    fn groups(&self, dataset: &Dataset, by: Grouping) -> Result<BTreeMap<Group, Baskets>> {
        let group_of = |row: &EventRow| {
            let wanted = self.kinds.is_empty() || self.kinds.contains(&row.kind);
            wanted.then_some(match by {
                Grouping::None => Group::All,
                Grouping::Channel => Group::Channel(row.channel),
                Grouping::Place => Group::Place(row.place),
            })
        };
        let mut groups = Baskets::parted(dataset, &self.baskets(), group_of)?;
        if by == Grouping::None {
            // Of no basket there is a table all the same: an empty one.
            groups.entry(Group::All).or_default();
        }
        Ok(groups)
    }
}
