use recommender_core::events::Event;

use super::*;
use crate::StoreError;
use crate::record::{EventOutcome, Fact, FactOutcome};

fn event(id: &str, visitor: &str, time: i64) -> Event {
    Event {
        id: Some(id.into()),
        visitor: visitor.into(),
        time: Some(Timestamp(time)),
        quantity: 1.0,
        ..Event::default()
    }
}

fn fact(key: &str, version: i64, value: Option<&str>) -> Fact {
    Fact {
        table: Table::Stock,
        key: key.into(),
        version,
        value: value.map(|value| value.as_bytes().to_vec()),
    }
}

fn write(engine: &MemoryEngine, events: Vec<Event>, facts: Vec<Fact>) -> Written {
    engine
        .write(Batch { events, facts })
        .unwrap()
        .wait()
        .unwrap()
}

fn ids(events: &[StoredEvent]) -> Vec<&str> {
    let ids = events.iter().map(|stored| stored.event.id.as_deref());
    ids.map(Option::unwrap).collect()
}

#[test]
fn events_land_where_their_time_says_and_an_id_counts_once() {
    let engine = MemoryEngine::default();
    let events = vec![
        event("late", "ann", 5),
        event("early", "ann", 1),
        event("twin", "ann", 5),
        event("late", "bob", 2),
    ];
    let written = write(&engine, events, Vec::new());
    assert_eq!(
        written.events[2..],
        [EventOutcome::Stored, EventOutcome::Duplicate]
    );
    assert_eq!(
        ids(&engine.recent("ann", 9).unwrap()),
        ["early", "late", "twin"]
    );
    assert_eq!(ids(&engine.recent("ann", 2).unwrap()), ["late", "twin"]);
    assert!(engine.recent("bob", 9).unwrap().is_empty());
}

#[test]
fn the_larger_version_stands_even_where_the_value_was_taken_away() {
    let engine = MemoryEngine::default();
    write(
        &engine,
        Vec::new(),
        vec![fact("cup", 5, Some("5")), fact("mug", 1, Some("1"))],
    );
    let taken = write(&engine, Vec::new(), vec![fact("cup", 7, None)]);
    let late = write(&engine, Vec::new(), vec![fact("cup", 6, Some("6"))]);
    assert_eq!(late.facts, [FactOutcome::Stale]);
    let standing: Vec<_> = engine.facts(Table::Stock).unwrap().collect();
    assert_eq!(standing.len(), 1);
    let (changes, upto) = engine.changes(Position(2)).unwrap();
    assert_eq!(changes[0].fact, fact("cup", 7, None));
    assert_eq!((changes.len(), upto), (1, taken.position));
}

#[test]
fn what_was_forgotten_may_come_again() {
    let engine = MemoryEngine::default();
    let events = vec![event("a", "ann", 1), event("b", "bob", 1)];
    write(&engine, events, vec![fact("cup", 9, Some("9"))]);
    let oblivion = Oblivion {
        visitors: vec!["ann".into(), "nobody".into()],
        facts: vec![(Table::Stock, "cup".into())],
    };
    let forgotten = engine.forget(&oblivion).unwrap();
    assert_eq!((forgotten.events, forgotten.facts), (1, 1));
    let again = write(
        &engine,
        vec![event("a", "ann", 2)],
        vec![fact("cup", 1, None)],
    );
    assert_eq!(again.events, [EventOutcome::Stored]);
    assert_eq!(again.facts, [FactOutcome::Applied]);
    assert_eq!(engine.drop_before(Timestamp(2)).unwrap(), 1);
    assert_eq!(engine.verify().unwrap().events, 1);
}

#[test]
fn records_that_can_not_be_kept_are_refused() {
    let engine = MemoryEngine::default();
    let nameless = Event {
        id: None,
        ..event("", "ann", 1)
    };
    let odd = Event {
        price: Some(f64::NAN),
        ..event("a", "ann", 1)
    };
    for event in [
        nameless,
        odd,
        event("a", "", 1),
        event("a", &"x".repeat(2000), 1),
    ] {
        let batch = Batch {
            events: vec![event],
            facts: Vec::new(),
        };
        assert!(matches!(
            engine.write(batch),
            Err(StoreError::Invalid { .. })
        ));
    }
    assert_eq!(engine.position(), Position(0));
}
