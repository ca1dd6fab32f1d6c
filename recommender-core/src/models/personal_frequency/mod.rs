//! What the shopper takes most often: how many of her baskets hold an item.
//!
//! `score(i) = Σ_b p(i, b)` over her last [`window_baskets`](PersonalFrequencyConfig::window_baskets) baskets b, with
//! `p` how much the item is there, 1 for any purchase (see [`Basket`](crate::baskets::Basket)). Of items she took
//! equally often the one she took last comes first, then the more popular. Behind them, if
//! [`popularity`](PersonalFrequencyConfig::popularity) is on, comes what she never had, by the number of users who have
//! it: P-TopFreq and GP-TopFreq of Li, Jullien, Ariannezhad & de Rijke, *A next basket recommendation reality check*
//! (TOIS 2023), §4.2, and the baseline that every model of baskets has to beat.
//!
//! It answers what the shopper had, unless the query excludes it. It holds items only, and follows changed data exactly:
//! [`PersonalFrequencyConfig::update`].

mod config;
mod fit;

pub use config::PersonalFrequencyConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::baskets::{BasketConfig, Baskets};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::models::Model;
use crate::models::popularity::few_of;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};

/// Counts a shopper's own baskets; made by [`PersonalFrequencyConfig::fit`]. A shopper without history gets an empty
/// list.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonalFrequency {
    /// Per item: its users as a share of one more than the most popular item has.
    shares: Buffer<f32>,
    /// Items that may come behind, most popular first; none if popularity is off.
    order: Buffer<u32>,
    /// One number: how many baskets count; the largest stands for all.
    window: Buffer<u64>,
    /// One number.
    gap_minutes: Buffer<f32>,
}

/// What an item adds up to in a shopper's baskets.
#[derive(Debug, Clone, Copy)]
struct Taken {
    item: ItemIx,
    often: f64,
    /// The number of the last basket that holds it, counted from 1 at the oldest.
    last: usize,
}

impl PersonalFrequency {
    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let (_, shares) = tensors.get::<f32>("shares")?;
        let (_, order) = tensors.get::<u32>("order")?;
        let model = Self {
            window: tensors.vector("window", 1)?,
            gap_minutes: tensors.vector("gap_minutes", 1)?,
            shares,
            order,
        };
        let share = |share: &f32| (0.0..1.0).contains(share);
        let fits = model.shares.iter().all(share)
            && (model.order.iter()).all(|&item| (item as usize) < model.shares.len())
            && model.baskets().validate().is_ok();
        if fits {
            return Ok(model);
        }
        let reason = "the list does not fit the items";
        Err(Error::data("personal_frequency", reason))
    }

    fn baskets(&self) -> BasketConfig {
        BasketConfig {
            gap_minutes: f64::from(self.gap_minutes[0]),
        }
    }

    /// What the shopper took, items ascending, and how many baskets that was.
    fn taken(&self, query: &Query) -> (Vec<Taken>, usize) {
        let baskets = Baskets::of_query(query, &self.baskets());
        let window = usize::try_from(self.window[0]).unwrap_or(usize::MAX);
        let latest = baskets.latest(Some(window));
        let count = latest.len();
        let mut taken: Vec<Taken> = latest
            .enumerate()
            .flat_map(|(place, basket)| {
                let entries = basket.items.iter().zip(basket.presences);
                entries.map(move |(&item, &presence)| Taken {
                    item,
                    often: f64::from(presence),
                    last: place + 1,
                })
            })
            .filter(|taken| taken.item.position() < self.shares.len())
            .collect();
        taken.sort_by_key(|taken| taken.item);
        taken.dedup_by(|later, kept| {
            let same = later.item == kept.item;
            if same {
                kept.often += later.often;
                kept.last = later.last;
            }
            same
        });
        (taken, count)
    }

    /// One and more: the count first, then how late the item was taken, then how popular it is.
    #[expect(clippy::cast_possible_truncation, reason = "scores are f32 throughout")]
    fn score(&self, taken: &Taken, baskets: usize) -> f32 {
        let share = f64::from(self.shares[taken.item.position()]);
        let lateness = (taken.last as f64 + 0.5 * share) / (baskets as f64 + 1.0);
        (1.0 + taken.often + 0.5 * lateness) as f32
    }

    fn answer(&self, query: &Query) -> Result<Ranked> {
        let (taken, baskets) = self.taken(query);
        if taken.is_empty() {
            return Ok(Ranked::empty());
        }
        let known = |item: ItemIx| {
            taken
                .binary_search_by_key(&item, |taken| taken.item)
                .is_ok()
        };
        let own = taken
            .iter()
            .map(|taken| (taken.item, self.score(taken, baskets)));
        let popular = |item: ItemIx| (item, self.shares[item.position()]);
        let few = few_of(query.limit, self.order.len());
        match query.candidates.fewer_than(few) {
            Some(items) => {
                let counted = |item: &ItemIx| self.shares.get(item.position()) > Some(&0.0);
                let behind = items.filter(|item| counted(item) && !known(*item));
                Ranked::top(query, own.chain(behind.map(popular)))
            }
            None => {
                let behind = self.order.iter().map(|&item| ItemIx(item));
                let behind = behind.filter(|&item| !known(item)).map(popular);
                Ranked::top(query, own.chain(Ranked::reachable(query, behind)))
            }
        }
    }
}

impl Recommender for PersonalFrequency {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query)
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        in_parallel(queries, || (), |query, ()| self.answer(query))
    }
}

impl Model for PersonalFrequency {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put("shares", &[self.shares.len()], &self.shares);
        tensors.put("order", &[self.order.len()], &self.order);
        tensors.put("window", &[1], &self.window);
        tensors.put("gap_minutes", &[1], &self.gap_minutes);
    }

    fn item_bound(&self) -> usize {
        self.shares.len()
    }
}

#[cfg(test)]
mod tests;
