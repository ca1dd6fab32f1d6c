//! What persons said for and against products, picked out of all that they did: refusals hold however much came after
//! them.

use recommender_core::Timestamp;
use recommender_core::events::{Stance, refused};

use crate::record::StoredEvent;

/// Most events by which a person is known to refuse products or to take them up again; of more, the latest count.
pub const MOST_STANCES: usize = 10_000;

/// Most products that a person is known to refuse; of more, the latest refused count.
pub const MOST_REFUSED: usize = 1_000;

/// The events that say something for or against a product.
pub(crate) fn outspoken(event: &StoredEvent) -> bool {
    stance(event).is_some()
}

fn stance(stored: &StoredEvent) -> Option<Stance> {
    let event = &stored.event;
    event.item.as_ref()?;
    Stance::of(&event.kind, event.rating)
}

/// Whether an event refuses its product.
pub(crate) fn is_refusal(stored: &StoredEvent) -> bool {
    stance(stored) == Some(Stance::Refuses)
}

/// The latest [`MOST_STANCES`] of `events` that say something for or against a product, by time, then position; none if
/// none of them is a refusal.
pub(crate) fn among(mut events: Vec<StoredEvent>) -> Vec<StoredEvent> {
    if !events.iter().any(is_refusal) {
        return Vec::new();
    }
    events.retain(outspoken);
    events.sort_by_key(|stored| (stored.event.time, stored.position));
    events.drain(..events.len().saturating_sub(MOST_STANCES));
    events
}

/// The events by which products are refused for good so far, the last for each, out of what one person said in the order
/// of time; of more than [`MOST_REFUSED`] the latest.
pub(crate) fn standing(mut events: Vec<StoredEvent>) -> Vec<StoredEvent> {
    let said = events.iter().filter_map(|stored| {
        let (event, stance) = (&stored.event, stance(stored)?);
        Some((
            event.item.as_deref()?,
            event.time.unwrap_or_default(),
            stance,
        ))
    });
    let said: Vec<(&str, Timestamp, Stance)> = said.collect();
    let mut refused: Vec<String> = refused(said).into_iter().map(str::to_owned).collect();
    events.retain(is_refusal);
    let mut latest = Vec::with_capacity(refused.len());
    for stored in events.into_iter().rev() {
        let item = stored.event.item.as_deref().unwrap_or_default();
        if latest.len() == MOST_REFUSED {
            break;
        }
        if let Ok(place) = refused.binary_search_by(|key| key.as_str().cmp(item)) {
            refused.remove(place);
            latest.push(stored);
        }
    }
    latest.reverse();
    latest
}

#[cfg(test)]
mod tests {
    use recommender_core::events::{Event, EventKind};

    use super::*;
    use crate::record::Position;

    fn stored(kind: EventKind, item: &str, time: u64) -> StoredEvent {
        StoredEvent {
            position: Position(time),
            event: Event {
                kind,
                item: Some(item.into()),
                time: Some(Timestamp(time.cast_signed())),
                ..Event::default()
            },
        }
    }

    fn items(events: &[StoredEvent]) -> Vec<&str> {
        let items = events.iter().map(|stored| stored.event.item.as_deref());
        items.map(Option::unwrap).collect()
    }

    #[test]
    fn the_last_refusal_of_each_product_stands_unless_it_was_taken_up() {
        use EventKind::{Dislike, Hide, Purchase, View};
        let said = vec![
            stored(Hide, "cup", 1),
            stored(Hide, "pot", 2),
            stored(Dislike, "cup", 3),
            stored(Purchase, "pot", 4),
            stored(View, "cup", 5),
        ];
        let found = standing(among(said));
        assert_eq!(items(&found), ["cup"]);
        assert_eq!(found[0].event.kind, Dislike);
        assert!(among(vec![stored(Purchase, "pot", 4)]).is_empty());
    }

    #[test]
    fn of_very_many_the_latest_count() {
        let said = (0..MOST_STANCES as u64 + 10)
            .map(|number| stored(EventKind::Hide, &format!("{number:06}"), number));
        let said = among(said.rev().collect());
        assert_eq!((said.len(), said[0].position), (MOST_STANCES, Position(10)));
        let found = standing(said);
        assert_eq!(found.len(), MOST_REFUSED);
        assert_eq!(found[MOST_REFUSED - 1].position, Position(10_009));
    }
}
