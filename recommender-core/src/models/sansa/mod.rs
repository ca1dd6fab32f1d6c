//! EASE for large catalogues: a sparse approximate inverse, of a fixed number of weights an item.
//!
//! `ease` needs a dense inverse of `A = XᵀX + Λ`, items × items. Here each item j keeps the neighbours N that, alone,
//! say most about it, those of largest `A_ij² / A_ii`, and its weights solve the problem of `ease` among these:
//!
//! `A_NN b = A_Nj`
//!
//! so `e_j − b`, scaled, is column j of the inverse of A cut to N and j: the best column with zeros elsewhere. It is the
//! factorised sparse approximate inverse of Kolotilina & Yeremin (*Factorized sparse approximate inverse
//! preconditionings*, SIAM J. Matrix Anal. 1993) without the order of the items that a factorisation needs, and the
//! sparse approximation of Steck (*Markov random fields for collaborative filtering*, NeurIPS 2019, §3.2) with a
//! neighbourhood for every item. It takes the place of the incomplete `LDLᵀ` of Spišák et al. (*Scalable approximate
//! nonsymmetric autoencoder for collaborative filtering*, RecSys 2023): as sparse, but every column is exact for its
//! pattern, so that no residual is left there to refine, and all are solved at once on all threads.
//!
//! With as many neighbours as items, every two of which share a user, the weights are those of `ease`. `Λ = λI + p / (1 − p) · diag(XᵀX)` as there.
//!
//! Changed data needs a new fit.

mod config;
mod fit;
mod gram;
mod rows;

pub use config::SansaConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::error::{Error, Result};
use crate::models::Model;
use crate::models::sums::Sums;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sparse::SparseMatrix;

/// Weights of the neighbours of every item; made by [`SansaConfig::fit`]. It holds items only, no users.
///
/// A shopper's scores are `h · B` with h her profile, below zero too. Items that no item of the profile is a neighbour of
/// have no score and are never answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Sansa {
    /// Items × items: what having an item (row) says of others (columns).
    weights: SparseMatrix,
}

impl Sansa {
    /// Items × items: what having an item (row) says of others (columns); zero on the diagonal.
    #[must_use]
    pub fn weights(&self) -> &SparseMatrix {
        &self.weights
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if the weights are missing or no square matrix.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let weights = tensors.matrix("weights")?;
        if weights.rows() != weights.cols() {
            return Err(Error::data(
                "sansa",
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

impl Recommender for Sansa {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut Sums::new(self.weights.cols()))
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let scratch = || Sums::new(self.weights.cols());
        in_parallel(queries, scratch, |query, sums| self.answer(query, sums))
    }
}

impl Model for Sansa {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put_matrix("weights", &self.weights);
    }

    fn item_bound(&self) -> usize {
        self.weights.cols()
    }
}

#[cfg(test)]
mod tests;
