//! What one basket is.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::time::Timestamp;

/// How a timeline is cut into baskets.
///
/// | field | default | range |
/// |---|---|---|
/// | `gap_minutes` | 60 | ≥ 0 |
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BasketConfig {
    /// An event that comes this many minutes after the one before it, or later, begins a new basket. With 0 every new
    /// moment does, which is right for data with order numbers in place of times.
    pub gap_minutes: f64,
}

impl Default for BasketConfig {
    fn default() -> Self {
        Self { gap_minutes: 60.0 }
    }
}

/// Milliseconds in a minute.
const MINUTE_MS: f64 = 60_000.0;

impl BasketConfig {
    /// Checks the range.
    ///
    /// # Errors
    /// [`Error::Config`] for a gap below 0 or not finite.
    pub fn validate(&self) -> Result<()> {
        if self.gap_minutes.is_finite() && self.gap_minutes >= 0.0 {
            return Ok(());
        }
        let expected = "a finite number of at least 0";
        Err(Error::config("gap_minutes", expected, self.gap_minutes))
    }

    /// Whether an event at `next` belongs to the basket whose last event happened at `last`.
    pub(crate) fn joins(&self, last: Timestamp, next: Timestamp) -> bool {
        let apart = next.0.saturating_sub(last.0);
        apart == 0 || (apart as f64) < self.gap_minutes * MINUTE_MS
    }
}
