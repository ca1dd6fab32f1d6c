//! What the shopper did: read from the store, and merged with what the request tells.

use recommender_core::Timestamp;
use recommender_core::events::{Consent, Event};
use recommender_store::Store;
use recommender_store::identity::Identifier;
use recommender_store::join::with_history;
use recommender_store::record::StoredEvent;
use rustc_hash::FxHashSet;

use crate::answering::Question;
use crate::status::Refusal;

/// What the store tells of a shopper.
#[derive(Debug, Clone, Default)]
pub(crate) enum Remembered {
    /// Nobody has looked yet; the thread that answers does.
    #[default]
    Unread,
    /// This.
    Read(Vec<StoredEvent>),
    /// Nothing, as it could not be read in time.
    Lost,
}

/// What parts an event's id from the number of its product, where an event of several products is stored as several.
const PRODUCT_OF: char = '#';

/// Whether she agrees that what is known of her is used: what she says with the question, and what she said before.
///
/// # Errors
/// If the store can't make pseudonyms of her keys.
pub(crate) fn consent(store: &Store, question: &Question) -> Result<Consent, Refusal> {
    let asker = &question.asker;
    let mut said = asker.consent;
    for identifier in &asker.identifiers {
        let before = store.consent(identifier)?;
        if before == Consent::Denied {
            return Ok(Consent::Denied);
        }
        if said == Consent::Unspecified {
            said = before;
        }
    }
    Ok(said)
}

/// Puts what the store and the request tell of the shopper into the question; says whether the store told anything.
pub(crate) fn recall(
    store: Option<&Store>,
    question: &mut Question,
    stored: Vec<StoredEvent>,
) -> Result<bool, Refusal> {
    let mut recent = std::mem::take(&mut question.asker.recent);
    let Some(store) = store else {
        question.engine.events = recent;
        return Ok(false);
    };
    let said = consent(store, question)?;
    let uses = |event: &Event| store.config().consent.uses(event.consent, said).served;
    recent.retain(uses);
    if !recent.is_empty() {
        let known: FxHashSet<&str> = stored.iter().flat_map(ids).collect();
        recent.retain(|event| event.id.as_deref().is_none_or(|id| !known.contains(id)));
    }
    let found = !stored.is_empty();
    let request = std::mem::take(&mut question.engine);
    question.engine = with_history(request, stored, &|_| true);
    let visit = kept_session(store, question);
    let events = &mut question.engine.events;
    if !recent.is_empty() {
        for event in &mut recent {
            // As the stored ones have it, so that one session is made of both.
            if event.session == question.asker.session {
                event.session.clone_from(&visit);
            }
        }
        events.append(&mut recent);
        events.sort_by_key(|event| event.time);
    }
    question.engine.session = session(events, visit.as_deref());
    Ok(found)
}

/// The id of a stored event, and that of the event whose second or later product it may be.
fn ids(stored: &StoredEvent) -> impl Iterator<Item = &str> {
    let id = stored.event.id.as_deref();
    let whole = id.map(whole_id).filter(|whole| Some(*whole) != id);
    id.into_iter().chain(whole)
}

/// The id of the event that a stored one of this id may be a later product of; else its own.
pub(crate) fn whole_id(id: &str) -> &str {
    let parts = id.rsplit_once(PRODUCT_OF);
    let parts = parts.filter(|(_, number)| number.parse::<u32>().is_ok());
    parts.map_or(id, |(whole, _)| whole)
}

/// The key of her visit as the store keeps it.
fn kept_session(store: &Store, question: &Question) -> Option<String> {
    let session = question.asker.session.clone()?;
    let visitor = question.asker.identifiers.first().map(Identifier::value);
    let mut event = Event {
        visitor: visitor.unwrap_or_default().to_owned(),
        session: Some(session),
        ..Event::default()
    };
    // It replaces keys by pseudonyms where the store has them; whether the event would be stored does not matter.
    let _ = store.admit(&mut event);
    event.session
}

/// The products of a visit, oldest first, unless they were merely shown, found, removed, returned or refused.
pub(super) fn session(events: &[Event], visit: Option<&str>) -> Vec<String> {
    let Some(visit) = visit else {
        return Vec::new();
    };
    let current = |event: &&Event| event.session.as_deref() == Some(visit);
    let wanted = |event: &&Event| event.kind.shows_interest();
    let events = events.iter().filter(current).filter(wanted);
    let item = |event: &Event| Some((event.time.unwrap_or_default(), event.item.clone()?));
    let mut items: Vec<(Timestamp, String)> = events.filter_map(item).collect();
    // Stable, so that products of one event stay in their order.
    items.sort_by_key(|&(time, _)| time);
    items.into_iter().map(|(_, item)| item).collect()
}
