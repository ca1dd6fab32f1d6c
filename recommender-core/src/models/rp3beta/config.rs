//! How far the walk is flattened, how far popularity is held back, and how many neighbours are kept.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Settings of [`Rp3Beta`](super::Rp3Beta).
///
/// | field | default | range |
/// |---|---|---|
/// | `alpha` | 0.7 | 0 to 4 |
/// | `beta` | 0.4 | 0 to 4 |
/// | `neighbours` | 200 | ≥ 1 |
/// | `normalize` | true | |
///
/// ```
/// use recommender_core::models::Rp3BetaConfig;
/// let config = Rp3BetaConfig { alpha: 1.0, beta: 0.6, ..Rp3BetaConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rp3BetaConfig {
    /// The power of each step's probability: below 1 all steps become more alike, above 1 the likely ones count more.
    pub alpha: f32,
    /// The power of an item's popularity its score is divided by; at 0 the model is P³α.
    pub beta: f32,
    /// How many neighbours each item keeps; the item itself is none of them.
    pub neighbours: usize,
    /// Whether what an item adds to its neighbours is divided by its sum, so that every item of a history says as much.
    pub normalize: bool,
}

impl Default for Rp3BetaConfig {
    fn default() -> Self {
        Self {
            alpha: 0.7,
            beta: 0.4,
            neighbours: 200,
            normalize: true,
        }
    }
}

impl Rp3BetaConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        for (field, power) in [("alpha", self.alpha), ("beta", self.beta)] {
            if !(0.0..=4.0).contains(&power) {
                let field = format!("rp3beta.{field}");
                return Err(Error::config(field, "a number from 0 to 4", power));
            }
        }
        if self.neighbours == 0 {
            return Err(Error::config("rp3beta.neighbours", "at least 1", 0));
        }
        Ok(())
    }
}
