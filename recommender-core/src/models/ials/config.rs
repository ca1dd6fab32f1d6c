//! What is minimised, and for how long.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Settings of [`Ials`](super::Ials).
///
/// | field | default | range |
/// |---|---|---|
/// | `factors` | 128 | 1..=4,096 |
/// | `epochs` | 16 | 1..=10,000 |
/// | `regularization` | 0.01 | > 0 |
/// | `regularization_exponent` | 1 | 0..=2 |
/// | `unobserved_weight` | none: 400 / items, at most 1 | > 0 |
/// | `initial_deviation` | 0.1 | > 0 |
///
/// implicit's `AlternatingLeastSquares(alpha, regularization)` on data whose weights are all 1 minimises the same
/// objective, but for the scale of the factors, with `unobserved_weight = 1 / (alpha − 1)`,
/// `regularization = regularization / alpha` and `regularization_exponent = 0`; alpha must be above 1.
///
/// ```
/// use recommender_core::models::IalsConfig;
/// let config = IalsConfig { factors: 64, ..IalsConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IalsConfig {
    /// d, the numbers learned for each item.
    pub factors: usize,
    /// How often the vectors of all users and then of all items are solved for.
    pub epochs: usize,
    /// λ, the penalty on the squared length of the vectors.
    pub regularization: f64,
    /// ν: how much more those with many interactions are held back; 1 in proportion, 0 all alike.
    pub regularization_exponent: f64,
    /// α₀, the weight of "no interaction" for every pair, where an interaction weighs its weight, usually 1.
    /// None makes it 400 / items, at most 1, so that all that a shopper has not weighs as much as 400 interactions: about the best
    /// on catalogues of 1,700, 3,600 and 41,000 items alike, where one weight for all is far off on some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unobserved_weight: Option<f64>,
    /// Root of the mean squared length of the vectors that learning begins from.
    pub initial_deviation: f64,
}

impl Default for IalsConfig {
    fn default() -> Self {
        Self {
            factors: 128,
            epochs: 16,
            regularization: 0.01,
            regularization_exponent: 1.0,
            unobserved_weight: None,
            initial_deviation: 0.1,
        }
    }
}

impl IalsConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        if !(1..=4096).contains(&self.factors) {
            let expected = "a whole number from 1 to 4,096";
            return Err(Error::config("ials.factors", expected, self.factors));
        }
        if !(1..=10_000).contains(&self.epochs) {
            let expected = "a whole number from 1 to 10,000";
            return Err(Error::config("ials.epochs", expected, self.epochs));
        }
        if !(0.0..=2.0).contains(&self.regularization_exponent) {
            let found = self.regularization_exponent;
            return Err(Error::config(
                "ials.regularization_exponent",
                "a number from 0 to 2",
                found,
            ));
        }
        for (field, found) in [
            ("ials.regularization", self.regularization),
            (
                "ials.unobserved_weight",
                self.unobserved_weight.unwrap_or(1.0),
            ),
            ("ials.initial_deviation", self.initial_deviation),
        ] {
            if !(found.is_finite() && found > 0.0) {
                return Err(Error::config(field, "a finite number above 0", found));
            }
        }
        Ok(())
    }

    /// α₀ for a catalogue of `items`.
    pub(super) fn weight_of_unobserved(&self, items: usize) -> f64 {
        self.unobserved_weight
            .unwrap_or((UNOBSERVED_TOGETHER / items.max(1) as f64).min(1.0))
    }
}

/// What all that a shopper has not weighs together, unless said otherwise.
const UNOBSERVED_TOGETHER: f64 = 400.0;
