//! How much one person may be.

use recommender_core::Error;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Caps that keep shared devices from making one person of many.
///
/// A link that would go past one is refused, so with caps the order of links matters: what came first stays. Several
/// servers that link at one moment may together go past a cap by what they did not yet know of each other.
///
/// | field | default | range |
/// |---|---|---|
/// | `max_identifiers` | 1000 | ≥ 2 |
/// | `max_links` | 10 | ≥ 1 |
/// | `max_accounts` | 1 | ≥ 1 |
/// | `max_cards` | 2 | ≥ 1 |
///
/// ```
/// use recommender_store::identity::IdentityConfig;
/// let config = IdentityConfig { max_accounts: 2, ..IdentityConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityConfig {
    /// Most identifiers of a person. Some browsers forget their cookies every week: three of them make 150 a year.
    pub max_identifiers: usize,
    /// Most identifiers as strong as itself or stronger that one may be linked to. Her cookie may meet her account, her
    /// card, digests of her addresses, a till and some cookies before it; a kiosk's meets everyone. How many cookies an
    /// account has is a matter of `max_identifiers` alone.
    pub max_links: usize,
    /// Most accounts of a person. With one, the second person to log in on a telephone keeps a history of her own: the
    /// telephone stays with the first. Raise it where people have several accounts and want them as one.
    pub max_accounts: usize,
    /// Most loyalty cards of a person: hers, and the one that replaced it. A kiosk meets a card with every shopper.
    pub max_cards: usize,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            max_identifiers: 1000,
            max_links: 10,
            max_accounts: 1,
            max_cards: 2,
        }
    }
}

impl IdentityConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`recommender_core::Error::Config`] naming the field that is out of its range.
    pub fn validate(&self) -> Result<()> {
        let checks = [
            ("max_identifiers", self.max_identifiers, 2),
            ("max_links", self.max_links, 1),
            ("max_accounts", self.max_accounts, 1),
            ("max_cards", self.max_cards, 1),
        ];
        for (field, found, least) in checks {
            if found < least {
                let expected = format!("at least {least}");
                return Err(Error::config(field, expected, found).into());
            }
        }
        Ok(())
    }
}
