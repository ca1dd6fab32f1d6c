//! iALS: a vector for each user and item, whose products come near 1 where there was an interaction and near 0 elsewhere.
//!
//! Minimises `Σ_(u,i) w_ui (1 − x_u·v_i)² + α₀ Σ_all (x_u·v_i)² + λ Σ_u (W_u + α₀ m)^ν ‖x_u‖² + λ Σ_i (W_i + α₀ n)^ν ‖v_i‖²`
//! over the vectors of n users and m items, by turns, where W is the sum of the weights w of a user or an item
//! (Hu, Koren and Volinsky, *Collaborative filtering for implicit feedback datasets*, ICDM 2008; the penalties: Rendle
//! et al., *Revisiting the performance of iALS on item recommendation benchmarks*, RecSys 2022). It begins near the
//! largest singular vectors of the interactions, which one or two epochs bring to what takes three or four from random
//! ones.
//!
//! A shopper's vector is solved for from her profile when she asks, as the users' are in the fit: the model holds
//! items only, no users.
//!
//! It follows changed data approximately: from the vectors it has, a quarter of the epochs.

mod config;
mod fit;
mod solve;
mod start;

pub use config::IalsConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::factors::{ItemFactors, on_best_simd};
use crate::models::Model;
use crate::models::ials::solve::{Effort, Penalty, Scratch, Shared, Solve};
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::Recommender;
use crate::sparse::SparseRow;

/// Vectors of the items with an interaction; made by [`IalsConfig::fit`]. It holds items only, no users.
///
/// Every such item has a score for every shopper with one of them in her profile; items nobody interacted with have
/// none.
#[derive(Debug, Clone, PartialEq)]
pub struct Ials {
    items: ItemFactors,
    /// α₀ times the squared length of all items' vectors along each factor.
    spectrum: Buffer<f32>,
    penalty: Penalty,
}

/// A shopper's vector is solved for to the precision of the scores.
const EFFORT: Effort = Effort {
    direct: 128,
    steps: 100,
    tolerance: 1e-5,
};

/// What one thread needs to find a shopper's vector.
#[derive(Debug, Default)]
struct FoldIn {
    rows: Vec<u32>,
    weights: Vec<f32>,
    scratch: Scratch,
}

impl Ials {
    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let items = ItemFactors::load(tensors)?;
        let spectrum = tensors.vector::<f32>("spectrum", items.width())?;
        let penalty = tensors.vector::<f32>("penalty", 3)?;
        let sound = |value: &f32| value.is_finite() && *value >= 0.0;
        if !spectrum.iter().chain(&*penalty).all(sound) || penalty[0] == 0.0 {
            return Err(Error::data("ials", "the penalties are out of range"));
        }
        Ok(Self {
            items,
            spectrum,
            penalty: Penalty::new([penalty[0], penalty[1], penalty[2]]),
        })
    }

    /// Solves for the vector of the shopper of `query`, in place of zeros; says whether she has anything the model knows.
    fn fold_in(&self, query: &Query, room: &mut FoldIn, vector: &mut [f32]) -> bool {
        room.rows.clear();
        room.weights.clear();
        for (item, weight) in query.profile() {
            if let Some(row) = self.items.row_of(item).filter(|_| weight > 0.0) {
                room.rows.push(row);
                room.weights.push(weight);
            }
        }
        let row = SparseRow {
            indices: &room.rows,
            values: &room.weights,
        };
        on_best_simd(Solve {
            shared: Shared {
                others: self.items.view(),
                spectrum: &self.spectrum,
                penalty: self.penalty,
                effort: EFFORT,
            },
            rows: std::iter::once(row),
            vectors: vector,
            scratch: &mut room.scratch,
        });
        !room.rows.is_empty()
    }
}

impl Recommender for Ials {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        let mut vector = vec![0.0; self.items.width()];
        if self.fold_in(query, &mut FoldIn::default(), &mut vector) {
            return self.items.top(query, &vector);
        }
        Ok(Ranked::empty())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let fold_in = |query: &Query, room: &mut FoldIn, vector: &mut [f32]| {
            self.fold_in(query, room, vector)
        };
        self.items
            .top_in_parallel(queries, FoldIn::default, fold_in)
    }
}

impl Model for Ials {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        self.items.save(tensors);
        tensors.put("spectrum", &[self.spectrum.len()], &self.spectrum);
        tensors.put("penalty", &[3], self.penalty.as_array());
    }

    fn item_bound(&self) -> usize {
        self.items.item_bound()
    }
}

#[cfg(test)]
mod tests;
