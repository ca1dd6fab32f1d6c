//! Settings: none.

use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Settings of [`Random`](super::Random): it has none; the seed comes with
/// [`FitOptions`](crate::FitOptions).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomConfig {}

impl RandomConfig {
    /// Nothing can be out of range.
    ///
    /// # Errors
    /// None.
    pub fn validate(&self) -> Result<()> {
        Ok(())
    }
}
