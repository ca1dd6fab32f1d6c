//! The fields of an event that a column can fill.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A field of an [`crate::events::Event`] that a column can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventField {
    /// Unique key of the event.
    Id,
    /// Who: key of the device, card or person.
    Visitor,
    /// What with: key of the product.
    Item,
    /// What was done.
    Kind,
    /// Where from.
    Channel,
    /// Store or warehouse.
    Place,
    /// When.
    Time,
    /// How many pieces.
    Quantity,
    /// Price of one piece.
    Price,
    /// Key of the visit or basket.
    Session,
    /// The rating given.
    Rating,
    /// Whether the person agreed to its use.
    Consent,
    /// Anything else: an object of JSON, as text or, in JSON lines, as it is.
    Attributes,
}

impl EventField {
    /// Every field.
    pub const ALL: [Self; 13] = [
        Self::Id,
        Self::Visitor,
        Self::Item,
        Self::Kind,
        Self::Channel,
        Self::Place,
        Self::Time,
        Self::Quantity,
        Self::Price,
        Self::Session,
        Self::Rating,
        Self::Consent,
        Self::Attributes,
    ];

    /// The name used in settings and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.default_columns()[0]
    }

    /// Names of the column that fills the field where the map says nothing, in order of preference.
    #[must_use]
    pub fn default_columns(self) -> &'static [&'static str] {
        match self {
            Self::Id => &["id", "event_id"],
            Self::Visitor => &["visitor", "user", "UserId", "SessionId"],
            Self::Item => &["item", "ItemId"],
            Self::Kind => &["kind"],
            Self::Channel => &["channel"],
            Self::Place => &["place"],
            Self::Time => &["time", "timestamp", "Time"],
            Self::Quantity => &["quantity"],
            Self::Price => &["price"],
            Self::Session => &["session", "basket", "SessionId"],
            Self::Rating => &["rating"],
            Self::Consent => &["consent"],
            Self::Attributes => &["attributes"],
        }
    }
}

impl fmt::Display for EventField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EventField {
    type Err = String;

    /// Reads an [`EventField::name`]; the error says which exist.
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|field| field.name() == name)
            .ok_or_else(|| format!("one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}
