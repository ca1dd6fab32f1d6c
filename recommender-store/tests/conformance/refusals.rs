//! What is refused, and that nothing else is.

use std::collections::BTreeMap;

use recommender_core::events::{Event, EventKind};
use recommender_store::record::{Batch, Fact, MAX_KEY_BYTES, MAX_RECORD_BYTES, Span};
use recommender_store::{Engine, StoreError};

use crate::bench::{
    Bench, all_ids, event, events, fact, facts, recent_ids, visitor, write, write_events,
};
use recommender_store::record::Table;

fn refused(engine: &dyn Engine, what: &str, batch: Batch) {
    let answer = engine.write(batch);
    let Err(StoreError::Invalid { what: said, .. }) = &answer else {
        panic!("expected a refusal that names {what}, found {answer:?}");
    };
    assert!(
        said.contains(what),
        "expected {what} to be named, found {said}"
    );
}

fn refused_event(engine: &dyn Engine, what: &str, spoil: impl FnOnce(&mut Event)) {
    let mut spoilt = event("2", "ann", 5);
    spoil(&mut spoilt);
    let batch = Batch {
        events: vec![event("1", "ann", 5), spoilt],
        facts: Vec::new(),
    };
    refused(engine, what, batch);
}

fn refused_fact(engine: &dyn Engine, what: &str, fact: Fact) {
    let batch = Batch {
        events: vec![event("1", "ann", 5)],
        facts: vec![fact],
    };
    refused(engine, what, batch);
}

pub(crate) fn what_can_not_be_kept_is_refused(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = &*stand.engine();
    let long = "x".repeat(MAX_KEY_BYTES + 1);
    refused_event(engine, "id", |event| event.id = None);
    refused_event(engine, "time", |event| event.time = None);
    refused_event(engine, "quantity", |event| event.quantity = f32::NAN);
    refused_event(engine, "quantity", |event| event.quantity = 0.0);
    refused_event(engine, "price", |event| event.price = Some(f64::INFINITY));
    refused_event(engine, "price", |event| event.price = Some(-1.0));
    refused_event(engine, "rating", |event| event.rating = Some(f32::NAN));
    for wrong in ["", "a\0b", &long] {
        let key = || Some(wrong.to_string());
        refused_event(engine, "id", |event| event.id = key());
        refused_event(engine, "visitor", |event| event.visitor = wrong.into());
        refused_event(engine, "item", |event| event.item = key());
        refused_event(engine, "place", |event| event.place = key());
        refused_event(engine, "session", |event| event.session = key());
        refused_event(engine, "kind", |event| {
            event.kind = EventKind::Custom(wrong.into())
        });
        let named = BTreeMap::from([(wrong.to_string(), String::new())]);
        refused_event(engine, "attribute", |event| event.attributes = named);
        refused_fact(engine, "key", fact(wrong, 0, "value"));
    }
    let attribute = |value: &str| BTreeMap::from([("a".to_string(), value.to_string())]);
    refused_event(engine, "attribute", |event| {
        event.attributes = attribute("a\0b")
    });
    let huge = "x".repeat(MAX_RECORD_BYTES + 1);
    refused_event(engine, "texts", |event| event.attributes = attribute(&huge));
    refused_fact(engine, "value", fact("cup", 0, &huge));
}

pub(crate) fn a_refused_batch_leaves_nothing(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = &*stand.engine();
    let before = engine.position();
    refused_event(engine, "id", |event| event.id = None);
    refused_fact(engine, "key", fact("", 0, "value"));
    assert_eq!(all_ids(engine), [""; 0]);
    assert_eq!(engine.position(), before);
    write_events(engine, vec![event("1", "ann", 5)]);
    assert_eq!(all_ids(engine), ["1"], "it goes on after a refusal");
}

pub(crate) fn the_largest_record_is_kept(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = &*stand.engine();
    let key = "k".repeat(MAX_KEY_BYTES);
    let mut largest = Event {
        item: Some(key.clone()),
        place: Some(key.clone()),
        session: Some(key.clone()),
        kind: EventKind::Custom(key.as_str().into()),
        ..event(&key, &key, 5)
    };
    // The longest there is once written as JSON: each control character is escaped by six.
    let room = MAX_RECORD_BYTES - 5 * MAX_KEY_BYTES - 1;
    largest.attributes = BTreeMap::from([("a".to_string(), "\u{1}".repeat(room))]);
    let value = fact(&key, 0, &"v".repeat(MAX_RECORD_BYTES));
    write(engine, vec![largest.clone()], vec![value.clone()]);
    assert!(
        events(engine, Span::default()) == [largest],
        "the event is the same"
    );
    assert!(
        facts(engine, Table::Product) == [value],
        "the fact is the same"
    );
}

pub(crate) fn an_empty_batch_is_settled(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = &*stand.engine();
    let before = write(engine, vec![event("1", "ann", 5)], Vec::new()).position;
    let written = write(engine, Vec::new(), Vec::new());
    assert!(written.position >= before);
    assert_eq!((written.events.len(), written.facts.len()), (0, 0));
}

pub(crate) fn keys_that_can_not_be_there_are_not_found(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = &*stand.engine();
    write_events(engine, vec![event("1", "ann", 5)]);
    let long = "x".repeat(10 * MAX_KEY_BYTES);
    for key in ["", "ann\0", "\0", &long] {
        assert_eq!(recent_ids(engine, key, 9), [""; 0]);
        let mut oblivion = visitor(key);
        oblivion.facts.push((Table::Product, key.to_string()));
        let forgotten = engine.forget(&oblivion).unwrap();
        assert_eq!((forgotten.events, forgotten.facts), (0, 0));
    }
    assert_eq!(all_ids(engine), ["1"]);
}
