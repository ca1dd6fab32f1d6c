//! RP³β: where a random walk from the items of a history leads, with popular items held back.
//!
//! The walk steps from item i to one of its users and on to one of her items j. It is as near as
//!
//! `W_ij = Σ_u (x_ui / x_i)^α (x_uj / x_u)^α / n_j^β`
//!
//! with `x_i` and `x_u` the sums of the weights x of the item and of the user, and `n_j` the number of users of j. Each
//! item keeps its [`neighbours`](Rp3BetaConfig::neighbours) with the largest, as they are or as shares of their sum
//! ([`normalize`](Rp3BetaConfig::normalize)); a shopper's score for j is `Σ h_i W_ij` over her profile h. After Paudel,
//! Christoffel, Newell & Bernstein, *Updatable, accurate, diverse, and scalable recommendations for interactive
//! applications*, ACM TiiS 7(1), 2017, §4, with the cut per item of the usual implementations.
//!
//! It follows changed data exactly: [`Rp3BetaConfig::update`].

mod config;
mod fit;

pub use config::Rp3BetaConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::DenseIndex;
use crate::models::Model;
use crate::models::sums::Sums;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sparse::SparseMatrix;

/// Where walks from every item lead; made by [`Rp3BetaConfig::fit`]. It holds items only, no users.
///
/// Items that no walk from the profile leads to have no score and are never answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Rp3Beta {
    /// Items × items: `W`, above zero.
    weights: SparseMatrix,
    /// Per item: what its row is multiplied by.
    scales: Buffer<f32>,
}

/// Rows whose sum all but underflows are scaled up no further, so that no score overflows.
const LARGEST_SCALE: f64 = 1e25;

impl Rp3Beta {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are f32 throughout"
    )]
    fn new(weights: SparseMatrix, normalize: bool) -> Self {
        let scales: Vec<f32> = weights
            .iter_rows()
            .map(
                |row| match row.values.iter().map(|&x| f64::from(x)).sum::<f64>() {
                    sum if normalize && sum > 0.0 => (1.0 / sum).min(LARGEST_SCALE) as f32,
                    _ => 1.0,
                },
            )
            .collect();
        Self {
            weights,
            scales: scales.into(),
        }
    }

    /// Items × items: how near each item's (row) neighbours (columns) are, before a row is divided by its sum.
    #[must_use]
    pub fn weights(&self) -> &SparseMatrix {
        &self.weights
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the other.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let weights = tensors.matrix("weights")?;
        let scales: Buffer<f32> = tensors.vector("scales", weights.rows())?;
        let fits = |&value: &f32| value.is_finite() && value >= 0.0;
        let square = weights.cols() == weights.rows();
        if !square || !weights.values().iter().all(fits) || !scales.iter().all(fits) {
            return Err(Error::data(
                "rp3beta",
                "the weights are no non-negative matrix of items × items",
            ));
        }
        Ok(Self { weights, scales })
    }

    fn answer(&self, query: &Query, sums: &mut Sums) -> Result<Ranked> {
        let scaled = query.profile().into_iter().filter_map(|(item, weight)| {
            let scale = self.scales.get(item.position())?;
            Some((item, weight * scale))
        });
        sums.add_profile(&self.weights, scaled);
        sums.take_ranked(query)
    }
}

impl Recommender for Rp3Beta {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut Sums::new(self.weights.cols()))
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let scratch = || Sums::new(self.weights.cols());
        in_parallel(queries, scratch, |query, sums| self.answer(query, sums))
    }
}

impl Model for Rp3Beta {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put_matrix("weights", &self.weights);
        tensors.put("scales", &[self.scales.len()], &self.scales);
    }

    fn item_bound(&self) -> usize {
        self.weights.cols()
    }
}

#[cfg(test)]
mod tests;
