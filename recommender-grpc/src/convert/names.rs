//! Enumerations of the wire and of the engine.

use recommender_core::engine::Tier;
use recommender_core::events::{Channel, EventKind};

use crate::convert::violations::Violations;
use crate::proto;

/// The channel of a wire number; none where nothing was said.
pub(crate) fn channel(number: i32, field: &str, wrong: &mut Violations) -> Option<Channel> {
    let Ok(channel) = proto::Channel::try_from(number) else {
        wrong.add(field, format!("expected a Channel, found {number}"));
        return None;
    };
    match channel {
        proto::Channel::Unspecified => None,
        proto::Channel::Web => Some(Channel::Web),
        proto::Channel::App => Some(Channel::App),
        proto::Channel::Kiosk => Some(Channel::Kiosk),
        proto::Channel::Pos => Some(Channel::PointOfSale),
        proto::Channel::CallCenter => Some(Channel::CallCenter),
        proto::Channel::Email => Some(Channel::Email),
        proto::Channel::Push => Some(Channel::Push),
        proto::Channel::Marketplace => Some(Channel::Marketplace),
        proto::Channel::Social => Some(Channel::Social),
    }
}

/// The kind of an event type; none where nothing was said. `custom` is the operator's own name.
pub(crate) fn event_kind(event_type: proto::EventType, custom: &str) -> Option<EventKind> {
    Some(match event_type {
        proto::EventType::Unspecified => return None,
        proto::EventType::ViewItem => EventKind::View,
        proto::EventType::ViewItemList => EventKind::Impression,
        proto::EventType::Click => EventKind::Click,
        proto::EventType::AddToCart => EventKind::AddToCart,
        proto::EventType::RemoveFromCart => EventKind::RemoveFromCart,
        proto::EventType::Purchase => EventKind::Purchase,
        proto::EventType::Return => EventKind::Return,
        proto::EventType::Search => EventKind::Search,
        proto::EventType::AddToWishlist => EventKind::Wishlist,
        proto::EventType::Rate => EventKind::Rating,
        proto::EventType::Scan => EventKind::Scan,
        proto::EventType::TryOn => EventKind::TryOn,
        proto::EventType::Custom => EventKind::Custom(custom.into()),
    })
}

/// The consent of a wire number.
pub(crate) fn consent(number: i32, field: &str, wrong: &mut Violations) -> proto::Consent {
    proto::Consent::try_from(number).unwrap_or_else(|_| {
        wrong.add(field, format!("expected a Consent, found {number}"));
        proto::Consent::Unspecified
    })
}

/// The tier of an answer.
pub(crate) fn tier(tier: Tier) -> proto::PersonalizationTier {
    match tier {
        Tier::Personal => proto::PersonalizationTier::Personal,
        Tier::Session => proto::PersonalizationTier::Session,
        Tier::PlacePopular => proto::PersonalizationTier::PlacePopular,
        Tier::Popular => proto::PersonalizationTier::Popular,
    }
}
