//! Events to be written, and stored events as they are listed.

use recommender_core::Timestamp;
use recommender_core::events::{Event, EventKind};
use recommender_store::identity::Namespace;
use recommender_store::record::Batch;
use recommender_store::store::Submission;

use crate::convert::violations::Violations;
use crate::convert::{events, extras, identities, names};
use crate::proto::{ProductDetail, UserEvent};
use crate::settings::EventSettings;

/// An event to be written.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// Its key.
    pub(crate) id: String,
    /// One for each product.
    pub(crate) submissions: Vec<Submission>,
}

/// What a written event is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// Which types there may be.
    pub(crate) events: &'a EventSettings,
    /// When it is received.
    pub(crate) now: Timestamp,
}

/// The event that is to be written, or everything that is wrong with it; `new_id` makes a key for one without.
pub(crate) fn written(
    event: Option<UserEvent>,
    (field, rules): (&str, Rules<'_>),
    new_id: impl FnOnce() -> String,
) -> Result<Written, Violations> {
    let mut wrong = Violations::default();
    let Some(mut event) = event else {
        wrong.add(field, "expected an event, found none");
        return Err(wrong);
    };
    let products = event.product_details.len();
    wrong.bound(
        &format!("{field}.product_details"),
        products,
        events::MAX_PRODUCTS,
    );
    check_type(&event, field, rules.events, &mut wrong);
    let visitor = std::mem::take(&mut event.visitor_id);
    let at = format!("{field}.visitor_id");
    identities::identifier(Namespace::Visitor, &visitor, &at, &mut wrong);
    let identifiers = identifiers(&event, field, &mut wrong);
    let given = std::mem::take(&mut event.event_id);
    let id = if given.is_empty() { new_id() } else { given };
    event.event_time = event.event_time.or(Some(events::wire_time(rules.now)));
    let mut read = events::read(event, field, &mut wrong);
    for (number, event) in read.iter_mut().enumerate() {
        event.id = Some(events::part_id(&id, number));
        event.visitor.clone_from(&visitor);
    }
    let read = storable(read, field, &mut wrong);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let submissions = read.into_iter().map(|event| Submission {
        event,
        identifiers: identifiers.clone(),
        ephemeral: false,
    });
    Ok(Written {
        id,
        submissions: submissions.collect(),
    })
}

/// What else the visitor is known by.
fn identifiers(
    event: &UserEvent,
    field: &str,
    wrong: &mut Violations,
) -> Vec<recommender_store::identity::Identifier> {
    let at = format!("{field}.external_ids");
    let mut identifiers = identities::of_externals(&event.external_ids, &at, wrong);
    if !event.user_id.is_empty() {
        let at = format!("{field}.user_id");
        let account = identities::identifier(Namespace::Account, &event.user_id, &at, wrong);
        identifiers.extend(account);
    }
    identifiers
}

/// Refuses a type of the operator's own that no model is known to weigh: one such event would leave its person
/// without answers, and the models without training.
fn check_type(event: &UserEvent, field: &str, rules: &EventSettings, wrong: &mut Violations) {
    let name = &event.custom_event_type;
    if !name.is_empty() && !rules.custom_types.contains(name) {
        let known: Vec<&str> = rules.custom_types.iter().map(String::as_str).collect();
        let expected = match &known[..] {
            [] => "none, as the server's custom_event_types are empty".to_owned(),
            known => format!("one of {}", known.join(", ")),
        };
        let found = format!("expected {expected}; found {name:?}");
        wrong.add(format!("{field}.custom_event_type"), found);
    }
}

/// Checks that the store can keep them.
fn storable(events: Vec<Event>, field: &str, wrong: &mut Violations) -> Vec<Event> {
    let batch = Batch {
        events,
        facts: Vec::new(),
    };
    // What is wrong by the contract's own rules is said in its own words.
    if wrong.is_empty()
        && let Err(error) = batch.validate()
    {
        wrong.add(field, error.to_string());
    }
    batch.events
}

/// Whether an event of a file may come in by its type.
pub(crate) fn is_known_type(event: &Event, rules: &EventSettings) -> bool {
    let EventKind::Custom(name) = &event.kind else {
        return true;
    };
    rules.custom_types.contains(&**name)
}

/// A stored event as it is listed.
pub(crate) fn stored(event: Event) -> UserEvent {
    let (event_type, custom_event_type) = names::event_type(&event.kind);
    let channel = event.channel.map(names::wire_channel);
    let product = event.item.map(|item| ProductDetail {
        product_id: item,
        quantity: Some(event.quantity),
        ..ProductDetail::default()
    });
    let mut listed = UserEvent {
        event_id: event.id.unwrap_or_default(),
        event_type: event_type.into(),
        visitor_id: event.visitor,
        session_id: event.session.unwrap_or_default(),
        channel: channel.unwrap_or_default().into(),
        place_id: event.place.unwrap_or_default(),
        event_time: event.time.map(events::wire_time),
        product_details: product.into_iter().collect(),
        rating: event.rating,
        consent: names::wire_consent(event.consent).into(),
        custom_event_type,
        ..UserEvent::default()
    };
    extras::put_back(event.attributes, &mut listed);
    listed
}

#[cfg(test)]
mod tests;
