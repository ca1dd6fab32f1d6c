//! Channels a shopper meets the shop on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A way a shopper meets the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Channel {
    /// Website.
    Web,
    /// Mobile application.
    App,
    /// Self-service screen in a store.
    Kiosk,
    /// Till.
    PointOfSale,
    /// Call centre.
    CallCenter,
    /// E-mail.
    Email,
    /// Push message.
    Push,
    /// Someone else's marketplace.
    Marketplace,
    /// Social network.
    Social,
}

impl Channel {
    /// Every channel, in order of its code.
    pub const ALL: [Self; 9] = [
        Self::Web,
        Self::App,
        Self::Kiosk,
        Self::PointOfSale,
        Self::CallCenter,
        Self::Email,
        Self::Push,
        Self::Marketplace,
        Self::Social,
    ];

    /// The name used in files and configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::App => "app",
            Self::Kiosk => "kiosk",
            Self::PointOfSale => "point_of_sale",
            Self::CallCenter => "call_center",
            Self::Email => "email",
            Self::Push => "push",
            Self::Marketplace => "marketplace",
            Self::Social => "social",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Channel {
    type Err = String;

    /// Reads a [`Channel::name`]; the error says which names exist.
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.name() == name)
            .ok_or_else(|| format!("one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}
