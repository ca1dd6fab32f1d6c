//! Enumerations of the wire and of the engine.

use recommender_core::engine::Tier;
use recommender_core::events::{Channel, Consent, EventKind};

use crate::convert::controls;
use crate::convert::violations::Violations;
use crate::proto;
use crate::serving::PageType;

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
        proto::EventType::Dislike => EventKind::Dislike,
        proto::EventType::Hide => EventKind::Hide,
        proto::EventType::Scan => EventKind::Scan,
        proto::EventType::TryOn => EventKind::TryOn,
        proto::EventType::CategoryView
        | proto::EventType::HomeView
        | proto::EventType::CallInquiry => EventKind::View,
        proto::EventType::CartView => EventKind::Impression,
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

/// The consent as the store keeps it.
pub(crate) fn stored_consent(consent: proto::Consent) -> Consent {
    match consent {
        proto::Consent::Unspecified => Consent::Unspecified,
        proto::Consent::Granted => Consent::Granted,
        proto::Consent::Denied => Consent::Denied,
    }
}

/// The consent as the wire says it.
pub(crate) fn wire_consent(consent: Consent) -> proto::Consent {
    match consent {
        Consent::Unspecified => proto::Consent::Unspecified,
        Consent::Granted => proto::Consent::Granted,
        Consent::Denied => proto::Consent::Denied,
    }
}

/// The channel as the wire says it.
pub(crate) fn wire_channel(channel: Channel) -> proto::Channel {
    match channel {
        Channel::Web => proto::Channel::Web,
        Channel::App => proto::Channel::App,
        Channel::Kiosk => proto::Channel::Kiosk,
        Channel::PointOfSale => proto::Channel::Pos,
        Channel::CallCenter => proto::Channel::CallCenter,
        Channel::Email => proto::Channel::Email,
        Channel::Push => proto::Channel::Push,
        Channel::Marketplace => proto::Channel::Marketplace,
        Channel::Social => proto::Channel::Social,
    }
}

/// The type of a kind, and its name if it is one of the operator's own.
pub(crate) fn event_type(kind: &EventKind) -> (proto::EventType, String) {
    let types = [
        (EventKind::View, proto::EventType::ViewItem),
        (EventKind::Impression, proto::EventType::ViewItemList),
        (EventKind::Click, proto::EventType::Click),
        (EventKind::AddToCart, proto::EventType::AddToCart),
        (EventKind::RemoveFromCart, proto::EventType::RemoveFromCart),
        (EventKind::Purchase, proto::EventType::Purchase),
        (EventKind::Return, proto::EventType::Return),
        (EventKind::Search, proto::EventType::Search),
        (EventKind::Wishlist, proto::EventType::AddToWishlist),
        (EventKind::Rating, proto::EventType::Rate),
        (EventKind::Dislike, proto::EventType::Dislike),
        (EventKind::Hide, proto::EventType::Hide),
        (EventKind::Scan, proto::EventType::Scan),
        (EventKind::TryOn, proto::EventType::TryOn),
    ];
    match types.into_iter().find(|(named, _)| named == kind) {
        Some((_, event_type)) => (event_type, String::new()),
        None => (proto::EventType::Custom, kind.name().to_owned()),
    }
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

/// The kind of page of a wire number; none where nothing was said.
pub(crate) fn page_type(number: i32, field: &str, wrong: &mut Violations) -> Option<PageType> {
    let Ok(page) = proto::PageType::try_from(number) else {
        wrong.add(field, format!("expected a PageType, found {number}"));
        return None;
    };
    controls::page_type(page)
}
