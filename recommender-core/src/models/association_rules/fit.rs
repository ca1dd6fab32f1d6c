//! From mined rules to rows by antecedent.

use std::collections::BTreeMap;

use crate::dataset::Dataset;
use crate::error::Result;
use crate::ids::ItemIx;
use crate::models::association_rules::{AssociationRules, AssociationRulesConfig};
use crate::recommender::FitOptions;
use crate::rules::{Grouping, Rules};
use crate::sparse::SparseMatrix;

impl AssociationRulesConfig {
    /// Mines the baskets of `dataset`.
    ///
    /// # Errors
    /// As [`MiningConfig::mine`](crate::rules::MiningConfig::mine).
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<AssociationRules> {
        self.validate()?;
        let tables = self.mining().mine(dataset, Grouping::None, options)?;
        let mut rows: BTreeMap<&[ItemIx], Vec<(u32, f32)>> = BTreeMap::new();
        for table in &tables {
            self.sort_in(&table.rules, &mut rows);
        }
        let mut antecedents: Vec<u32> = Vec::new();
        let mut ends: Vec<u64> = Vec::with_capacity(rows.len());
        for items in rows.keys() {
            antecedents.extend(items.iter().map(|item| item.0));
            ends.push(antecedents.len() as u64);
        }
        let rules = rows.into_values().map(|mut row| {
            row.sort_unstable_by_key(|&(item, _)| item);
            row
        });
        let rules = SparseMatrix::from_rows(dataset.items().len(), rules)?;
        options.step("rules", 1.0)?;
        AssociationRules::new(self.aggregation, (antecedents.into(), ends.into()), rules)
    }

    /// Adds the rules that say something to the rows of their antecedents.
    fn sort_in<'a>(&self, rules: &'a Rules, rows: &mut BTreeMap<&'a [ItemIx], Vec<(u32, f32)>>) {
        for rule in rules.iter() {
            let score = self.score.of(&rule.counts);
            if score > 0.0 {
                let row = rows.entry(rule.antecedent).or_default();
                row.extend(rule.consequent.iter().map(|item| (item.0, score)));
            }
        }
    }
}
