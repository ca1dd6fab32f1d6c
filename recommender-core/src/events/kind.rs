//! Kinds of events.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, Result};

/// What a shopper did.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum EventKind {
    /// Looked at a product.
    #[default]
    View,
    /// Clicked a product in a list.
    Click,
    /// Put it in the cart.
    AddToCart,
    /// Took it out of the cart: takes the matching addition back.
    RemoveFromCart,
    /// Bought it.
    Purchase,
    /// Brought it back: takes the purchase back.
    Return,
    /// Tried it on.
    TryOn,
    /// Scanned it in a store.
    Scan,
    /// Put it on a wish list.
    Wishlist,
    /// Rated it.
    Rating,
    /// Searched.
    Search,
    /// Was shown it.
    Impression,
    /// Said that she does not like it: no sign of interest, and it is not answered to her.
    Dislike,
    /// Said that she never wants to see it again: no sign of interest, and it is not answered to her.
    Hide,
    /// A kind of the operator's own, written `custom:NAME` in files.
    Custom(Arc<str>),
}

/// Prefix that marks a kind of the operator's own in files and configuration.
const CUSTOM_PREFIX: &str = "custom:";

impl EventKind {
    /// Every kind with a fixed name.
    pub const NAMED: [Self; 14] = [
        Self::View,
        Self::Click,
        Self::AddToCart,
        Self::RemoveFromCart,
        Self::Purchase,
        Self::Return,
        Self::TryOn,
        Self::Scan,
        Self::Wishlist,
        Self::Rating,
        Self::Search,
        Self::Impression,
        Self::Dislike,
        Self::Hide,
    ];

    /// The kind of the earlier event that this one undoes, if it is of the undoing sort.
    #[must_use]
    pub fn takes_back(&self) -> Option<Self> {
        if *self == Self::Return {
            return Some(Self::Purchase);
        }
        (*self == Self::RemoveFromCart).then_some(Self::AddToCart)
    }

    /// Whether it says that the shopper does not want its product, which is not answered to her then until she takes it
    /// up again ([`Stance`](crate::events::Stance)).
    #[must_use]
    pub fn refuses(&self) -> bool {
        matches!(self, Self::Dislike | Self::Hide)
    }

    /// Whether it says that the shopper wants its product: all kinds but those that show or find it, take it back, or
    /// refuse it.
    #[must_use]
    pub fn shows_interest(&self) -> bool {
        let passive = matches!(self, Self::Search | Self::Impression);
        !passive && !self.refuses() && self.takes_back().is_none()
    }

    /// The number of this kind in `kinds`, to which it is added if it is new.
    ///
    /// # Errors
    /// [`Error::Data`] past 65,536 kinds.
    pub(crate) fn code(&self, kinds: &mut Vec<Self>) -> Result<u16> {
        let known = kinds.iter().position(|known| known == self);
        let code = known.unwrap_or_else(|| {
            kinds.push(self.clone());
            kinds.len() - 1
        });
        u16::try_from(code).map_err(|_| Error::data("events", "more than 65,536 kinds of events"))
    }

    /// The fixed name, or the operator's own without its prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::View => "view",
            Self::Click => "click",
            Self::AddToCart => "add_to_cart",
            Self::RemoveFromCart => "remove_from_cart",
            Self::Purchase => "purchase",
            Self::Return => "return",
            Self::TryOn => "try_on",
            Self::Scan => "scan",
            Self::Wishlist => "wishlist",
            Self::Rating => "rating",
            Self::Search => "search",
            Self::Impression => "impression",
            Self::Dislike => "dislike",
            Self::Hide => "hide",
            Self::Custom(name) => name,
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self, Self::Custom(_)) {
            f.write_str(CUSTOM_PREFIX)?;
        }
        f.write_str(self.name())
    }
}

impl FromStr for EventKind {
    type Err = String;

    /// Reads what [`EventKind`]'s display writes; the error says which names exist.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix(CUSTOM_PREFIX)
            && !name.is_empty()
        {
            return Ok(Self::Custom(name.into()));
        }
        Self::NAMED
            .iter()
            .find(|kind| kind.name() == text)
            .cloned()
            .ok_or_else(|| {
                let names: Vec<&str> = Self::NAMED.iter().map(Self::name).collect();
                format!("one of {}, or custom:NAME", names.join(", "))
            })
    }
}

impl serde::Serialize for EventKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for EventKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|expected| {
            serde::de::Error::custom(format!("expected {expected}, found \"{text}\""))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_unknown_ones_list_the_choices() {
        for kind in EventKind::NAMED {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let custom: EventKind = "custom:dwell".parse().unwrap();
        assert_eq!(custom.to_string(), "custom:dwell");
        let error = "purchse".parse::<EventKind>().unwrap_err();
        assert!(error.contains("purchase"), "{error}");
    }
}
