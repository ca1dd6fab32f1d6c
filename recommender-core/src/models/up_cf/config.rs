//! How far back is counted, and who has a say.

use serde::{Deserialize, Serialize};

use crate::baskets::BasketConfig;
use crate::error::{Error, Result};

/// Settings of [`UpCf`](super::UpCf).
///
/// | field | default | range |
/// |---|---|---|
/// | `window_baskets` | 10 | ≥ 1 |
/// | `neighbours` | 100 | ≥ 1 |
/// | `asymmetry` | 0.75 | 0 to 1 |
/// | `locality` | 5 | > 0 |
/// | `shrinkage` | 0 | ≥ 0 |
/// | `gap_minutes` | 60 | ≥ 0 |
///
/// ```
/// use recommender_core::models::UpCfConfig;
/// let config = UpCfConfig { locality: 10.0, ..UpCfConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpCfConfig {
    /// Only the last so many baskets of a shopper count as her habits; all do as to who is like her.
    pub window_baskets: usize,
    /// How many neighbours have a say in an answer.
    pub neighbours: usize,
    /// α of the similarity: 0.5 is the cosine; nearer to 1 a long history is held less against a neighbour.
    pub asymmetry: f32,
    /// q: the power a similarity is raised to, above 1 in favour of the nearest and of her own habits.
    pub locality: f32,
    /// Added to the denominator of the similarity: pulls what rests on few items towards zero.
    pub shrinkage: f32,
    /// What one basket is: see [`BasketConfig::gap_minutes`].
    pub gap_minutes: f64,
}

impl Default for UpCfConfig {
    fn default() -> Self {
        Self {
            window_baskets: 10,
            neighbours: 100,
            asymmetry: 0.75,
            locality: 5.0,
            shrinkage: 0.0,
            gap_minutes: BasketConfig::default().gap_minutes,
        }
    }
}

impl UpCfConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        let wrong = |field: &str, expected: &str, found: &dyn std::fmt::Display| {
            Err(Error::config(format!("up_cf.{field}"), expected, found))
        };
        if self.window_baskets == 0 {
            return wrong("window_baskets", "at least 1", &0);
        }
        if self.neighbours == 0 {
            return wrong("neighbours", "at least 1", &0);
        }
        if !(0.0..=1.0).contains(&self.asymmetry) {
            return wrong("asymmetry", "a number from 0 to 1", &self.asymmetry);
        }
        if !(self.locality.is_finite() && self.locality > 0.0) {
            return wrong("locality", "a finite number above 0", &self.locality);
        }
        if !(self.shrinkage.is_finite() && self.shrinkage >= 0.0) {
            return wrong(
                "shrinkage",
                "a finite number of at least 0",
                &self.shrinkage,
            );
        }
        self.baskets().validate()
    }

    pub(super) fn baskets(&self) -> BasketConfig {
        BasketConfig {
            gap_minutes: self.gap_minutes,
        }
    }
}
