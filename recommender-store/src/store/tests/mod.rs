mod catalogue;
mod consent;
mod convergence;
mod events;
mod filters;
mod identities;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use recommender_core::Timestamp;
use recommender_core::events::{Consent, Event};

use super::*;
use crate::clock::Clock;
use crate::identity::{Identifier, Link};
use crate::memory::MemoryEngine;
use crate::privacy::ConsentRecord;
use crate::record::{FactOutcome, StoredEvent};

/// A clock that stands where it is put.
#[derive(Debug)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

impl Hands {
    fn put(&self, time: i64) {
        self.0.store(time, Ordering::Relaxed);
    }
}

const NOON: i64 = 1_000_000_000;

fn clock() -> Arc<Hands> {
    Arc::new(Hands(AtomicI64::new(NOON)))
}

fn opened(engine: &Arc<MemoryEngine>, config: StoreConfig) -> Store {
    let engine = Arc::clone(engine) as Arc<dyn Engine>;
    let around = Surroundings {
        clock: clock(),
        ..Surroundings::default()
    };
    Store::open_with(engine, config, around).unwrap()
}

fn fresh() -> Store {
    opened(&Arc::default(), StoreConfig::default())
}

fn identifier(text: &str) -> Identifier {
    text.parse().unwrap()
}

fn event(id: &str, visitor: &str, time: i64) -> Event {
    Event {
        id: Some(id.into()),
        visitor: visitor.into(),
        item: Some("cup".into()),
        time: Some(Timestamp(time)),
        quantity: 1.0,
        ..Event::default()
    }
}

fn write(store: &Store, events: Vec<Event>) -> Vec<SubmissionOutcome> {
    let submissions = events.into_iter().map(Submission::from).collect();
    store
        .write_events(submissions)
        .unwrap()
        .wait()
        .unwrap()
        .outcomes
}

fn link(a: &str, b: &str) -> Link {
    Link {
        a: identifier(a),
        b: identifier(b),
        evidence: "logged in".into(),
        since: Timestamp(0),
        by: "web".into(),
    }
}

fn linked(store: &Store, a: &str, b: &str) {
    let outcomes = store.link(vec![link(a, b)]).unwrap().wait().unwrap();
    assert_eq!(outcomes, [crate::identity::LinkOutcome::Linked]);
}

fn said(consent: Consent, time: i64) -> ConsentRecord {
    ConsentRecord {
        consent,
        time: Timestamp(time),
        by: "call centre".into(),
        evidence: "form 7".into(),
    }
}

fn consented(store: &Store, of: &str, record: ConsentRecord) -> FactOutcome {
    store
        .set_consent(&identifier(of), record)
        .unwrap()
        .wait()
        .unwrap()
}

fn ids(events: &[StoredEvent]) -> Vec<&str> {
    let ids = events.iter().map(|stored| stored.event.id.as_deref());
    ids.map(Option::unwrap).collect()
}

fn history(store: &Store, of: &[&str]) -> Vec<String> {
    let of: Vec<Identifier> = of.iter().map(|text| identifier(text)).collect();
    let events = store.history(&of, 50).unwrap();
    ids(&events).into_iter().map(str::to_owned).collect()
}
