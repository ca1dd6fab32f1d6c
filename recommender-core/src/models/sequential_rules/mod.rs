//! What usually follows the item at hand (sequential rules).
//!
//! Ludewig & Jannach, *Evaluation of session-based recommendation algorithms*, UMUAI 28, 2018, §4.1 (SR): whenever j
//! follows i in a session, d events later and at most [`steps`](SequentialRulesConfig::steps), the rule i → j gains
//! [`step_weight`](SequentialRulesConfig::step_weight) of d, `1/d` as published. A rule is divided by how often i
//! happened, and each item keeps its [`neighbours`](SequentialRulesConfig::neighbours) strongest. An item that came
//! again leads to itself. As published, the rules of the last item of a visit are the answer; here those of its
//! [`last_items`](SequentialRulesConfig::last_items) are, p steps before the end with the weight
//! `exp(−p / position_decay)`, an item that came twice in its latest place.
//!
//! It keeps pairs of items and no persons. It follows changed data by a new fit.

mod config;
mod fit;

pub use config::{SequentialRulesConfig, StepWeight};

use crate::artifact::{TensorSink, Tensors};
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::models::Model;
use crate::models::small_sums::SmallSums;
use crate::models::stored_config::StoredConfig;
use crate::models::visit::Visit;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sparse::SparseMatrix;

/// For each item, what follows it; made by [`SequentialRulesConfig::fit`]. It holds items only, no users.
///
/// Items that no rule leads to have no score and are never answered.
#[derive(Debug, Clone)]
pub struct SequentialRules {
    config: SequentialRulesConfig,
    stored: StoredConfig,
    /// Items × items: the strength of the rule from the row to the column, above zero.
    rules: SparseMatrix,
}

impl SequentialRules {
    fn new(config: SequentialRulesConfig, rules: SparseMatrix) -> Result<Self> {
        Ok(Self {
            stored: StoredConfig::of("sequential_rules", &config)?,
            config,
            rules,
        })
    }

    /// Items × items: how strongly each item (row) leads to others (columns).
    #[must_use]
    pub fn rules(&self) -> &SparseMatrix {
        &self.rules
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the other.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let config: SequentialRulesConfig = StoredConfig::load("sequential_rules", tensors)?;
        config.validate()?;
        let rules = tensors.matrix("rules")?;
        if rules.cols() != rules.rows() || rules.values().iter().any(|&rule| rule <= 0.0) {
            let reason = "the rules are no matrix of items × items above zero";
            return Err(Error::data("sequential_rules", reason));
        }
        Self::new(config, rules)
    }

    fn answer(&self, query: &Query, sums: &mut SmallSums<f32>) -> Result<Ranked> {
        let visit = Visit::of(query, &self.config.visit());
        let leading = self.leading(&visit);
        let rows = leading.iter().map(|&(item, _)| self.rules.row(item));
        sums.reserve(rows.map(|row| row.len()).sum());
        for (item, weight) in leading {
            let row = self.rules.row(item);
            row.iter()
                .for_each(|(to, rule)| sums.add(to, weight * rule));
        }
        let scored = sums.entries().map(|(item, sum)| (ItemIx(item), sum));
        let ranked = visit.rank(query, scored);
        sums.clear();
        ranked
    }

    /// Rows of the different known items of the visit, the latest first, and what they count.
    fn leading(&self, visit: &Visit) -> Vec<(usize, f32)> {
        let mut leading: Vec<(usize, f32)> = Vec::with_capacity(visit.items.len());
        for (place, item) in visit.items.iter().rev().enumerate() {
            let row = item.position();
            if row < self.rules.rows() && leading.iter().all(|&(other, _)| other != row) {
                let weight = (-(place as f32) / self.config.position_decay).exp();
                leading.push((row, weight));
            }
        }
        leading
    }
}

impl Recommender for SequentialRules {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut SmallSums::new())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let answer = |query: &Query, sums: &mut SmallSums<f32>| self.answer(query, sums);
        in_parallel(queries, SmallSums::new, answer)
    }
}

impl Model for SequentialRules {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        self.stored.save(tensors);
        tensors.put_matrix("rules", &self.rules);
    }

    fn item_bound(&self) -> usize {
        self.rules.cols()
    }
}

#[cfg(test)]
mod tests;
