//! What is counted, over which time, and for whom a list of its own is kept.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Settings of [`Popularity`](super::Popularity).
///
/// | field | default | range |
/// |---|---|---|
/// | `count` | `users` | `users`, `weights` |
/// | `window_days` | none: all time | > 0 |
/// | `per_place` | true | |
/// | `per_channel` | true | |
/// | `shrinkage` | 100 | ≥ 0 |
///
/// ```
/// use recommender_core::models::PopularityConfig;
/// let recent: PopularityConfig = serde_json::from_str(r#"{ "window_days": 7.0 }"#)?;
/// assert!(recent.validate().is_ok());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PopularityConfig {
    /// What makes an item popular.
    pub count: Count,
    /// Only events of the last so many days before the end of the data count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_days: Option<f64>,
    /// Keep a list per place.
    pub per_place: bool,
    /// Keep a list per channel.
    pub per_channel: bool,
    /// Strength of the pull of the whole on the list of a place or channel: how many counts it is worth.
    pub shrinkage: f64,
}

/// What makes an item popular.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// How many users it has.
    #[default]
    Users,
    /// The sum of its weights.
    Weights,
}

impl Default for PopularityConfig {
    fn default() -> Self {
        Self {
            count: Count::Users,
            window_days: None,
            per_place: true,
            per_channel: true,
            shrinkage: 100.0,
        }
    }
}

impl PopularityConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        if let Some(days) = self.window_days
            && !(days.is_finite() && days > 0.0)
        {
            return Err(Error::config(
                "popularity.window_days",
                "a number of days above 0",
                days,
            ));
        }
        if !(self.shrinkage.is_finite() && self.shrinkage >= 0.0) {
            return Err(Error::config(
                "popularity.shrinkage",
                "a finite number of at least 0",
                self.shrinkage,
            ));
        }
        Ok(())
    }
}
