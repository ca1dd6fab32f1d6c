//! How a store is kept.

use std::path::PathBuf;

use recommender_core::Error;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::identity::IdentityConfig;
use crate::privacy::ConsentConfig;

/// How a store is kept.
///
/// | field | default | range |
/// |---|---|---|
/// | `identity` | [`IdentityConfig`] | |
/// | `consent` | [`ConsentConfig`] | |
/// | `max_clock_skew_seconds` | 300 | ≥ 0 |
/// | `refresh_ms` | none | ≥ 1 |
/// | `retention_days` | none | ≥ 1 |
/// | `pseudonym_key_file` | none | a file that can be read |
/// | `accept_new_key` | false | |
/// | `receipt_key_file` | none | a file that can be read or made |
///
/// ```
/// use recommender_store::store::StoreConfig;
/// let config = StoreConfig { refresh_ms: Some(200), ..StoreConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// How much one person may be.
    pub identity: IdentityConfig,
    /// What is done where nobody said whether an event may be used.
    pub consent: ConsentConfig,
    /// By how much clocks of others may be ahead. An event of a time beyond is taken as of the time it came; a stock,
    /// link or consent of a time beyond is refused, as it would outrank what comes after it.
    pub max_clock_skew_seconds: u32,
    /// How often to look for facts that other processes wrote, in milliseconds. None where there are no others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_ms: Option<u64>,
    /// Events older than this are dropped for good, by [`Store::expire`](crate::store::Store::expire) or in the
    /// background of a store that stays open. None keeps them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// File of the secret with which personal keys are replaced by [`Pseudonyms`](crate::privacy::Pseudonyms). None
    /// keeps them as they come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudonym_key_file: Option<PathBuf>,
    /// Whether a store that was begun with another secret, or without one, is opened all the same.
    pub accept_new_key: bool,
    /// File of the key that receipts of erasures are signed with; it is made if it is not there. None gives receipts
    /// without a signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_key_file: Option<PathBuf>,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            identity: IdentityConfig::default(),
            consent: ConsentConfig::default(),
            max_clock_skew_seconds: 300,
            refresh_ms: None,
            retention_days: None,
            pseudonym_key_file: None,
            accept_new_key: false,
            receipt_key_file: None,
        }
    }
}

impl StoreConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`recommender_core::Error::Config`] naming the field that is out of its range.
    pub fn validate(&self) -> Result<()> {
        self.identity.validate()?;
        if self.refresh_ms == Some(0) {
            return Err(Error::config("refresh_ms", "at least 1", 0).into());
        }
        if self.retention_days == Some(0) {
            return Err(Error::config("retention_days", "at least 1", 0).into());
        }
        Ok(())
    }
}
