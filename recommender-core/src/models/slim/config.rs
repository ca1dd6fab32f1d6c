//! How strongly the weights are held back, which items may have one, and when the descent has arrived.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Settings of [`Slim`](super::Slim).
///
/// | field | default | range |
/// |---|---|---|
/// | `l1_regularization` | 1 | ≥ 0 |
/// | `l2_regularization` | 50 | ≥ 0 |
/// | `non_negative` | true | |
/// | `candidates` | 500 | ≥ 1 |
/// | `tolerance` | 0.01 | 0 to 1 |
/// | `epochs` | 50 | ≥ 1 |
///
/// Both penalties are in squared interaction weights, as is that of [`Ease`](crate::models::Ease). Programs that divide
/// by the number of users and mix the two write α and a ratio r: `l1_regularization` is `α · r · users`,
/// `l2_regularization` is `α · (1 − r) · users`.
///
/// ```
/// use recommender_core::models::SlimConfig;
/// let config = SlimConfig { l2_regularization: 20.0, ..SlimConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlimConfig {
    /// λ, the penalty on the sum of the weights: the greater, the fewer items have one and the faster is the fit.
    pub l1_regularization: f32,
    /// β, the penalty on the squared weights: the greater, the more evenly they spread over items that are alike.
    pub l2_regularization: f32,
    /// Whether weights are kept from falling below zero, as in the paper.
    pub non_negative: bool,
    /// At most so many items, the nearest by cosine, may have a weight for an item. As many as there are items makes
    /// it the full problem, fewer bound the time and the memory of a fit.
    pub candidates: usize,
    /// The descent has arrived when no step moves the gradient by more than this share of the largest there was.
    pub tolerance: f32,
    /// Most passes over the candidates of an item.
    pub epochs: usize,
}

impl Default for SlimConfig {
    fn default() -> Self {
        Self {
            l1_regularization: 1.0,
            l2_regularization: 50.0,
            non_negative: true,
            candidates: 500,
            tolerance: 0.01,
            epochs: 50,
        }
    }
}

impl SlimConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        let penalties = [
            ("l1_regularization", self.l1_regularization),
            ("l2_regularization", self.l2_regularization),
        ];
        for (field, penalty) in penalties {
            if !(penalty.is_finite() && penalty >= 0.0) {
                let field = format!("slim.{field}");
                return Err(Error::config(
                    field,
                    "a finite number of at least 0",
                    penalty,
                ));
            }
        }
        if !(0.0..=1.0).contains(&self.tolerance) {
            return Err(Error::config(
                "slim.tolerance",
                "a number from 0 to 1",
                self.tolerance,
            ));
        }
        for (field, count) in [("candidates", self.candidates), ("epochs", self.epochs)] {
            if count == 0 {
                return Err(Error::config(format!("slim.{field}"), "at least 1", 0));
            }
        }
        Ok(())
    }
}
