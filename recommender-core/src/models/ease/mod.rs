//! Linear maps of a history to itself, in closed form: EASE, and its kin EDLAE, RLAE and RDLAE.
//!
//! All minimise `‖X − XB‖² + ‖Λ^½ B‖²` over B with `B_jj ≤ ξ`, where `Λ = λI + p / (1 − p) · diag(XᵀX)`:
//!
//! | model | settings | λ | p | ξ | source |
//! |---|---|---|---|---|---|
//! | `ease` | [`EaseConfig`] | > 0 | 0 | 0, as an equation | Steck, *Embarrassingly shallow autoencoders for sparse data*, WWW 2019 |
//! | `edlae` | [`EdlaeConfig`] | > 0 | ≥ 0 | 0, as an equation | Steck, *Autoencoders that don't overfit towards the identity*, NeurIPS 2020 |
//! | `rdlae` | [`RdlaeConfig`] | > 0 | ≥ 0; 0: RLAE | ≥ 0 | Moon, Kim & Lee, *It's enough: relaxing diagonal constraints in linear autoencoders for recommendation*, SIGIR 2023 |
//!
//! Column j stands alone: with a multiplier γ for its bound its gradient is zero where
//! `(XᵀX + Λ) b = XᵀX e_j − γ e_j = (XᵀX + Λ) e_j − (Λ_jj + γ) e_j`. So with `P = (XᵀX + Λ)⁻¹`
//!
//! `B = I − P · diag(κ)`, and `B_jj = 1 − κ_j P_jj`.
//!
//! An equation `B_jj = 0` makes `κ_j = 1 / P_jj`. A bound has γ ≥ 0, above 0 only where it binds:
//! `κ_j = max(Λ_jj, (1 − ξ) / P_jj)`. One inverse gives them all.
//! A shopper's scores are `h · B` with h her profile.
//!
//! # Changed data
//!
//! All three follow a [`Change`](crate::dataset::Change) exactly, to rounding: rows of X that come and go change
//! `XᵀX + Λ` by a matrix of low rank, and P by Woodbury's identity. P itself is not kept: it is read back from B, κ and
//! the diagonal of P. With dropout Λ changes too, by one rank for every item whose users changed. Items that nobody
//! had until now come in, those that nobody has any more go out. See [`EaseConfig::update`].

mod cholesky;
mod config;
mod core_inverse;
mod fit;
mod inverse;
mod low_rank;
mod problem;
mod transpose;
mod update;

pub use config::{EaseConfig, EdlaeConfig, RdlaeConfig};

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::ItemIx;
use crate::models::Model;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};

/// Weights between all items with an interaction; made by [`EaseConfig::fit`], [`EdlaeConfig::fit`] and
/// [`RdlaeConfig::fit`]. It holds items only, no users.
///
/// Every such item has a score for every shopper with one of them in her profile, below zero too; items nobody
/// interacted with have none.
#[derive(Debug, Clone, PartialEq)]
pub struct Ease {
    /// The items that take part, ascending: the numbering of the weights.
    items: Buffer<u32>,
    /// Items × items, row-major: row i is what having item i says of the others.
    weights: Buffer<f32>,
    /// `P_jj` of each item: with `scales` it gives P back.
    inverse_diagonal: Buffer<f32>,
    /// `κ_j` of each item.
    scales: Buffer<f32>,
}

/// A row of weights and the weight of its item in a profile.
type WeightedRow<'a> = (f32, &'a [f32]);

/// Fewer candidates than one in so many items are scored one by one.
const FEW_CANDIDATES: usize = 16;

impl Ease {
    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the other.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let (_, items) = tensors.get::<u32>("items")?;
        let (shape, weights) = tensors.get::<f32>("weights")?;
        let (_, inverse_diagonal) = tensors.get::<f32>("inverse_diagonal")?;
        let (_, scales) = tensors.get::<f32>("scales")?;
        let sizes = [inverse_diagonal.len(), scales.len()];
        if shape != [items.len(), items.len()]
            || sizes != [items.len(), items.len()]
            || items.windows(2).any(|pair| pair[0] >= pair[1])
        {
            return Err(Error::data("ease", "the weights do not fit the items"));
        }
        Ok(Self {
            items,
            weights,
            inverse_diagonal,
            scales,
        })
    }

    fn column(&self, item: ItemIx) -> Option<usize> {
        self.items.binary_search(&item.0).ok()
    }

    fn answer(&self, query: &Query, scores: &mut Vec<f32>) -> Result<Ranked> {
        let size = self.items.len();
        let rows: Vec<WeightedRow<'_>> = query
            .profile()
            .into_iter()
            .filter_map(|(item, weight)| {
                let row = self.column(item)? * size;
                Some((weight, &self.weights[row..row + size]))
            })
            .collect();
        if rows.is_empty() || query.limit == 0 {
            return Ok(Ranked::empty());
        }
        match query.candidates.fewer_than(size / FEW_CANDIDATES) {
            Some(items) => Ranked::top(query, self.score_each(&rows, items)),
            None => {
                scores.clear();
                scores.resize(size, 0.0);
                add_rows(scores, &rows);
                let items = self.items.iter().map(|&item| ItemIx(item));
                Ranked::top(query, items.zip(scores.iter().copied()))
            }
        }
    }

    /// The scores of some items, added up in the order in which [`add_rows`] does, so that they are the same numbers.
    fn score_each(
        &self,
        rows: &[WeightedRow<'_>],
        items: impl Iterator<Item = ItemIx>,
    ) -> impl Iterator<Item = (ItemIx, f32)> {
        items.filter_map(|item| {
            let column = self.column(item)?;
            let add = |sum: f32, row: &WeightedRow<'_>| sum + row.0 * row.1[column];
            Some((item, rows.iter().fold(0.0, add)))
        })
    }
}

/// Adds the weighted rows to `scores`, four in one pass: `scores` then travels through the cache a quarter as often.
fn add_rows(scores: &mut [f32], rows: &[WeightedRow<'_>]) {
    let fours = rows.chunks_exact(4);
    let rest = fours.remainder();
    for four in fours {
        let size = scores.len();
        let [(a, row_a), (b, row_b), (c, row_c), (d, row_d)] = [four[0], four[1], four[2], four[3]];
        let (row_a, row_b, row_c, row_d) = (
            &row_a[..size],
            &row_b[..size],
            &row_c[..size],
            &row_d[..size],
        );
        for (at, score) in scores.iter_mut().enumerate() {
            *score = *score + a * row_a[at] + b * row_b[at] + c * row_c[at] + d * row_d[at];
        }
    }
    for &(factor, row) in rest {
        for (score, weight) in scores.iter_mut().zip(row) {
            *score += factor * weight;
        }
    }
}

impl Recommender for Ease {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut Vec::new())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        in_parallel(queries, Vec::new, |query, scores| {
            self.answer(query, scores)
        })
    }
}

impl Model for Ease {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        let size = self.items.len();
        tensors.put("items", &[size], &self.items);
        tensors.put("weights", &[size, size], &self.weights);
        tensors.put("inverse_diagonal", &[size], &self.inverse_diagonal);
        tensors.put("scales", &[size], &self.scales);
    }

    fn item_bound(&self) -> usize {
        self.items.last().map_or(0, |&last| last as usize + 1)
    }
}

#[cfg(test)]
mod tests;
