//! SLIM: each item as a sparse sum of the others.
//!
//! For every item j the weights w minimise
//!
//! `½ ‖x_j − X w‖² + ½ β ‖w‖² + λ ‖w‖₁` with `w_j = 0` and, where asked for, `w ≥ 0`
//!
//! with X the user × item matrix (Ning & Karypis, *SLIM: sparse linear methods for top-N recommender systems*, ICDM 2011,
//! eq. 4), by coordinate descent on the Gram matrix (Friedman, Hastie & Tibshirani, *Regularization paths for generalized
//! linear models via coordinate descent*, 2010, §2.2). A shopper's score for j is `Σ h_i w_ij` over her profile h.
//!
//! Only items that share a user with j may have a weight. With `w ≥ 0` this takes nothing away: an item needs a product
//! with j above λ to get a weight at all, which also leaves most out beforehand. A limit on the
//! [`candidates`](SlimConfig::candidates) makes it fsSLIM of the paper's §IV.C.
//!
//! It follows changed data by fitting anew.

mod config;
mod descent;
mod fit;

pub use config::SlimConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::error::{Error, Result};
use crate::models::Model;
use crate::models::sums::Sums;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sparse::SparseMatrix;

/// Weights between items; made by [`SlimConfig::fit`]. It holds items only, no users.
///
/// Items for which nothing in the profile has a weight have no score and are never answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Slim {
    /// Items × items: what having an item (row) says of others (columns).
    weights: SparseMatrix,
}

impl Slim {
    /// Items × items: what having each item (row) says of others (columns).
    #[must_use]
    pub fn weights(&self) -> &SparseMatrix {
        &self.weights
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if the tensor is missing or no square matrix.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let weights = tensors.matrix("weights")?;
        if weights.cols() != weights.rows() {
            return Err(Error::data(
                "slim",
                "the weights are no matrix of items × items",
            ));
        }
        Ok(Self { weights })
    }

    fn answer(&self, query: &Query, sums: &mut Sums) -> Result<Ranked> {
        sums.add_profile(&self.weights, query.profile());
        sums.take_ranked(query)
    }
}

impl Recommender for Slim {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut Sums::new(self.weights.cols()))
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let scratch = || Sums::new(self.weights.cols());
        in_parallel(queries, scratch, |query, sums| self.answer(query, sums))
    }
}

impl Model for Slim {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put_matrix("weights", &self.weights);
    }

    fn item_bound(&self) -> usize {
        self.weights.cols()
    }
}

#[cfg(test)]
mod tests;
