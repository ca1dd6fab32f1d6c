//! What comes next after what the shopper did, in the order in which she did it: causal self-attention.
//!
//! Kang and McAuley, *Self-attentive sequential recommendation*, ICDM 2018 (SASRec). Each of her latest
//! [`length`](SequenceConfig::length) events is the vector of its item plus that of its place; each
//! [block](SequenceConfig::blocks) mixes into it what stands before it, by how much the two have to do with one another
//! and how far apart they are, then turns it by itself. The last state times the items' vectors are the scores. Blocks
//! norm what they take in, not what they give out, and are taught to tell each event from all items (cross-entropy), or
//! from [some](SequenceConfig::negatives): Klenitskiy and Vasilev, *Turning dross into gold loss: is BERT4Rec really
//! better than SASRec?*, RecSys 2023, show that this, not the blocks, is what makes such a model good.
//!
//! Every build answers from such a model. Learning one takes the feature `sequence-training`, which brings the crate
//! `recommender-sequence` and its tensor library.
//!
//! It keeps vectors of items and no persons. It follows changed data by a new fit.

mod config;
mod fit;
mod forward;
#[cfg(feature = "sequence-training")]
mod training;
mod weights;

pub use config::SequenceConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::error::{Error, Result};
use crate::factors::{ItemFactors, on_best_simd};
use crate::ids::ItemIx;
use crate::models::Model;
use crate::models::sequence::forward::{Scratch, Shape, last_hidden};
use crate::models::sequence::weights::Weights;
use crate::models::stored_config::StoredConfig;
use crate::models::visit::{latest_first, push_context};
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::Recommender;

/// Vectors of items and what reads a sequence of them; made by [`SequenceConfig::fit`]. It holds items only, no users.
///
/// Every item that anybody did anything with has a score for every shopper who did something with one of them; others
/// have none.
#[derive(Debug, Clone)]
pub struct Sequence {
    config: SequenceConfig,
    stored: StoredConfig,
    items: ItemFactors,
    weights: Weights,
}

/// What a shopper did, oldest first: her timeline, or her history by time where only that is known; then the visit at
/// hand, unless the timeline ends with it; then what the page is about.
fn events_of(query: &Query) -> Vec<ItemIx> {
    let mut events: Vec<ItemIx> = if query.timeline.is_empty() {
        latest_first(&query.history).into_iter().rev().collect()
    } else {
        query.timeline.iter().map(|event| event.item).collect()
    };
    if !events.ends_with(&query.session) {
        events.extend(&query.session);
    }
    push_context(&mut events, query);
    events
}

impl Sequence {
    fn new(config: SequenceConfig, items: ItemFactors, weights: Weights) -> Result<Self> {
        Ok(Self {
            stored: StoredConfig::of("sequence", &config)?,
            config,
            items,
            weights,
        })
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let config: SequenceConfig = StoredConfig::load("sequence", tensors)?;
        config.validate()?;
        let items = ItemFactors::load(tensors)?;
        if items.width() < config.factors {
            let reason = "the items' vectors are shorter than the hidden states";
            return Err(Error::data("sequence", reason));
        }
        let weights = Weights::load(&config, tensors)?;
        Self::new(config, items, weights)
    }

    /// Puts the last hidden state of the shopper of `query` in place of zeros; says whether she did anything that the
    /// model knows.
    fn fold_in(&self, query: &Query, scratch: &mut Scratch, vector: &mut [f32]) -> bool {
        let events = events_of(query);
        let known = events.iter().filter_map(|&item| self.items.row_of(item));
        let mut rows: Vec<u32> = known.collect();
        rows.drain(..rows.len().saturating_sub(self.config.length));
        if rows.is_empty() {
            return false;
        }
        let factors = self.config.factors;
        let scale = (factors as f32).sqrt();
        scratch.states.clear();
        for row in rows {
            let vector = &self.items.view().values(row)[..factors];
            scratch
                .states
                .extend(vector.iter().map(|value| scale * value));
        }
        let shape = Shape {
            factors,
            heads: self.config.heads,
            length: self.config.length,
        };
        let out = &mut vector[..factors];
        on_best_simd(
            #[inline(always)]
            || last_hidden(&self.weights, shape, scratch, out),
        );
        true
    }
}

impl Recommender for Sequence {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        let mut vector = vec![0.0; self.items.width()];
        if self.fold_in(query, &mut Scratch::default(), &mut vector) {
            return self.items.top(query, &vector);
        }
        Ok(Ranked::empty())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let fold_in = |query: &Query, scratch: &mut Scratch, vector: &mut [f32]| {
            self.fold_in(query, scratch, vector)
        };
        self.items
            .top_in_parallel(queries, Scratch::default, fold_in)
    }
}

impl Model for Sequence {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        self.stored.save(tensors);
        self.items.save(tensors);
        self.weights.save(tensors);
    }

    fn item_bound(&self) -> usize {
        self.items.item_bound()
    }
}

#[cfg(test)]
mod tests;
