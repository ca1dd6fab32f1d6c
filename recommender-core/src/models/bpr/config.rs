//! What is learned, from which comparisons, and for how long.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which item nobody chose an item of the history is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Negatives {
    /// Any that is not in the history, all alike.
    Uniform,
    /// In proportion to the square root of how many have it.
    Popularity,
    /// Of several drawn uniformly the one that scores highest: the most instructive
    /// (Zhang et al., *Optimizing top-N collaborative filtering via dynamic negative item sampling*, SIGIR 2013).
    Adaptive,
}

/// Settings of [`Bpr`](super::Bpr).
///
/// | field | default | range |
/// |---|---|---|
/// | `factors` | 128 | 1..=4,096 |
/// | `epochs` | 30 | 1..=10,000 |
/// | `learning_rate` | 0.1 | > 0 |
/// | `regularization` | 0.01 | 0 or above |
/// | `negatives` | adaptive | uniform, popularity, adaptive |
/// | `draws` | 8 | 1..=1,000 |
///
/// ```
/// use recommender_core::models::BprConfig;
/// let config = BprConfig { factors: 64, ..BprConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BprConfig {
    /// d, the numbers learned for each item, twice: as part of a history and as an answer.
    pub factors: usize,
    /// How often every interaction is learned from.
    pub epochs: usize,
    /// Length of a step, before it is adapted to the gradients seen so far.
    pub learning_rate: f64,
    /// Penalty on the squared numbers of the items of a comparison.
    pub regularization: f64,
    /// What items of a history are compared with.
    pub negatives: Negatives,
    /// Items drawn for each comparison when `negatives` is adaptive.
    pub draws: usize,
}

impl Default for BprConfig {
    fn default() -> Self {
        Self {
            factors: 128,
            epochs: 30,
            learning_rate: 0.1,
            regularization: 0.01,
            negatives: Negatives::Adaptive,
            draws: 8,
        }
    }
}

impl BprConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        for (field, found, most) in [
            ("bpr.factors", self.factors, 4096),
            ("bpr.epochs", self.epochs, 10_000),
            ("bpr.draws", self.draws, 1000),
        ] {
            if !(1..=most).contains(&found) {
                let expected = format!("a whole number from 1 to {most}");
                return Err(Error::config(field, expected, found));
            }
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            let found = self.learning_rate;
            return Err(Error::config(
                "bpr.learning_rate",
                "a finite number above 0",
                found,
            ));
        }
        if !(self.regularization.is_finite() && self.regularization >= 0.0) {
            let found = self.regularization;
            return Err(Error::config(
                "bpr.regularization",
                "a finite number, 0 or above",
                found,
            ));
        }
        Ok(())
    }
}
