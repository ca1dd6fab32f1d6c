//! How many weights each item has, how strongly they are held back, and how much memory a fit may take.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Most neighbours an item may have: past this many the dense `ease` is the better way to the same.
const MOST_NEIGHBOURS: usize = 4_096;

/// Settings of [`Sansa`](super::Sansa).
///
/// | field | default | range |
/// |---|---|---|
/// | `regularization` | 50 | > 0 |
/// | `dropout` | 0.5 | 0 to 1, below 1 |
/// | `neighbours` | 200 | 1 to 4,096 |
/// | `max_memory_bytes` | 8 GiB | ≥ 16 × items × `neighbours` |
///
/// ```
/// use recommender_core::models::SansaConfig;
/// let config = SansaConfig { neighbours: 100, ..SansaConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SansaConfig {
    /// λ, the penalty on the squared weights, as for `ease`: the more users an item has, the less it feels it.
    pub regularization: f64,
    /// p, as for `edlae`: p / (1 − p) of an item's squared weights is added to its λ.
    pub dropout: f64,
    /// How many others predict an item at most. The density of the published method is this over the number of items.
    pub neighbours: usize,
    /// The fit keeps to so many bytes, besides the data and 20 bytes an item and `4 · neighbours²` for each thread: it
    /// leaves out the weakest of what items share until the rest fits. Where not even the weights would fit, the fit is
    /// refused before it takes any memory.
    pub max_memory_bytes: u64,
}

impl Default for SansaConfig {
    fn default() -> Self {
        Self {
            regularization: 50.0,
            dropout: 0.5,
            neighbours: 200,
            max_memory_bytes: 8 << 30,
        }
    }
}

impl SansaConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        if !(self.regularization.is_finite() && self.regularization > 0.0) {
            return Err(Error::config(
                "sansa.regularization",
                "a finite number above 0",
                self.regularization,
            ));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(Error::config(
                "sansa.dropout",
                "a number from 0 to 1, below 1",
                self.dropout,
            ));
        }
        if !(1..=MOST_NEIGHBOURS).contains(&self.neighbours) {
            return Err(Error::config(
                "sansa.neighbours",
                "a whole number from 1 to 4,096",
                self.neighbours,
            ));
        }
        Ok(())
    }
}
