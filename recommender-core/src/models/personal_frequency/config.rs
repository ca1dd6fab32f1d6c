//! How far back is counted, and what comes behind.

use serde::{Deserialize, Serialize};

use crate::baskets::BasketConfig;
use crate::error::{Error, Result};

/// Settings of [`PersonalFrequency`](super::PersonalFrequency).
///
/// | field | default | range |
/// |---|---|---|
/// | `window_baskets` | none: all | ≥ 1 |
/// | `popularity` | true | |
/// | `gap_minutes` | 60 | ≥ 0 |
///
/// ```
/// use recommender_core::models::PersonalFrequencyConfig;
/// let recent = PersonalFrequencyConfig { window_baskets: Some(5), ..PersonalFrequencyConfig::default() };
/// assert!(recent.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PersonalFrequencyConfig {
    /// Only the shopper's last so many baskets count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_baskets: Option<usize>,
    /// Whether what she never had follows behind what she had, the most popular first (GP-TopFreq), or is not answered
    /// (P-TopFreq).
    pub popularity: bool,
    /// What one basket is: see [`BasketConfig::gap_minutes`].
    pub gap_minutes: f64,
}

impl Default for PersonalFrequencyConfig {
    fn default() -> Self {
        Self {
            window_baskets: None,
            popularity: true,
            gap_minutes: BasketConfig::default().gap_minutes,
        }
    }
}

impl PersonalFrequencyConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        if self.window_baskets == Some(0) {
            let field = "personal_frequency.window_baskets";
            return Err(Error::config(field, "at least 1", 0));
        }
        self.baskets().validate()
    }

    pub(super) fn baskets(&self) -> BasketConfig {
        BasketConfig {
            gap_minutes: self.gap_minutes,
        }
    }
}
