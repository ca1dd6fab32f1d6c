//! What the tests stand on: an engine that can be opened again, and records to give it.

use std::path::Path;
use std::sync::Arc;

use recommender_core::Timestamp;
use recommender_core::events::{Event, EventKind};
use recommender_store::Engine;
use recommender_store::record::{
    Batch, EventOutcome, Fact, FactOutcome, Oblivion, Position, Span, Table, Written,
};

/// Opens engines of one sort.
pub(crate) trait Bench: Send + Sync {
    /// A new and empty store.
    fn open(&self) -> Box<dyn Stand>;

    /// How many random sequences it is put through.
    fn sequences(&self) -> u32;
}

/// A store with its engine.
pub(crate) trait Stand {
    /// The engine. Nobody may hold it when the store is reopened.
    fn engine(&self) -> Arc<dyn Engine>;

    /// Closes the engine and opens another on the same records.
    fn reopen(&mut self);

    /// A store made of a snapshot.
    fn restore(&self, snapshot: &Path) -> Box<dyn Stand>;
}

/// An event with what must be there.
pub(crate) fn event(id: &str, visitor: &str, time: i64) -> Event {
    Event {
        id: Some(id.into()),
        visitor: visitor.into(),
        item: Some("cup".into()),
        kind: EventKind::View,
        time: Some(Timestamp(time)),
        quantity: 1.0,
        ..Event::default()
    }
}

/// A fact about a product.
pub(crate) fn fact(key: &str, version: i64, value: &str) -> Fact {
    Fact {
        table: Table::Product,
        key: key.into(),
        version,
        value: Some(value.into()),
    }
}

/// Says that a product has no value any more.
pub(crate) fn no_fact(key: &str, version: i64) -> Fact {
    Fact {
        value: None,
        ..fact(key, version, "")
    }
}

/// Writes a batch and waits for it.
pub(crate) fn write(engine: &dyn Engine, events: Vec<Event>, facts: Vec<Fact>) -> Written {
    let ticket = engine.write(Batch { events, facts }).unwrap();
    ticket.wait().unwrap()
}

/// Writes events and gives what became of them.
pub(crate) fn write_events(engine: &dyn Engine, events: Vec<Event>) -> Vec<EventOutcome> {
    write(engine, events, Vec::new()).events
}

/// Writes facts and gives what became of them.
pub(crate) fn write_facts(engine: &dyn Engine, facts: Vec<Fact>) -> Vec<FactOutcome> {
    write(engine, Vec::new(), facts).facts
}

/// The latest events of a visitor.
pub(crate) fn recent(engine: &dyn Engine, visitor: &str, limit: usize) -> Vec<Event> {
    let events = engine.recent(visitor, limit).unwrap();
    events.into_iter().map(|stored| stored.event).collect()
}

/// The ids of the latest events of a visitor.
pub(crate) fn recent_ids(engine: &dyn Engine, visitor: &str, limit: usize) -> Vec<String> {
    ids(recent(engine, visitor, limit))
}

/// What visitors said for and against products.
pub(crate) fn stances(engine: &dyn Engine, visitors: &[&str]) -> Vec<Event> {
    let events = engine.stances(visitors).unwrap();
    events.into_iter().map(|stored| stored.event).collect()
}

/// All events of a span.
pub(crate) fn events(engine: &dyn Engine, span: Span) -> Vec<Event> {
    let events = engine.events(span).unwrap();
    events.map(|stored| stored.unwrap().event).collect()
}

/// The ids of all events.
pub(crate) fn all_ids(engine: &dyn Engine) -> Vec<String> {
    ids(events(engine, Span::default()))
}

fn ids(events: Vec<Event>) -> Vec<String> {
    events.into_iter().filter_map(|event| event.id).collect()
}

/// The facts of a table that have a value.
pub(crate) fn facts(engine: &dyn Engine, table: Table) -> Vec<Fact> {
    let facts = engine.facts(table).unwrap();
    facts.map(|stored| stored.unwrap().fact).collect()
}

/// Keys and values of the products.
pub(crate) fn products(engine: &dyn Engine) -> Vec<(String, String)> {
    let text = |fact: Fact| String::from_utf8(fact.value.unwrap()).unwrap();
    let facts = facts(engine, Table::Product).into_iter();
    facts.map(|fact| (fact.key.clone(), text(fact))).collect()
}

/// The facts written after `after`, by table and key, and where they end.
pub(crate) fn changes(engine: &dyn Engine, after: Position) -> (Vec<Fact>, Position) {
    let (facts, until) = engine.changes(after).unwrap();
    let mut facts: Vec<Fact> = facts.into_iter().map(|stored| stored.fact).collect();
    facts.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
    (facts, until)
}

/// Forgets a visitor.
pub(crate) fn visitor(key: &str) -> Oblivion {
    Oblivion {
        visitors: vec![key.into()],
        facts: Vec::new(),
    }
}

/// Owned pairs, to compare with.
pub(crate) fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(key, value)| (key.into(), value.into())).into()
}
