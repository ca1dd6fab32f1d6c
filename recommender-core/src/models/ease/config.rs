//! How strongly the weights are held back, and how much memory they may take.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Settings of [`Ease`](super::Ease).
///
/// | field | default | range |
/// |---|---|---|
/// | `regularization` | 300 | > 0 |
/// | `max_memory_bytes` | 20 GiB | none: no limit |
///
/// ```
/// use recommender_core::models::EaseConfig;
/// let config = EaseConfig { regularization: 80.0, ..EaseConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EaseConfig {
    /// λ, the penalty on the squared weights, in squared interaction weights: the more users an item has, the less it
    /// feels it. Worth choosing on validation data, from some 50 on large sparse data to 1,000 on small dense data.
    pub regularization: f64,
    /// The fit is refused, before it takes any memory, if it would need more than so many bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory_bytes: Option<u64>,
}

impl Default for EaseConfig {
    fn default() -> Self {
        Self {
            regularization: 300.0,
            max_memory_bytes: Some(20 << 30),
        }
    }
}

impl EaseConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        if self.regularization.is_finite() && self.regularization > 0.0 {
            return Ok(());
        }
        Err(Error::config(
            "ease.regularization",
            "a finite number above 0",
            self.regularization,
        ))
    }
}
