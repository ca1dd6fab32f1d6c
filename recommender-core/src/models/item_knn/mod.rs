//! Items that the same users have: what is near the history is recommended.
//!
//! Two items are as alike as their users; each keeps its [`neighbours`](ItemKnnConfig::neighbours), and a shopper's
//! score for an item adds up the similarities to what she chose. [`Similarity`] and [`Aggregation`] have the formulas.
//!
//! With equal settings and [`Aggregation::Sum`] it equals the item-item models of the Python package `implicit`, which
//! counts the item itself as one of its neighbours: its `K` is one more than our `neighbours`.
//!
//! It follows changed data exactly: [`ItemKnnConfig::update`] says at what cost.

mod config;
mod fit;
mod weighted;

pub use config::{Aggregation, ItemKnnConfig, Similarity};

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::models::Model;
use crate::models::sums::Sums;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sparse::SparseMatrix;

/// Neighbours of every item; made by [`ItemKnnConfig::fit`]. It holds items only, no users.
///
/// Items near nothing in the profile have no score and are never answered, but for
/// [`Aggregation::CentredAverage`], where their popularity is one.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemKnn {
    /// Items × items: what each item (row) of a profile adds to the scores of others (columns), above zero.
    weights: SparseMatrix,
    /// Items that have a score before anything is known, best first.
    base_items: Buffer<u32>,
    /// Per item: that score, zero where there is none; empty if no item has one.
    base_scores: Buffer<f32>,
}

/// An item and the score it has before anything is known.
type Base = (ItemIx, f32);

impl ItemKnn {
    fn new(weights: SparseMatrix, base: &[Base]) -> Self {
        let mut scores = vec![0.0; if base.is_empty() { 0 } else { weights.cols() }];
        for &(item, score) in base {
            scores[item.position()] = score;
        }
        Self {
            weights,
            base_items: base
                .iter()
                .map(|(item, _)| item.0)
                .collect::<Vec<_>>()
                .into(),
            base_scores: scores.into(),
        }
    }

    /// Items × items: what each item (row) of a profile adds to the scores of others (columns), above zero;
    /// with [`Aggregation::Sum`] the similarity of each item to its neighbours.
    #[must_use]
    pub fn weights(&self) -> &SparseMatrix {
        &self.weights
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let weights = tensors.matrix("weights")?;
        let (_, base_items) = tensors.get::<u32>("base.items")?;
        let (_, base_scores) = tensors.get::<f32>("base.scores")?;
        let items = weights.rows();
        let square = weights.cols() == items && weights.values().iter().all(|&value| value >= 0.0);
        let fits = base_items
            .iter()
            .all(|&item| (item as usize) < base_scores.len());
        if !square || !fits || !(base_scores.is_empty() || base_scores.len() == items) {
            return Err(Error::data(
                "item_knn",
                "the weights are no non-negative matrix of items × items, or the scores do not fit it",
            ));
        }
        Ok(Self {
            weights,
            base_items,
            base_scores,
        })
    }

    fn answer(&self, query: &Query, sums: &mut Sums) -> Result<Ranked> {
        let known = sums.add_profile(&self.weights, query.profile());
        if self.base_items.is_empty() {
            return sums.take_ranked(query);
        }
        let ranked = if known {
            self.above_base(query, sums)
        } else {
            Ok(Ranked::empty())
        };
        sums.clear();
        ranked
    }

    /// The best of what the sums add to, and of the rest as far as it can matter.
    fn above_base(&self, query: &Query, sums: &Sums) -> Result<Ranked> {
        let base = |item: u32| self.base_scores[item as usize];
        let near = sums.entries().map(|(item, sum)| (item, base(item.0) + sum));
        let rest = self.base_items.iter().filter(|&&item| !sums.holds(item));
        let rest = rest.map(|&item| (ItemIx(item), base(item)));
        Ranked::top(query, near.chain(Ranked::reachable(query, rest)))
    }
}

impl Recommender for ItemKnn {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut Sums::new(self.weights.cols()))
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let scratch = || Sums::new(self.weights.cols());
        in_parallel(queries, scratch, |query, sums| self.answer(query, sums))
    }
}

impl Model for ItemKnn {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put_matrix("weights", &self.weights);
        tensors.put("base.items", &[self.base_items.len()], &self.base_items);
        tensors.put("base.scores", &[self.base_scores.len()], &self.base_scores);
    }

    fn item_bound(&self) -> usize {
        self.weights.cols()
    }
}

#[cfg(test)]
mod tests;
