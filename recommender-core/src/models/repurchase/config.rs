//! How far the gaps of one shopper and one product are trusted.

use serde::{Deserialize, Serialize};

use crate::baskets::BasketConfig;
use crate::error::{Error, Result};

/// Settings of [`Repurchase`](super::Repurchase).
///
/// | field | default | range |
/// |---|---|---|
/// | `shrinkage` | 20 | > 0 |
/// | `shopper_shrinkage` | 4 | > 0 |
/// | `gap_minutes` | 60 | ≥ 0 |
///
/// ```
/// use recommender_core::models::RepurchaseConfig;
/// let config = RepurchaseConfig { shopper_shrinkage: 1.0, ..RepurchaseConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RepurchaseConfig {
    /// Strength of the pull of all products on a category, and of a category on its products: how many gaps it is worth.
    pub shrinkage: f64,
    /// Strength of the pull of a product on the gaps of one shopper with it: how many gaps it is worth.
    pub shopper_shrinkage: f64,
    /// What one basket is: see [`BasketConfig::gap_minutes`].
    pub gap_minutes: f64,
}

impl Default for RepurchaseConfig {
    fn default() -> Self {
        Self {
            shrinkage: 20.0,
            shopper_shrinkage: 4.0,
            gap_minutes: BasketConfig::default().gap_minutes,
        }
    }
}

impl RepurchaseConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        for (field, strength) in [
            ("shrinkage", self.shrinkage),
            ("shopper_shrinkage", self.shopper_shrinkage),
        ] {
            if !(strength.is_finite() && strength > 0.0) {
                let field = format!("repurchase.{field}");
                return Err(Error::config(field, "a finite number above 0", strength));
            }
        }
        self.baskets().validate()
    }

    pub(super) fn baskets(&self) -> BasketConfig {
        BasketConfig {
            gap_minutes: self.gap_minutes,
        }
    }
}
