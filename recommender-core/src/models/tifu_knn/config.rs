//! How baskets fade, and how much the neighbours have to say.

use serde::{Deserialize, Serialize};

use crate::baskets::BasketConfig;
use crate::error::{Error, Result};

/// Settings of [`TifuKnn`](super::TifuKnn).
///
/// | field | default | range |
/// |---|---|---|
/// | `neighbours` | 300 | ≥ 1 |
/// | `groups` | 7 | ≥ 1 |
/// | `basket_decay` | 0.9 | above 0 to 1 |
/// | `group_decay` | 0.7 | above 0 to 1 |
/// | `own_weight` | 0.7 | 0 to 1 |
/// | `nearness` | `cosine` | `cosine`, `euclidean` |
/// | `gap_minutes` | 60 | ≥ 0 |
///
/// ```
/// use recommender_core::models::TifuKnnConfig;
/// let config = TifuKnnConfig { groups: 3, ..TifuKnnConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TifuKnnConfig {
    /// How many neighbours have a say in an answer.
    pub neighbours: usize,
    /// Into how many groups a shopper's baskets are dealt, oldest to newest; a shopper with fewer baskets has as many.
    pub groups: usize,
    /// What a basket counts of the one after it, within a group.
    pub basket_decay: f32,
    /// What a group counts of the one after it.
    pub group_decay: f32,
    /// The share of the shopper's own vector in the answer; the rest is her neighbours'.
    pub own_weight: f32,
    /// Which shoppers are near.
    pub nearness: Nearness,
    /// What one basket is: see [`BasketConfig::gap_minutes`].
    pub gap_minutes: f64,
}

/// Which of two vectors is nearer to a third.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Nearness {
    /// The one at the smaller angle; who shares no item is not near.
    #[default]
    Cosine,
    /// The one at the smaller distance, as published: also who shares no item, if her vector is short.
    Euclidean,
}

impl Default for TifuKnnConfig {
    fn default() -> Self {
        Self {
            neighbours: 300,
            groups: 7,
            basket_decay: 0.9,
            group_decay: 0.7,
            own_weight: 0.7,
            nearness: Nearness::Cosine,
            gap_minutes: BasketConfig::default().gap_minutes,
        }
    }
}

impl TifuKnnConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        let wrong = |field: &str, expected: &str, found: &dyn std::fmt::Display| {
            Err(Error::config(format!("tifu_knn.{field}"), expected, found))
        };
        if self.neighbours == 0 {
            return wrong("neighbours", "at least 1", &0);
        }
        if self.groups == 0 {
            return wrong("groups", "at least 1", &0);
        }
        for (field, decay) in [
            ("basket_decay", self.basket_decay),
            ("group_decay", self.group_decay),
        ] {
            if !(decay > 0.0 && decay <= 1.0) {
                return wrong(field, "a number above 0, up to 1", &decay);
            }
        }
        if !(0.0..=1.0).contains(&self.own_weight) {
            return wrong("own_weight", "a number from 0 to 1", &self.own_weight);
        }
        self.baskets().validate()
    }

    pub(super) fn baskets(&self) -> BasketConfig {
        BasketConfig {
            gap_minutes: self.gap_minutes,
        }
    }
}
