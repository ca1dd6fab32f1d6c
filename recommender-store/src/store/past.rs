//! What a person had done by some moment, as far as it may be learned from.

use recommender_core::Timestamp;

use crate::error::Result;
use crate::identity::Identifier;
use crate::record::StoredEvent;
use crate::stances;
use crate::store::Store;

impl Store {
    /// The latest events of the person of a stored visitor, of all visitors that are hers by now: by time and those of one
    /// moment by position, oldest first, at most `limit`, and only those that may be learned from. The key is taken as
    /// events of the store have it: a pseudonym, where the store has them.
    ///
    /// # Errors
    /// If the events can't be read.
    pub fn learned_history(&self, visitor: &str, limit: usize) -> Result<Vec<StoredEvent>> {
        let learned = |stored: &StoredEvent| self.may_train(&stored.event);
        match Identifier::visitor(visitor) {
            Ok(identifier) => {
                let everyone = self.0.everyone(&[identifier]);
                self.0.events_of(&everyone, limit, learned)
            }
            // One that can't have links.
            Err(_) => self.0.latest(visitor, limit, learned),
        }
    }

    /// Of `events`, which one person did in the order of time, what [`Store::history`] would have told before `time`: the
    /// latest `limit`, and before them the refusals that stood then and are older.
    #[must_use]
    pub fn history_at(events: &[StoredEvent], time: Timestamp, limit: usize) -> Vec<StoredEvent> {
        let before = events.partition_point(|stored| stored.event.time.unwrap_or_default() < time);
        let older = before.saturating_sub(limit);
        let refusals = || events[..older].iter().filter(|it| stances::is_refusal(it));
        let mut history = Vec::new();
        if refusals().next().is_some() {
            let said = events[..before].iter().filter(|it| stances::outspoken(it));
            history = stances::standing(stances::among(said.cloned().collect()));
            history.retain(|standing| {
                refusals().any(|older| {
                    older.position == standing.position && older.event.id == standing.event.id
                })
            });
        }
        history.extend_from_slice(&events[older..before]);
        history
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use recommender_core::events::{Consent, Event, EventKind};

    use super::*;
    use crate::identity::Link;
    use crate::memory::MemoryEngine;
    use crate::store::{StoreConfig, Submission};

    fn event(time: i64, visitor: &str, (kind, item): (EventKind, &str)) -> Event {
        Event {
            id: Some(format!("{visitor}-{time}-{item}")),
            visitor: visitor.into(),
            item: Some(item.into()),
            kind,
            quantity: 1.0,
            time: Some(Timestamp(time)),
            ..Event::default()
        }
    }

    fn items(events: &[StoredEvent]) -> Vec<&str> {
        let items = events.iter().map(|stored| stored.event.item.as_deref());
        items.map(Option::unwrap).collect()
    }

    #[test]
    fn a_person_is_all_her_visitors_without_what_may_not_be_learned_from() {
        let engine = Arc::new(MemoryEngine::default());
        let store = Store::open(engine, StoreConfig::default()).unwrap();
        let mut denied = event(3, "till", (EventKind::View, "mug"));
        denied.consent = Consent::Denied;
        let events = [
            event(2, "till", (EventKind::Purchase, "pot")),
            denied,
            event(1, "phone", (EventKind::View, "cup")),
            event(1, "other", (EventKind::View, "lamp")),
        ];
        let events = events.into_iter().map(Submission::from).collect();
        store.write_events(events).unwrap().wait().unwrap();
        let visitor = |key| Identifier::visitor(key).unwrap();
        let link = Link {
            a: visitor("phone"),
            b: visitor("till"),
            evidence: "showed her card".into(),
            since: store.now(),
            by: "till 7".into(),
        };
        store.link(vec![link]).unwrap().wait().unwrap();
        for key in ["phone", "till"] {
            let found = store.learned_history(key, 10).unwrap();
            assert_eq!(items(&found), ["cup", "pot"]);
        }
        assert_eq!(items(&store.learned_history("till", 1).unwrap()), ["pot"]);
        assert!(store.learned_history("nobody", 10).unwrap().is_empty());
    }

    #[test]
    fn the_history_of_a_moment_knows_nothing_later_and_the_refusals_of_before() {
        use EventKind::{Hide, Purchase, View};
        let engine = Arc::new(MemoryEngine::default());
        let store = Store::open(engine, StoreConfig::default()).unwrap();
        let events = [
            (1, (Hide, "cup")),
            (2, (Hide, "pot")),
            (3, (View, "a")),
            (4, (Purchase, "pot")),
            (5, (View, "b")),
            (6, (View, "c")),
        ];
        let events = events.map(|(time, what)| Submission::from(event(time, "ann", what)));
        store.write_events(events.into()).unwrap().wait().unwrap();
        let all = store.learned_history("ann", usize::MAX).unwrap();
        let at = |time, limit| Store::history_at(&all, Timestamp(time), limit);
        assert_eq!(items(&at(6, 2)), ["cup", "pot", "b"]);
        assert_eq!(items(&at(4, 1)), ["cup", "pot", "a"]);
        assert_eq!(items(&at(3, 5)), ["cup", "pot"]);
        assert!(at(1, 5).is_empty());
        for limit in 1..7 {
            let whole = store.history(&[Identifier::visitor("ann").unwrap()], limit);
            assert_eq!(at(7, limit), whole.unwrap(), "{limit}");
        }
    }
}
