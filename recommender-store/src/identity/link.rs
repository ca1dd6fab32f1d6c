//! That two identifiers are one person, and why it is not believed.

use std::fmt;

use recommender_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::identity::Identifier;

/// That two identifiers are of one person. Which of them stands first means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// One of them.
    pub a: Identifier,
    /// The other.
    pub b: Identifier,
    /// What it rests on, such as `logged in` or a ticket of the call centre.
    #[serde(default)]
    pub evidence: String,
    /// Since when it is so. It orders nothing: a link counts from when it was written, for all her events.
    pub since: Timestamp,
    /// Who said so: a service or a person of the operator.
    #[serde(default)]
    pub by: String,
}

impl Link {
    /// The two identifiers, the stronger first.
    #[must_use]
    pub fn pair(&self) -> (&Identifier, &Identifier) {
        if self.a <= self.b {
            return (&self.a, &self.b);
        }
        (&self.b, &self.a)
    }
}

/// What became of a link that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkOutcome {
    /// It stands now.
    Linked,
    /// It stood already; its evidence is now the one given last.
    Known,
    /// It is not believed, and was not kept.
    Refused(Refusal),
}

/// What a link would have gone past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// [`IdentityConfig::max_identifiers`](crate::identity::IdentityConfig::max_identifiers).
    Identifiers,
    /// [`IdentityConfig::max_links`](crate::identity::IdentityConfig::max_links).
    Links,
    /// [`IdentityConfig::max_accounts`](crate::identity::IdentityConfig::max_accounts).
    Accounts,
    /// [`IdentityConfig::max_cards`](crate::identity::IdentityConfig::max_cards).
    Cards,
}

/// Why a link is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The cap it would have gone past.
    pub cap: Cap,
    /// How many are allowed.
    pub allowed: usize,
    /// How many there would have been.
    pub found: usize,
    /// The identifier that would have had them, or whose person would.
    pub identifier: Identifier,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            allowed,
            found,
            identifier,
            ..
        } = self;
        match self.cap {
            Cap::Identifiers => write!(
                f,
                "the person of {identifier} would have {found} identifiers, and max_identifiers is {allowed}: \
                 they hardly belong to one person"
            ),
            Cap::Links => write!(
                f,
                "{identifier} would be linked to {found} identifiers as strong as itself or stronger, and max_links \
                 is {allowed}: it looks like a device that many share, such as a kiosk"
            ),
            Cap::Accounts => write!(
                f,
                "the person of {identifier} would have {found} accounts, and max_accounts is {allowed}: it looks \
                 like a device or card that several people share, such as a family's telephone"
            ),
            Cap::Cards => write!(
                f,
                "the person of {identifier} would have {found} loyalty cards, and max_cards is {allowed}: it looks \
                 like a device that several people share, such as a kiosk"
            ),
        }
    }
}
