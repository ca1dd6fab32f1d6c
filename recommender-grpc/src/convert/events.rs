//! What a caller tells of a shopper's past.

use std::collections::HashSet;

use recommender_core::Timestamp;
use recommender_core::events::{Event, EventKind};

use crate::convert::names;
use crate::convert::violations::Violations;
use crate::proto::{self, UserEvent};

/// The events of a context, and the products of its session.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// One for each product of each event that counts.
    pub(crate) events: Vec<Event>,
    /// Products of the current session, oldest first.
    pub(crate) session: Vec<String>,
}

/// Reads `recent_events`. An event that was refused consent, or whose id came before, does not count.
pub(crate) fn past(recent: Vec<UserEvent>, session_id: &str, wrong: &mut Violations) -> Past {
    let mut past = Past::default();
    let mut ids = HashSet::new();
    let mut session: Vec<(Timestamp, String)> = Vec::new();
    for (number, event) in recent.into_iter().enumerate() {
        let field = format!("context.recent_events[{number}]");
        let current = !session_id.is_empty() && event.session_id == session_id;
        let repeated = !event.event_id.is_empty() && !ids.insert(event.event_id.clone());
        let denied = names::consent(event.consent, &format!("{field}.consent"), wrong)
            == proto::Consent::Denied;
        let events = read(event, &field, wrong);
        if repeated || denied {
            continue;
        }
        for event in events {
            if current && shows_interest(&event.kind) {
                let item = event.item.clone().unwrap_or_default();
                session.push((event.time.unwrap_or_default(), item));
            }
            past.events.push(event);
        }
    }
    // Stable, so that products of one event stay in their order.
    session.sort_by_key(|&(time, _)| time);
    past.session = session.into_iter().map(|(_, item)| item).collect();
    past
}

/// Whether an event of this kind says that the shopper wants the product.
fn shows_interest(kind: &EventKind) -> bool {
    let passive = matches!(kind, EventKind::Search | EventKind::Impression);
    !passive && kind.takes_back().is_none()
}

/// One event for each product of `event`; notes what is wrong with it.
fn read(event: UserEvent, field: &str, wrong: &mut Violations) -> Vec<Event> {
    let at = |name: &str| format!("{field}.{name}");
    let Some(kind) = kind(&event, field, wrong) else {
        return Vec::new();
    };
    let time = timestamp(event.event_time, &at("event_time"), wrong);
    if event.event_time.is_none() {
        wrong.add(at("event_time"), "expected a time, found none");
    }
    if event.product_details.is_empty() {
        let none = "expected at least one product, found none";
        wrong.add(at("product_details"), none);
    }
    check_rating(&event, &kind, field, wrong);
    let template = Event {
        kind,
        time,
        channel: names::channel(event.channel, &at("channel"), wrong),
        place: (!event.place_id.is_empty()).then_some(event.place_id),
        rating: event.rating,
        ..Event::default()
    };
    products(event.product_details, &at("product_details"), wrong)
        .map(|(item, quantity)| Event {
            item: Some(item),
            quantity,
            ..template.clone()
        })
        .collect()
}

fn kind(event: &UserEvent, field: &str, wrong: &mut Violations) -> Option<EventKind> {
    let custom = &event.custom_event_type;
    let event_type = proto::EventType::try_from(event.event_type).ok();
    let kind = event_type.and_then(|event_type| names::event_kind(event_type, custom));
    if kind.is_none() {
        let found = format!("expected an EventType, found {}", event.event_type);
        wrong.add(format!("{field}.event_type"), found);
    }
    if (event_type == Some(proto::EventType::Custom)) == custom.is_empty() {
        wrong.add(
            format!("{field}.custom_event_type"),
            "expected a name for EVENT_TYPE_CUSTOM, and none for the other types",
        );
    }
    kind
}

fn check_rating(event: &UserEvent, kind: &EventKind, field: &str, wrong: &mut Violations) {
    let fits = match event.rating {
        Some(rating) => rating.is_finite() && *kind == EventKind::Rating,
        None => *kind != EventKind::Rating,
    };
    if !fits {
        let found = event
            .rating
            .map_or("none".into(), |rating| rating.to_string());
        wrong.add(
            format!("{field}.rating"),
            format!("expected a finite number for EVENT_TYPE_RATE, and none for the other types; found {found}"),
        );
    }
}

/// Keys and quantities of products; notes what is wrong with them.
pub(crate) fn products(
    details: Vec<proto::ProductDetail>,
    field: &str,
    wrong: &mut Violations,
) -> impl Iterator<Item = (String, f32)> {
    for (number, detail) in details.iter().enumerate() {
        if detail.product_id.is_empty() {
            let at = format!("{field}[{number}].product_id");
            wrong.add(at, "expected a key, found none");
        }
        if let Some(quantity) = detail.quantity
            && !(quantity.is_finite() && quantity > 0.0)
        {
            let at = format!("{field}[{number}].quantity");
            wrong.add(
                at,
                format!("expected a finite number above 0, found {quantity}"),
            );
        }
        if !detail.variant_id.is_empty() {
            wrong.refuse_if(true, &format!("{field}[{number}].variant_id"));
        }
    }
    details
        .into_iter()
        .map(|detail| (detail.product_id, detail.quantity.unwrap_or(1.0)))
}

/// A point in time; none where nothing was said or what was said is no time, which is noted.
pub(crate) fn timestamp(
    time: Option<prost_types::Timestamp>,
    field: &str,
    wrong: &mut Violations,
) -> Option<Timestamp> {
    let time = time?;
    let in_range = (FIRST_SECOND..=LAST_SECOND).contains(&time.seconds);
    if !in_range || !(0..1_000_000_000).contains(&time.nanos) {
        let expected = "expected a time from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z";
        let found = format!("{} s and {} ns", time.seconds, time.nanos);
        wrong.add(field, format!("{expected}, found {found}"));
        return None;
    }
    Some(Timestamp(
        time.seconds * 1000 + i64::from(time.nanos) / 1_000_000,
    ))
}

/// 0001-01-01T00:00:00Z, the first time that the wire's Timestamp can mean.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z, the last.
const LAST_SECOND: i64 = 253_402_300_799;
