//! What most shoppers choose: everywhere, at a place, or on a channel.
//!
//! The share of item i in the whole is `g_i = n_i / n`, with `n_i` its count and `n` the sum of all counts.
//! The share of item i at place (or on channel) p is shrunk to the whole, so that a place with few events looks like
//! the whole and one with many like itself:
//!
//! `(n_pi + s · g_i) / (n_p + s)`, with `s` the [`shrinkage`](PopularityConfig::shrinkage):
//! the mean of the posterior of a multinomial under a Dirichlet prior with parameters `s · g_i`
//! (Gelman et al., *Bayesian Data Analysis*, 3rd ed., §3.4).
//!
//! The place of the query chooses the list, else its channel, else the whole does. History plays no part, so a shopper
//! nobody knows is answered too. An item that was never counted is never answered. Of items counted alike in the whole
//! the one seen first in the data comes first, and its score is greater by as little as a score can be.
//!
//! It follows changed data exactly, by counting anew: [`PopularityConfig::update`].

mod config;
mod fit;
mod lists;

pub use config::{Count, PopularityConfig};

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::models::Model;
use crate::models::popularity::lists::{List, Lists};
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};

/// Lists of the most popular items; made by [`PopularityConfig::fit`]. The score is the share of all counts.
///
/// Answering reads the sorted list only as far as the query's exclusions make it.
#[derive(Debug, Clone, PartialEq)]
pub struct Popularity {
    /// Per item: its share in the whole, zero if it was never counted.
    shares: Buffer<f32>,
    /// Items with a share, best first, ties to the lower index.
    order: Buffer<u32>,
    places: Lists,
    channels: Lists,
}

impl Popularity {
    #[expect(clippy::cast_possible_truncation, reason = "a share lies in 0..=1")]
    fn new(shares: &[f64], places: Lists, channels: Lists) -> Self {
        let mut shares: Vec<f32> = shares.iter().map(|&share| share as f32).collect();
        let mut order: Vec<u32> = (0..shares.len())
            .filter(|&item| shares[item] > 0.0)
            .map(|item| ItemIx::at(item).0)
            .collect();
        order.sort_by(|&a, &b| shares[b as usize].total_cmp(&shares[a as usize]));
        // Whoever reads the scores must find the order that is served, also among equals.
        let mut above = f32::INFINITY;
        for &item in &order {
            let share = &mut shares[item as usize];
            above = share.min(above.next_down());
            *share = above;
        }
        Self {
            shares: shares.into(),
            order: order.into(),
            places,
            channels,
        }
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let (shape, shares) = tensors.get::<f32>("shares")?;
        let (_, order) = tensors.get::<u32>("order")?;
        let items = shares.len();
        if shape != [items] || order.iter().any(|&item| item as usize >= items) {
            return Err(Error::data("popularity", "the list does not fit the items"));
        }
        Ok(Self {
            places: Lists::load("places", items, tensors)?,
            channels: Lists::load("channels", items, tensors)?,
            shares,
            order,
        })
    }

    fn list(&self, query: &Query) -> List<'_> {
        match (query.place, query.channel) {
            (Some(place), _) if !self.places.is_empty() => self.places.list(place.position()),
            (_, Some(channel)) => self.channels.list(channel as usize),
            _ => List::WHOLE,
        }
    }

    /// Every item of `list` with its share, shares never rising.
    fn best_first<'a>(&'a self, list: List<'a>) -> impl Iterator<Item = (ItemIx, f32)> + 'a {
        let whole = self
            .order
            .iter()
            .map(|&item| (ItemIx(item), self.shares[item as usize]));
        let mut own = list.own().peekable();
        let mut rest = list.rest(whole).peekable();
        std::iter::from_fn(move || match (own.peek(), rest.peek()) {
            (Some((_, here)), Some((_, elsewhere))) if here < elsewhere => rest.next(),
            (Some(_), _) => own.next(),
            (None, _) => rest.next(),
        })
    }
}

/// Fewer candidates than this are looked up one by one. Of a sorted list of `items` some `limit × items / candidates`
/// are read until `limit` candidates were met: as many as there are candidates at the square root of `limit × items`.
pub(super) fn few_of(limit: usize, items: usize) -> usize {
    limit.saturating_mul(items).isqrt()
}

impl Recommender for Popularity {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        let list = self.list(query);
        let few = few_of(query.limit, self.order.len());
        match query.candidates.fewer_than(few) {
            None => Ranked::top(query, Ranked::reachable(query, self.best_first(list))),
            Some(items) => {
                let known = items.filter_map(|item| {
                    let whole = *self.shares.get(item.position())?;
                    Some((item, list.share(item, whole))).filter(|&(_, share)| share > 0.0)
                });
                Ranked::top(query, known)
            }
        }
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        in_parallel(queries, || (), |query, ()| self.recommend(query))
    }
}

impl Model for Popularity {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put("shares", &[self.shares.len()], &self.shares);
        tensors.put("order", &[self.order.len()], &self.order);
        self.places.save("places", tensors);
        self.channels.save("channels", tensors);
    }

    fn item_bound(&self) -> usize {
        self.shares.len()
    }
}

#[cfg(test)]
mod tests;
