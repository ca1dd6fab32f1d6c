//! Points in time, as values: this crate reads no clock.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00 UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// Milliseconds in a day.
const DAY_MS: f64 = 86_400_000.0;

impl Timestamp {
    /// From seconds since 1970-01-01T00:00:00 UTC.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Days from `earlier` to `self`, negative if `self` comes first.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / DAY_MS
    }

    /// The point `days` before `self`.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "float to integer saturates"
    )]
    pub fn minus_days(self, days: f64) -> Self {
        Self(self.0.saturating_sub((days * DAY_MS) as i64))
    }
}
