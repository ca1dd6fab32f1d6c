//! What the shopper is due to buy again now.
//!
//! Of the products she bought before, score(i) is the logarithm of the intensity of a purchase now, `t` days after her
//! last: `ln( p · f(t) / (1 − p · F(t)) ) + a · ln n + b · ln( s + ½ )`, with p the probability that another purchase follows at all, and f and F
//! density and distribution of the gap, log-normal: a survival model with a share that is never bought again (Boag,
//! *Maximum likelihood estimates of the proportion of patients cured by cancer therapy*, JRSS B 1949). So what is bought
//! every week comes up after a week and goes down again when she seems to have dropped it. n is the number of baskets in
//! which she bought it, s the number that anybody did in the last [`sales_days`](RepurchaseConfig::sales_days): they
//! raise the intensity in proportion (Cox, *Regression models and life-tables*, JRSS B 1972) by their weights a and b.
//!
//! Mean and variance of the logarithm of the gap, and p, are learned for all products, shrunk from there to a category
//! (the first of the catalogue's, else all), to a product, and, when the query is asked, to the gaps of the shopper with
//! the product. That repurchase follows a clock of its own for each shopper and product is the idea of TAIW (Romanov,
//! Lashinin, Ananyeva & Kolesnikov, *Time-aware item weighting for the next basket recommendations*, RecSys 2023);
//! the model of the gap is ours. Every event with a weight counts as a purchase: give a weight of 0 to those that
//! are none. What is in the current visit counts as no purchase yet.
//!
//! It answers what the shopper had, unless the query excludes it, and nothing else. It holds products only and follows
//! changed data exactly: [`RepurchaseConfig::update`].

mod config;
mod fit;
mod gaps;

pub use config::RepurchaseConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::baskets::Baskets;
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::models::Model;
use crate::models::repurchase::gaps::{Gap, Seen};
use crate::models::stored_config::StoredConfig;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::time::Timestamp;

/// The gaps of products; made by [`RepurchaseConfig::fit`]. A shopper without history gets an empty list.
#[derive(Debug, Clone, PartialEq)]
pub struct Repurchase {
    /// Per product: mean and variance of the logarithm of the gap in days, the probability of another purchase, and what
    /// its sales of late add to the score.
    products: Buffer<f32>,
    config: RepurchaseConfig,
    stored: StoredConfig,
}

/// Numbers kept of a product.
const NUMBERS: usize = 4;

/// One shopper's purchases of one product.
#[derive(Debug, Clone, Copy)]
struct Purchases {
    item: ItemIx,
    last: Timestamp,
    times: usize,
    /// The gaps between them; the last purchase is not counted as one that nothing follows.
    seen: Seen,
}

/// What a shopper bought, items ascending.
fn purchases(baskets: &Baskets) -> Vec<Purchases> {
    let mut bought: Vec<(ItemIx, Timestamp)> = baskets
        .iter()
        .flat_map(|basket| basket.items.iter().map(move |&item| (item, basket.time)))
        .collect();
    bought.sort_by_key(|&(item, _)| item);
    let of_item = |group: &[(ItemIx, Timestamp)]| {
        let mut seen = Seen::default();
        for pair in group.windows(2) {
            seen.add_gap(pair[1].1.days_since(pair[0].1));
        }
        let (item, last) = group[group.len() - 1];
        Purchases {
            item,
            last,
            times: group.len(),
            seen,
        }
    };
    bought.chunk_by(|a, b| a.0 == b.0).map(of_item).collect()
}

impl Repurchase {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are f32 throughout"
    )]
    fn new(config: RepurchaseConfig, gaps: &[Gap], sold: &[f64]) -> Result<Self> {
        let numbers = |(gap, sold): (&Gap, &f64)| {
            let sales = config.sales_weight * (sold + 0.5).ln();
            [gap.mean, gap.variance, gap.probability, sales].map(|it| it as f32)
        };
        let products: Vec<f32> = gaps.iter().zip(sold).flat_map(numbers).collect();
        Ok(Self {
            products: products.into(),
            stored: StoredConfig::of("repurchase", &config)?,
            config,
        })
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let (shape, products) = tensors.get::<f32>("products")?;
        let config: RepurchaseConfig = StoredConfig::load("repurchase", tensors)?;
        config.validate()?;
        let believable = |numbers: &[f32]| {
            let [mean, variance, probability, sales] = *numbers else {
                return false;
            };
            mean.is_finite()
                && sales.is_finite()
                && variance.is_finite()
                && variance > 0.0
                && probability > 0.0
                && probability < 1.0
        };
        if shape.get(1) != Some(&NUMBERS) || !products.chunks(NUMBERS).all(believable) {
            return Err(Error::data("repurchase", "they are no gaps of products"));
        }
        Ok(Self {
            products,
            stored: StoredConfig::of("repurchase", &config)?,
            config,
        })
    }

    fn items(&self) -> usize {
        self.products.len() / NUMBERS
    }

    /// What is believed of a product, of those known.
    fn product(&self, item: ItemIx) -> Gap {
        let numbers = &self.products[item.position() * NUMBERS..][..NUMBERS];
        Gap {
            mean: f64::from(numbers[0]),
            variance: f64::from(numbers[1]),
            probability: f64::from(numbers[2]),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "scores are f32 throughout")]
    fn answer(&self, query: &Query) -> Result<Ranked> {
        let baskets = Baskets::of_past(query, &self.config.baskets());
        let last = baskets.iter().next_back().map(|basket| basket.time);
        let now = query.time.or(last).unwrap_or_default();
        let (strength, habit) = (self.config.shopper_shrinkage, self.config.habit_weight);
        let known = |it: &Purchases| it.item.position() < self.items();
        let scores = purchases(&baskets).into_iter().filter(known).map(|it| {
            let gap = self.product(it.item).updated(&it.seen, strength);
            let now = gap.log_intensity(now.days_since(it.last));
            let sales = f64::from(self.products[it.item.position() * NUMBERS + NUMBERS - 1]);
            (
                it.item,
                (now + habit * (it.times as f64).ln() + sales) as f32,
            )
        });
        Ranked::top(query, scores)
    }
}

impl Recommender for Repurchase {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query)
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        in_parallel(queries, || (), |query, ()| self.answer(query))
    }
}

impl Model for Repurchase {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put("products", &[self.items(), NUMBERS], &self.products);
        self.stored.save(tensors);
    }

    fn item_bound(&self) -> usize {
        self.items()
    }
}

#[cfg(test)]
mod tests;
