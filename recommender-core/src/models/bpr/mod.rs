//! BPR: vectors of items that put what a shopper chose before what she did not.
//!
//! Maximises `Σ ln σ(s(u, i) − s(u, j))` over items i of a history and items j outside it (Rendle et al., *BPR: Bayesian
//! personalized ranking from implicit feedback*, UAI 2009). A shopper's vector is not learned but made from her history,
//! `x_u = |h|^-½ Σ_(k ∈ h, k ≠ i) p_k`, from a vector each item has as a part of histories, beside the vector q and the bias
//! it has as an answer (Kabbur, Ning and Karypis, *FISM: factored item similarity models for top-N recommender systems*,
//! KDD 2013): so whoever asks is scored as those the model learned from, and the model holds items only, no users.
//! The weights of interactions play no part in it.
//!
//! It follows changed data approximately: from the vectors it has, a quarter of the epochs.

mod config;
mod fit;
mod step;

pub use config::{BprConfig, Negatives};

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::factors::ItemFactors;
use crate::models::Model;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::Recommender;

/// Two vectors of every item with an interaction; made by [`BprConfig::fit`]. It holds items only, no users.
///
/// Every such item has a score for every shopper with one of them in her profile; items nobody interacted with have
/// none.
#[derive(Debug, Clone, PartialEq)]
pub struct Bpr {
    /// Vectors as answers, the bias before the factors.
    answers: ItemFactors,
    /// Vectors as parts of a history, row for row, with nothing before the factors.
    parts: Buffer<f32>,
}

/// Where the bias stands in a vector; the factors follow.
const BIAS: usize = 0;

impl Bpr {
    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let answers = ItemFactors::load(tensors)?;
        let (shape, parts) = tensors.get::<f32>("parts")?;
        let fits = shape == [answers.items().len(), answers.width()];
        if !fits || parts.iter().any(|value| !value.is_finite()) {
            return Err(Error::data("bpr", "the parts do not fit the items"));
        }
        Ok(Self { answers, parts })
    }

    /// Makes the vector of the shopper of `query` of zeros; says whether she has anything the model knows.
    fn fold_in(&self, query: &Query, vector: &mut [f32]) -> bool {
        let width = self.answers.width();
        let mut count = 0;
        for (item, weight) in query.profile() {
            if let Some(row) = self.answers.row_of(item).filter(|_| weight > 0.0) {
                let part = &self.parts[row as usize * width..][..width];
                vector.iter_mut().zip(part).for_each(|(x, p)| *x += p);
                count += 1;
            }
        }
        let share = 1.0 / (count.max(1) as f32).sqrt();
        vector.iter_mut().for_each(|x| *x *= share);
        vector[BIAS] = 1.0;
        count > 0
    }
}

impl Recommender for Bpr {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        let mut vector = vec![0.0; self.answers.width()];
        if self.fold_in(query, &mut vector) {
            return self.answers.top(query, &vector);
        }
        Ok(Ranked::empty())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let fold_in = |query: &Query, (): &mut (), vector: &mut [f32]| self.fold_in(query, vector);
        self.answers.top_in_parallel(queries, || (), fold_in)
    }
}

impl Model for Bpr {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        self.answers.save(tensors);
        let shape = [self.answers.items().len(), self.answers.width()];
        tensors.put("parts", &shape, &self.parts);
    }

    fn item_bound(&self) -> usize {
        self.answers.item_bound()
    }
}

#[cfg(test)]
mod tests;
