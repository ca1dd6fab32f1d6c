//! Items that the same users have: what is near the history is recommended.
//!
//! `score_j = Σ_i h_i · sim(i, j)` over the items i of the shopper's profile h whose [`neighbours`](ItemKnnConfig::neighbours)
//! include j (Sarwar, Karypis, Konstan & Riedl, *Item-based collaborative filtering*, WWW 2001;
//! Deshpande & Karypis, *Item-based top-N recommendation algorithms*, TOIS 2004). [`Similarity`] has the formulas.
//!
//! With equal settings the similarities equal those of the Python package `implicit`, which counts the item itself as
//! one of its neighbours: its `K` is one more than our `neighbours`.

mod config;
mod fit;
mod weighted;

pub use config::{ItemKnnConfig, Similarity};

use crate::artifact::{TensorSink, Tensors};
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::models::Model;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sparse::{Accumulator, SparseMatrix};

/// Neighbours of every item; made by [`ItemKnnConfig::fit`]. It holds items only, no users.
///
/// Items without a common neighbour with the profile have no score and are never answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemKnn {
    /// Items × items: the similarity of each item (row) to its neighbours (columns), above zero.
    similar: SparseMatrix,
}

impl ItemKnn {
    /// Items × items: the similarity of each item (row) to its neighbours (columns), above zero.
    #[must_use]
    pub fn similarities(&self) -> &SparseMatrix {
        &self.similar
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if the matrix is missing or is not one of items × items.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let similar = tensors.matrix("similar")?;
        if similar.rows() != similar.cols() || similar.values().iter().any(|&value| value < 0.0) {
            return Err(Error::data(
                "item_knn",
                "the similarities are no non-negative matrix of items × items",
            ));
        }
        Ok(Self { similar })
    }

    fn answer(&self, query: &Query, sums: &mut Accumulator) -> Result<Ranked> {
        for (item, weight) in query.profile() {
            if item.position() < self.similar.rows() && weight > 0.0 {
                sums.add(weight, self.similar.row(item.position()));
            }
        }
        let scores = sums.entries().map(|(item, score)| (ItemIx(item), score));
        let ranked = Ranked::top(query, scores);
        sums.clear();
        ranked
    }
}

impl Recommender for ItemKnn {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut Accumulator::new(self.similar.cols()))
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let scratch = || Accumulator::new(self.similar.cols());
        in_parallel(queries, scratch, |query, sums| self.answer(query, sums))
    }
}

impl Model for ItemKnn {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put_matrix("similar", &self.similar);
    }

    fn item_bound(&self) -> usize {
        self.similar.cols()
    }
}

#[cfg(test)]
mod tests;
