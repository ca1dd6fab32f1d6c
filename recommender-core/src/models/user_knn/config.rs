//! Which similarity, and how many neighbours have a say.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::models::item_knn::Similarity;

/// Settings of [`UserKnn`](super::UserKnn).
///
/// | field | default | range |
/// |---|---|---|
/// | `similarity` | `tf_idf` | `cosine`, `tf_idf`, `bm25` |
/// | `neighbours` | 100 | ≥ 1 |
/// | `shrinkage` | 0 | ≥ 0; 0 with `bm25` |
/// | `bm25_saturation` | 1.2 | > 0 |
/// | `bm25_length` | 0.75 | 0 to 1 |
///
/// ```
/// use recommender_core::models::{Similarity, UserKnnConfig};
/// let config = UserKnnConfig { similarity: Similarity::Bm25, ..UserKnnConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserKnnConfig {
    /// How alike two users are: as [`Similarity`] says of items, with the parts of users and items exchanged. N is then
    /// the number of users with an interaction, `n_i` the number of users of item i, and a length is that of a user.
    pub similarity: Similarity,
    /// How many neighbours have a say in an answer.
    pub neighbours: usize,
    /// Added to the product of the norms: pulls similarities that rest on few items towards zero.
    pub shrinkage: f32,
    /// `k₁` of BM25: how soon more of the same stops to count.
    pub bm25_saturation: f32,
    /// `b` of BM25: how far users with many items are discounted, from 0, not at all, to 1, in full.
    pub bm25_length: f32,
}

impl Default for UserKnnConfig {
    fn default() -> Self {
        Self {
            similarity: Similarity::TfIdf,
            neighbours: 100,
            shrinkage: 0.0,
            bm25_saturation: 1.2,
            bm25_length: 0.75,
        }
    }
}

impl UserKnnConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        let wrong = |field: &str, expected: &str, found: f32| {
            Err(Error::config(format!("user_knn.{field}"), expected, found))
        };
        if self.neighbours == 0 {
            return Err(Error::config("user_knn.neighbours", "at least 1", 0));
        }
        if !(self.shrinkage.is_finite() && self.shrinkage >= 0.0) {
            return wrong("shrinkage", "a finite number of at least 0", self.shrinkage);
        }
        if self.similarity == Similarity::Bm25 && self.shrinkage > 0.0 {
            let expected = "0 with bm25, which divides by no norm";
            return wrong("shrinkage", expected, self.shrinkage);
        }
        if !(self.bm25_saturation.is_finite() && self.bm25_saturation > 0.0) {
            let expected = "a finite number above 0";
            return wrong("bm25_saturation", expected, self.bm25_saturation);
        }
        if !(0.0..=1.0).contains(&self.bm25_length) {
            return wrong("bm25_length", "a number from 0 to 1", self.bm25_length);
        }
        Ok(())
    }
}
