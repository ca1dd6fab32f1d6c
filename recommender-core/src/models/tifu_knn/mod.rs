//! What the shopper takes again and again, and what shoppers like her do (TIFU-kNN).
//!
//! A shopper's baskets, oldest to newest, are dealt to m groups of equal size. With basket decay `r_b` and group decay
//! `r_g` the vector of a group of τ baskets is `v_g = 1/τ · Σ_j r_b^(τ−j) · b_j`, and hers is
//! `u = 1/m · Σ_g r_g^(m−g) · v_g`. With N the [`neighbours`](TifuKnnConfig::neighbours) nearest to her, the scores are
//! `α · u + (1 − α) / |N| · Σ_{v ∈ N} v`, with α the [`own_weight`](TifuKnnConfig::own_weight) (Hu, He, Gao & Zhang,
//! *Modeling personalized item frequency information for next-basket recommendation*, SIGIR 2020, equations 1 to 4).
//! [`TifuKnnConfig::nearness`] says who is near: by distance, as published, or by angle, which does not take a
//! short history for a like one.
//!
//! The current visit counts as her last basket. A shopper who was there when the model was fitted and did nothing
//! since would meet herself: the first of the nearest users whose vector equals hers is left out.
//!
//! It answers what the shopper had, unless the query excludes it. **This model keeps the vectors of its users**, without
//! their keys: whoever erases a person must update or fit it anew, and [`TifuKnnConfig::update`], which is exact, leaves
//! nothing of her.

mod config;
mod fit;
mod vector;

pub use config::{Nearness, TifuKnnConfig};

use crate::artifact::{TensorSink, Tensors};
use crate::baskets::Baskets;
use crate::error::{Error, Result};
use crate::ids::ItemIx;
use crate::models::Model;
use crate::models::shoppers::others;
use crate::models::stored_config::StoredConfig;
use crate::models::sums::Sums;
use crate::models::tifu_knn::vector::squared_length;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sparse::{Accumulator, BestOf, SparseMatrix};

/// The vectors of users and an index of them by item; made by [`TifuKnnConfig::fit`]. Items that neither the shopper nor
/// a neighbour had have no score and are never answered.
#[derive(Debug, Clone, PartialEq)]
pub struct TifuKnn {
    /// Users × items.
    vectors: SparseMatrix,
    /// Items × users.
    index: SparseMatrix,
    /// Per user: the squared length of her vector.
    squares: Vec<f32>,
    /// Users with a vector, shortest first.
    shortest: Vec<u32>,
    config: TifuKnnConfig,
    stored: StoredConfig,
}

/// Room for one answer after the other.
struct Scratch {
    dots: Accumulator,
    nearest: BestOf,
    scores: Sums,
}

impl TifuKnn {
    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let vectors = tensors.matrix("vectors")?;
        let config: TifuKnnConfig = StoredConfig::load("tifu_knn", tensors)?;
        config.validate()?;
        if vectors.values().iter().any(|&weight| weight <= 0.0) {
            return Err(Error::data("tifu_knn", "a weight is not above 0"));
        }
        Self::new(config, vectors)
    }

    fn scratch(&self) -> Scratch {
        Scratch {
            dots: Accumulator::new(self.vectors.rows()),
            // One more, in whose place she may stand herself.
            nearest: BestOf::new(self.config.neighbours.saturating_add(1)),
            scores: Sums::new(self.vectors.cols()),
        }
    }

    fn answer(&self, query: &Query, scratch: &mut Scratch) -> Result<Ranked> {
        let baskets = Baskets::of_query(query, &self.config.baskets());
        let mut own = self.config.vector(&baskets);
        own.retain(|&(item, _)| (item as usize) < self.vectors.cols());
        if own.is_empty() {
            return Ok(Ranked::empty());
        }
        let nearest = self.nearest(&own, scratch);
        let scores = &mut scratch.scores;
        let own_weight = self.config.own_weight;
        let rest = (1.0 - own_weight) / nearest.len().max(1) as f32;
        let hers = own
            .iter()
            .map(|&(item, weight)| (ItemIx(item), own_weight * weight));
        scores.add_items(hers);
        let theirs = nearest.into_iter().map(|(user, _)| (user as usize, rest));
        scores.add_rows(&self.vectors, theirs);
        scores.take_ranked(query)
    }

    /// The users nearest to `own`, herself left out, by index.
    fn nearest(&self, own: &[(u32, f32)], scratch: &mut Scratch) -> Vec<(u32, f32)> {
        let Scratch { dots, nearest, .. } = scratch;
        for &(item, weight) in own {
            dots.add(weight, self.index.row(item as usize));
        }
        let square = squared_length(own);
        let limit = self.config.neighbours;
        if self.config.nearness == Nearness::Euclidean {
            // Who shares nothing is the nearer the shorter: as many of those as have a place at most.
            let strangers = self.shortest.iter().filter(|&&user| !dots.holds(user));
            for &user in strangers.take(limit) {
                nearest.offer(user, self.near(square, user, 0.0));
            }
        }
        for (user, dot) in dots.drain() {
            nearest.offer(user, self.near(square, user, dot));
        }
        let herself = |user: u32| {
            self.vectors
                .row(user as usize)
                .iter()
                .eq(own.iter().copied())
        };
        others(nearest.take_by_index(), limit, herself)
    }

    /// How near a user is, above 0, given the dot product of her vector with one of this squared length.
    fn near(&self, square: f32, user: u32, dot: f32) -> f32 {
        let other = self.squares[user as usize];
        match self.config.nearness {
            Nearness::Cosine => dot / (square * other).sqrt().max(f32::MIN_POSITIVE),
            Nearness::Euclidean => 1.0 / (1.0 + (square + other - 2.0 * dot).max(0.0)),
        }
    }
}

impl Recommender for TifuKnn {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut self.scratch())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let answer = |query: &Query, scratch: &mut Scratch| self.answer(query, scratch);
        in_parallel(queries, || self.scratch(), answer)
    }
}

impl Model for TifuKnn {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put_matrix("vectors", &self.vectors);
        self.stored.save(tensors);
    }

    fn item_bound(&self) -> usize {
        self.vectors.cols()
    }
}

#[cfg(test)]
mod tests;
