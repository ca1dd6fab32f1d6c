//! What a channel knows a shopper by.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Result, StoreError};

/// What an identifier is one of, the strongest first: what speaks of a person before what speaks of a device, and what
/// she proved before what she was seen with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// Her account with the shop.
    Account,
    /// Her loyalty card.
    Loyalty,
    /// A digest of her e-mail address, made by the caller; never the address.
    EmailHash,
    /// A digest of her telephone number, made by the caller; never the number.
    PhoneHash,
    /// What a till knows her by.
    PointOfSale,
    /// An installed app.
    App,
    /// A browser's cookie.
    Cookie,
    /// The visitor key of events.
    Visitor,
}

impl Namespace {
    /// Every namespace, the strongest first.
    pub const ALL: [Self; 8] = [
        Self::Account,
        Self::Loyalty,
        Self::EmailHash,
        Self::PhoneHash,
        Self::PointOfSale,
        Self::App,
        Self::Cookie,
        Self::Visitor,
    ];

    /// The name used in files and requests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Loyalty => "loyalty",
            Self::EmailHash => "email_hash",
            Self::PhoneHash => "phone_hash",
            Self::PointOfSale => "point_of_sale",
            Self::App => "app",
            Self::Cookie => "cookie",
            Self::Visitor => "visitor",
        }
    }

    fn of_name(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|space| space.name() == name);
        found.ok_or_else(|| {
            let expected = format!("one of {}", Self::ALL.map(Self::name).join(", "));
            StoreError::invalid("namespace of an identifier", expected, name)
        })
    }
}

/// Longest value of an identifier, in bytes: the key of a link holds two.
pub const MAX_IDENTIFIER_BYTES: usize = 480;

/// Fewer digits than this are a telephone number and no digest of one.
const DIGITS_OF_A_NUMBER: usize = 20;

/// A namespace and a value in it, written `namespace:value`. The order is that of strength, then of the value.
///
/// ```
/// use recommender_store::identity::{Identifier, Namespace};
/// let card: Identifier = "loyalty:4711".parse()?;
/// assert_eq!((card.namespace(), card.value()), (Namespace::Loyalty, "4711"));
/// assert!(card < "visitor:ann".parse()?);
/// # Ok::<(), recommender_store::StoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    namespace: Namespace,
    value: Arc<str>,
}

impl Identifier {
    /// The identifier of `value` in `namespace`.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the value is empty, longer than [`MAX_IDENTIFIER_BYTES`], has control characters, or
    /// is an address or number where a digest of it belongs.
    pub fn new(namespace: Namespace, value: &str) -> Result<Self> {
        let wrong = |expected: &str, found: &str| {
            let what = format!("{} identifier", namespace.name());
            Err(StoreError::invalid(what, expected, found))
        };
        if !(1..=MAX_IDENTIFIER_BYTES).contains(&value.len()) {
            let expected = format!("1 to {MAX_IDENTIFIER_BYTES} bytes");
            return wrong(&expected, &format!("{} bytes", value.len()));
        }
        if value.chars().any(char::is_control) {
            return wrong("no control characters", "one of them");
        }
        // What was found is not shown: it is what should not have been sent.
        if namespace == Namespace::EmailHash && value.contains('@') {
            return wrong("a digest of an address", "an address");
        }
        if namespace == Namespace::PhoneHash && is_number(value) {
            return wrong("a digest of a telephone number", "a number");
        }
        let value = value.into();
        Ok(Self { namespace, value })
    }

    /// The identifier of the visitor key of an event.
    ///
    /// # Errors
    /// As [`Identifier::new`].
    pub fn visitor(key: &str) -> Result<Self> {
        Self::new(Namespace::Visitor, key)
    }

    /// What it is one of.
    #[must_use]
    pub fn namespace(&self) -> Namespace {
        self.namespace
    }

    /// Which one.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

fn is_number(value: &str) -> bool {
    let sign = |c: char| c.is_ascii_digit() || "+-/(). ".contains(c);
    value.len() < DIGITS_OF_A_NUMBER && value.chars().all(sign)
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.namespace.name(), self.value)
    }
}

impl FromStr for Identifier {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        let Some((namespace, value)) = text.split_once(':') else {
            return Err(StoreError::invalid("identifier", "namespace:value", text));
        };
        Self::new(Namespace::of_name(namespace)?, value)
    }
}

impl Serialize for Identifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_round_trip_as_text_with_colons_in_their_values() {
        for namespace in Namespace::ALL {
            let identifier = Identifier::new(namespace, "a:b/cañón-00000000000000").unwrap();
            assert_eq!(
                identifier.to_string().parse::<Identifier>().unwrap(),
                identifier
            );
        }
    }

    #[test]
    fn what_is_no_identifier_is_refused_without_showing_addresses() {
        for text in [
            "",
            "ann",
            "cookie:",
            "card:7",
            "app:a\nb",
            "phone_hash:+44 20 7946 0958",
        ] {
            assert!(text.parse::<Identifier>().is_err(), "{text}");
        }
        let long = "x".repeat(MAX_IDENTIFIER_BYTES + 1);
        assert!(Identifier::visitor(&long).is_err());
        let error = "email_hash:ann@example.org".parse::<Identifier>();
        let message = error.unwrap_err().to_string();
        assert!(!message.contains("ann"), "{message}");
    }
}
