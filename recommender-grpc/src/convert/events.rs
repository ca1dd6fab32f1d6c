//! What a caller tells of what shoppers did.

use std::collections::{BTreeMap, HashSet};

use recommender_core::Timestamp;
use recommender_core::events::{Consent, Event, EventKind};

use crate::convert::violations::Violations;
use crate::convert::{amounts, extras, names};
use crate::proto::{self, EventType, UserEvent};

/// The events of a context, and the products of its session.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// One for each product of each event that counts.
    pub(crate) events: Vec<Event>,
    /// Products of the current session, oldest first.
    pub(crate) session: Vec<String>,
}

/// Most products of a written event, and of a list that was shown.
pub(super) const MAX_PRODUCTS: usize = 1000;

/// Reads `recent_events`. An event that was refused consent, or whose id came before, does not count.
pub(crate) fn past(recent: Vec<UserEvent>, session_id: &str, wrong: &mut Violations) -> Past {
    let mut past = Past::default();
    let mut ids = HashSet::new();
    let mut session: Vec<(Timestamp, String)> = Vec::new();
    for (number, event) in recent.into_iter().enumerate() {
        let field = format!("context.recent_events[{number}]");
        let id = (!event.event_id.is_empty()).then(|| event.event_id.clone());
        let current = !session_id.is_empty() && event.session_id == session_id;
        let repeated = id.as_ref().is_some_and(|id| !ids.insert(id.clone()));
        refuse_persons(&event, &field, wrong);
        let unkept = unkept(&event);
        let events = read(event, &field, wrong);
        for (number, name) in unkept {
            wrong.refuse_if(true, &format!("{field}.product_details[{number}].{name}"));
        }
        for (number, mut event) in events.into_iter().enumerate() {
            if repeated || event.consent == Consent::Denied {
                continue;
            }
            event.id = id.as_deref().map(|id| part_id(id, number));
            let Some(item) = event.item.clone() else {
                continue;
            };
            if current && event.kind.shows_interest() {
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

/// The key of the `number`th product's part of an event.
pub(super) fn part_id(id: &str, number: usize) -> String {
    match number {
        0 => id.to_owned(),
        number => format!("{id}#{number}"),
    }
}

/// Refuses what only a written event may say: who did it.
fn refuse_persons(event: &UserEvent, field: &str, wrong: &mut Violations) {
    for (name, set) in [
        ("visitor_id", !event.visitor_id.is_empty()),
        ("user_id", !event.user_id.is_empty()),
        ("external_ids", !event.external_ids.is_empty()),
    ] {
        if set {
            let expected = "expected nothing, as the context says who did it; found a value";
            wrong.add(format!("{field}.{name}"), expected);
        }
    }
}

/// What only a written event may say of its products, by their numbers.
fn unkept(event: &UserEvent) -> Vec<(usize, &'static str)> {
    let details = event.product_details.iter().enumerate();
    let fields = details.flat_map(|(number, detail)| {
        let variant = (!detail.variant_id.is_empty()).then_some((number, "variant_id"));
        let price = detail.price.is_some().then_some((number, "price"));
        variant.into_iter().chain(price)
    });
    fields.collect()
}

/// One event for each product of `event`, or one without a product, but for its id and who did it; notes what is wrong
/// with it.
pub(super) fn read(mut event: UserEvent, field: &str, wrong: &mut Violations) -> Vec<Event> {
    let at = |name: &str| format!("{field}.{name}");
    let Some(kind) = kind(&event, field, wrong) else {
        return Vec::new();
    };
    let time = timestamp(event.event_time, &at("event_time"), wrong);
    if event.event_time.is_none() {
        wrong.add(at("event_time"), "expected a time, found none");
    }
    check_products(&event, field, wrong);
    check_rating(&event, &kind, field, wrong);
    let attributes = extras::read(&mut event, field, wrong);
    let consent = names::consent(event.consent, &at("consent"), wrong);
    let template = Event {
        kind,
        time,
        channel: names::channel(event.channel, &at("channel"), wrong),
        place: (!event.place_id.is_empty()).then_some(event.place_id),
        session: (!event.session_id.is_empty()).then_some(event.session_id),
        rating: event.rating,
        consent: names::stored_consent(consent),
        quantity: 1.0,
        attributes,
        ..Event::default()
    };
    let mut parts = shown(event.impression, &at("impression"), wrong);
    parts.extend(details(
        event.product_details,
        &at("product_details"),
        wrong,
    ));
    if parts.is_empty() {
        return vec![template];
    }
    let parts = parts.into_iter().map(|part| part.of(&template));
    parts.collect()
}

/// What an event says of one of its products.
struct Part {
    item: String,
    quantity: f32,
    price: Option<f64>,
    attributes: BTreeMap<String, String>,
}

impl Part {
    fn of(self, template: &Event) -> Event {
        let mut event = Event {
            item: Some(self.item),
            quantity: self.quantity,
            price: self.price,
            ..template.clone()
        };
        event.attributes.extend(self.attributes);
        event
    }
}

/// The products of a list that came into view.
fn shown(impression: Option<proto::Impression>, field: &str, wrong: &mut Violations) -> Vec<Part> {
    let Some(impression) = impression else {
        return Vec::new();
    };
    let items = impression.items;
    if items.is_empty() {
        let none = "expected at least one product, found none";
        wrong.add(format!("{field}.items"), none);
    }
    wrong.bound(&format!("{field}.items"), items.len(), MAX_PRODUCTS);
    let viewed = match usize::try_from(impression.viewed_count) {
        Ok(0) => items.len(),
        Ok(viewed) if viewed <= items.len() => viewed,
        _ => {
            let found = impression.viewed_count;
            let expected = format!("expected 0 to {}, found {found}", items.len());
            wrong.add(format!("{field}.viewed_count"), expected);
            0
        }
    };
    let mut seen = HashSet::new();
    let mut parts = Vec::new();
    for (number, item) in (0..).zip(items) {
        let at = format!("{field}.items[{number}]");
        let unique = seen.insert(item.product_id.clone());
        if item.product_id.is_empty() || !unique {
            let found = if unique { "none" } else { "one of before" };
            let expected = format!("expected a key of its own, found {found}");
            wrong.add(format!("{at}.product_id"), expected);
        }
        parts.push(Part {
            attributes: extras::of_shown(&item, number + 1, &at, wrong),
            item: item.product_id,
            quantity: 1.0,
            price: None,
        });
    }
    parts.truncate(viewed);
    parts
}

/// The products of an event.
fn details(details: Vec<proto::ProductDetail>, field: &str, wrong: &mut Violations) -> Vec<Part> {
    check_keys_and_quantities(&details, field, wrong);
    let mut parts = Vec::with_capacity(details.len());
    for (number, detail) in details.into_iter().enumerate() {
        let mut attributes = BTreeMap::new();
        extras::put(&mut attributes, extras::VARIANT, detail.variant_id);
        let price = detail.price.and_then(|price| {
            amounts::not_negative(price, &format!("{field}[{number}].price"), wrong)
        });
        if let Some(price) = &price {
            attributes.insert(extras::PRICE.to_owned(), price.to_string());
        }
        parts.push(Part {
            item: detail.product_id,
            quantity: detail.quantity.unwrap_or(1.0),
            price: price.map(|price| price.amount()),
            attributes,
        });
    }
    parts
}

/// Checks that there are the products that events of this type have.
fn check_products(event: &UserEvent, field: &str, wrong: &mut Violations) {
    let found = event.product_details.len();
    let at = format!("{field}.product_details");
    let (none_needed, none_allowed) = match event.event_type() {
        EventType::CategoryView | EventType::HomeView => (true, true),
        EventType::Search | EventType::CartView | EventType::Custom => (true, false),
        EventType::Unspecified
        | EventType::ViewItem
        | EventType::ViewItemList
        | EventType::Click
        | EventType::AddToCart
        | EventType::RemoveFromCart
        | EventType::Purchase
        | EventType::Return
        | EventType::AddToWishlist
        | EventType::Rate
        | EventType::Dislike
        | EventType::Hide
        | EventType::Scan
        | EventType::CallInquiry
        | EventType::TryOn => (event.impression.is_some(), event.impression.is_some()),
    };
    if event.impression.is_some() && event.event_type() != EventType::ViewItemList {
        let expected = "expected one for EVENT_TYPE_VIEW_ITEM_LIST only, found one";
        wrong.add(format!("{field}.impression"), expected);
    }
    if found == 0 && !none_needed {
        wrong.add(at, "expected at least one product, found none");
    } else if found > 0 && none_allowed {
        wrong.add(at, format!("expected no product, found {found}"));
    }
}

fn kind(event: &UserEvent, field: &str, wrong: &mut Violations) -> Option<EventKind> {
    let custom = &event.custom_event_type;
    let event_type = EventType::try_from(event.event_type).ok();
    let kind = event_type.and_then(|event_type| names::event_kind(event_type, custom));
    if kind.is_none() {
        let found = format!("expected an EventType, found {}", event.event_type);
        wrong.add(format!("{field}.event_type"), found);
    }
    if (event_type == Some(EventType::Custom)) == custom.is_empty() {
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

fn check_keys_and_quantities(
    details: &[proto::ProductDetail],
    field: &str,
    wrong: &mut Violations,
) {
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
    }
}

/// Keys and quantities of the products of a page; notes what is wrong with them.
pub(crate) fn products(
    details: Vec<proto::ProductDetail>,
    field: &str,
    wrong: &mut Violations,
) -> impl Iterator<Item = (String, f32)> {
    check_keys_and_quantities(&details, field, wrong);
    for (number, detail) in details.iter().enumerate() {
        if !detail.variant_id.is_empty() {
            wrong.refuse_if(true, &format!("{field}[{number}].variant_id"));
        }
        if detail.price.is_some() {
            wrong.refuse_if(true, &format!("{field}[{number}].price"));
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

/// A point in time as the wire says it.
pub(crate) fn wire_time(time: Timestamp) -> prost_types::Timestamp {
    let nanos = time.0.rem_euclid(1000) * 1_000_000;
    prost_types::Timestamp {
        seconds: time.0.div_euclid(1000),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

/// A length of time; none if it is negative or none at all. The conversion of the generated type overflows on some.
pub(crate) fn length(time: prost_types::Duration) -> Option<std::time::Duration> {
    let seconds = u64::try_from(time.seconds).ok()?;
    let nanos = u32::try_from(time.nanos).ok()?;
    (nanos < 1_000_000_000).then(|| std::time::Duration::new(seconds, nanos))
}

/// 0001-01-01T00:00:00Z, the first time that the wire's Timestamp can mean.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z, the last.
const LAST_SECOND: i64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_length_of_time_is_a_fault() {
        let read = |seconds, nanos| length(prost_types::Duration { seconds, nanos });
        let half = std::time::Duration::from_millis(1500);
        assert_eq!(read(1, 500_000_000), Some(half));
        for (seconds, nanos) in [(-1, 0), (0, -1), (i64::MIN, i32::MIN), (0, 1_000_000_000)] {
            assert_eq!(read(seconds, nanos), None, "{seconds} {nanos}");
        }
        assert!(read(i64::MAX, 999_999_999).is_some());
    }
}
