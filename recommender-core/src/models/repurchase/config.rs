//! How far the gaps of one shopper and one product are trusted.

use serde::{Deserialize, Serialize};

use crate::baskets::BasketConfig;
use crate::error::{Error, Result};

/// Settings of [`Repurchase`](super::Repurchase).
///
/// | field | default | range |
/// |---|---|---|
/// | `shrinkage` | 100 | > 0 |
/// | `shopper_shrinkage` | 4 | > 0 |
/// | `habit_weight` | 1 | ≥ 0 |
/// | `sales_weight` | 0.3 | ≥ 0 |
/// | `sales_days` | 30 | > 0 |
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
    /// How far the intensity rises with the number of times she bought the product: the power it is raised to.
    pub habit_weight: f64,
    /// How far the intensity rises with the product's sales of late: the power they are raised to.
    pub sales_weight: f64,
    /// How many days before the end of the data sales are of late.
    pub sales_days: f64,
    /// What one basket is: see [`BasketConfig::gap_minutes`].
    pub gap_minutes: f64,
}

impl Default for RepurchaseConfig {
    fn default() -> Self {
        Self {
            shrinkage: 100.0,
            shopper_shrinkage: 4.0,
            habit_weight: 1.0,
            sales_weight: 0.3,
            sales_days: 30.0,
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
        let wrong = |field: &str, expected: &str, found: f64| {
            Err(Error::config(
                format!("repurchase.{field}"),
                expected,
                found,
            ))
        };
        for (field, number) in [
            ("shrinkage", self.shrinkage),
            ("shopper_shrinkage", self.shopper_shrinkage),
            ("sales_days", self.sales_days),
        ] {
            if !(number.is_finite() && number > 0.0) {
                return wrong(field, "a finite number above 0", number);
            }
        }
        for (field, weight) in [
            ("habit_weight", self.habit_weight),
            ("sales_weight", self.sales_weight),
        ] {
            if !(weight.is_finite() && weight >= 0.0) {
                return wrong(field, "a finite number of at least 0", weight);
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
