//! iALS: a vector for each user and item, whose products come near 1 where there was an interaction and near 0 elsewhere.
//!
//! Minimises `Σ_(u,i) w_ui (1 − x_u·v_i)² + α₀ Σ_all (x_u·v_i)² + λ Σ_u (W_u + α₀ m)^ν ‖x_u‖² + λ Σ_i (W_i + α₀ n)^ν ‖v_i‖²`
//! over the vectors of n users and m items, by turns, where W is the sum of the weights w of a user or an item
//! (Hu, Koren and Volinsky, *Collaborative filtering for implicit feedback datasets*, ICDM 2008; the penalties and the
//! way to begin: Rendle et al., *Revisiting the performance of iALS on item recommendation benchmarks*, RecSys 2022).
//!
//! A shopper's vector is solved for from her profile when she asks, as the users' are in the fit: the model holds
//! items only, no users.
//!
//! It follows changed data approximately: from the vectors it has, a quarter of the epochs.

mod config;
mod fit;
mod solve;

pub use config::IalsConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::factors::{ItemFactors, on_best_simd};
use crate::models::Model;
use crate::models::ials::solve::{Effort, Penalty, Scratch, Shared, Solve};
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
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
    vector: Vec<f32>,
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

    /// Solves for the vector of the shopper of `query`; none if she has nothing the model knows.
    fn fold_in<'a>(&self, query: &Query, room: &'a mut FoldIn) -> Option<&'a [f32]> {
        room.rows.clear();
        room.weights.clear();
        for (item, weight) in query.profile() {
            if let Some(row) = self.items.row_of(item).filter(|_| weight > 0.0) {
                room.rows.push(row);
                room.weights.push(weight);
            }
        }
        room.vector.clear();
        room.vector.resize(self.items.width(), 0.0);
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
            vectors: &mut room.vector,
            scratch: &mut room.scratch,
        });
        (!room.rows.is_empty()).then_some(&room.vector)
    }

    fn answer(&self, query: &Query, room: &mut FoldIn) -> Result<Ranked> {
        match self.fold_in(query, room) {
            Some(vector) => self.items.top(query, vector),
            None => Ok(Ranked::empty()),
        }
    }
}

impl Recommender for Ials {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut FoldIn::default())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        in_parallel(queries, FoldIn::default, |query, room| {
            self.answer(query, room)
        })
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
