//! Which similarity, and how many neighbours are kept.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Settings of [`ItemKnn`](super::ItemKnn).
///
/// | field | default | range |
/// |---|---|---|
/// | `similarity` | `cosine` | `cosine`, `tf_idf`, `bm25` |
/// | `neighbours` | 100 | ≥ 1 |
/// | `aggregation` | `sum` | `sum`, `neighbour_sum`, `average`, `centred_average` |
/// | `shrinkage` | 0 | ≥ 0; 0 with `bm25` |
/// | `bm25_saturation` | 1.2 | > 0 |
/// | `bm25_length` | 0.75 | 0 to 1 |
///
/// ```
/// use recommender_core::models::{ItemKnnConfig, Similarity};
/// let config = ItemKnnConfig { similarity: Similarity::Bm25, neighbours: 50, ..ItemKnnConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ItemKnnConfig {
    /// How alike two items are.
    pub similarity: Similarity,
    /// How many neighbours each item keeps; the item itself is none of them.
    pub neighbours: usize,
    /// Whose neighbours count, and how their similarities become a score.
    pub aggregation: Aggregation,
    /// Added to the product of the norms: pulls similarities that rest on few users towards zero.
    pub shrinkage: f32,
    /// `k₁` of BM25: how soon more of the same stops to count.
    pub bm25_saturation: f32,
    /// `b` of BM25: how far items that many users have are discounted, from 0, not at all, to 1, in full.
    pub bm25_length: f32,
}

/// How alike two items are: the dot product of their columns of the weighted user × item matrix, over the product of
/// their norms where it says so.
///
/// x is the weight of a user u and an item i in the data, N the number of items, `n_u` the number of items of u.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Similarity {
    /// Weights x as they are; `dot / (norm · norm + shrinkage)`.
    #[default]
    Cosine,
    /// Weights `√x · ln(N / (1 + n_u))`, so that users who take everything say little;
    /// `dot / (norm · norm + shrinkage)`.
    TfIdf,
    /// Weights `x (k₁ + 1) / (x + k₁ (1 − b + b · l_i / l)) · ln(N / (1 + n_u))`, with `l_i` the sum of the item's x and
    /// l its mean over all items; `dot`. After Robertson & Zaragoza, *The Probabilistic Relevance Framework: BM25
    /// and Beyond* (2009), with users as terms and items as documents.
    Bm25,
}

/// How the profile h becomes the score of an item j. N(i) are the neighbours of i.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// `Σ h_i · sim(i, j)` over the i that have j in N(i): every item she chose proposes its neighbours
    /// (Deshpande & Karypis, *Item-based top-N recommendation algorithms*, TOIS 2004).
    #[default]
    Sum,
    /// `Σ h_i · sim(j, i)` over i in N(j): every item counts those of its neighbours that she chose. Items that are near
    /// to many popular ones gain, items that are themselves among the neighbours of many lose. The item-based model of
    /// Ferrari Dacrema, Boglio, Cremonesi & Jannach, *A troubling analysis of reproducibility and progress in
    /// recommender systems research*, TOIS 39(2), 2021, and of the Python package `skrecsys`.
    NeighbourSum,
    /// `Σ h_i · sim(j, i) / Σ sim(j, i)`, both over i in N(j): the share of an item's neighbours she chose
    /// (Sarwar, Karypis, Konstan & Riedl, *Item-based collaborative filtering*, WWW 2001, §3.2.1).
    Average,
    /// `m_j + Σ (h_i − m_i) · sim(j, i) / Σ sim(j, i)`, both over i in N(j), with `m_i` the mean weight of item i over
    /// all users, zero for those without it: what her neighbours add to popularity (Desrosiers & Karypis,
    /// *A comprehensive survey of neighborhood-based recommendation methods*, 2011, §4.2.1). Every item somebody chose
    /// has a score for every shopper with a history.
    CentredAverage,
}

impl Default for ItemKnnConfig {
    fn default() -> Self {
        Self {
            similarity: Similarity::Cosine,
            neighbours: 100,
            aggregation: Aggregation::Sum,
            shrinkage: 0.0,
            bm25_saturation: 1.2,
            bm25_length: 0.75,
        }
    }
}

impl ItemKnnConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        let wrong = |field: &str, expected: &str, found: f32| {
            Err(Error::config(format!("item_knn.{field}"), expected, found))
        };
        if self.neighbours == 0 {
            return Err(Error::config("item_knn.neighbours", "at least 1", 0));
        }
        if !(self.shrinkage.is_finite() && self.shrinkage >= 0.0) {
            return wrong("shrinkage", "a finite number of at least 0", self.shrinkage);
        }
        if self.similarity == Similarity::Bm25 && self.shrinkage > 0.0 {
            return wrong(
                "shrinkage",
                "0 with bm25, which divides by no norm",
                self.shrinkage,
            );
        }
        if !(self.bm25_saturation.is_finite() && self.bm25_saturation > 0.0) {
            return wrong(
                "bm25_saturation",
                "a finite number above 0",
                self.bm25_saturation,
            );
        }
        if !(0.0..=1.0).contains(&self.bm25_length) {
            return wrong("bm25_length", "a number from 0 to 1", self.bm25_length);
        }
        Ok(())
    }
}
