//! Any item as likely as any other: the floor every other model must clear.

mod config;
mod fit;

pub use config::RandomConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::Result;
use crate::ids::ItemIx;
use crate::models::Model;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};

/// Scores each item in 0..1 by a hash of the seed, the shopper's items and the item: the same question
/// gets the same answer, another history another one.
#[derive(Debug)]
pub struct Random {
    items: Buffer<u32>,
    seed: Buffer<u64>,
}

impl Random {
    /// Takes the model up again from what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`crate::Error::Data`] if the tensors are not those of this model.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        Ok(Self {
            items: tensors.get("items")?.1,
            seed: tensors.vector("seed", 1)?,
        })
    }
}

/// One step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The upper 24 bits as a number in 0..1.
#[expect(clippy::cast_precision_loss, reason = "24 bits fit a float exactly")]
fn unit(hash: u64) -> f32 {
    (hash >> 40) as f32 / (1u64 << 24) as f32
}

impl Recommender for Random {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        let profile = query.profile();
        if profile.is_empty() {
            return Ok(Ranked::empty());
        }
        let shopper = profile.iter().fold(mix(self.seed[0]), |hash, (item, _)| {
            mix(hash ^ u64::from(item.0))
        });
        let score = |&item: &u32| (ItemIx(item), unit(mix(shopper ^ u64::from(item))));
        Ranked::top(query, self.items.iter().map(score))
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        in_parallel(queries, || (), |query, ()| self.recommend(query))
    }
}

impl Model for Random {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put("items", &[self.items.len()], &self.items);
        tensors.put("seed", &[1], &self.seed);
    }

    fn item_bound(&self) -> usize {
        self.items.iter().max().map_or(0, |&last| last as usize + 1)
    }
}
