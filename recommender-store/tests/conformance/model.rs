//! An engine that is obviously right: ordered maps behind a lock, and nothing on disk.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use recommender_core::Timestamp;
use recommender_core::events::Event;
use recommender_store::engine::{Contents, Events, Facts, Status};
use recommender_store::record::{
    Batch, EventOutcome, Fact, FactOutcome, Forgotten, Oblivion, Position, Span, StoredEvent,
    StoredFact, Table, Written,
};
use recommender_store::{Engine, Result, StoreError, Ticket};

use crate::bench::{Bench, Stand};

/// What is known.
#[derive(Debug, Clone, Default)]
struct Records {
    position: u64,
    /// By visitor, time and position: the order in which they are read.
    events: BTreeMap<(String, Timestamp, Position), Event>,
    facts: BTreeMap<(Table, String), StoredFact>,
}

/// The model; its clones are of one store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    records: Arc<Mutex<Records>>,
    snapshots: Arc<Mutex<HashMap<PathBuf, Records>>>,
}

impl Model {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap()
    }
}

impl Records {
    fn next(&mut self) -> Position {
        self.position += 1;
        Position(self.position)
    }

    fn put_event(&mut self, event: Event) -> EventOutcome {
        if self.events.values().any(|known| known.id == event.id) {
            return EventOutcome::Duplicate;
        }
        let key = (event.visitor.clone(), event.time.unwrap(), self.next());
        self.events.insert(key, event);
        EventOutcome::Stored
    }

    fn put_fact(&mut self, fact: Fact) -> FactOutcome {
        let key = (fact.table, fact.key.clone());
        let known = self.facts.get(&key);
        if known.is_some_and(|known| known.fact.version > fact.version) {
            return FactOutcome::Stale;
        }
        let position = self.next();
        self.facts.insert(key, StoredFact { position, fact });
        FactOutcome::Applied
    }

    fn contents(&self) -> Contents {
        let with_value = self
            .facts
            .values()
            .filter(|stored| stored.fact.value.is_some());
        Contents {
            events: self.events.len() as u64,
            facts: with_value.count() as u64,
            bytes: 0,
        }
    }

    fn stored_events(&self) -> Vec<StoredEvent> {
        let stored = |(key, event): (&(String, Timestamp, Position), &Event)| StoredEvent {
            position: key.2,
            event: event.clone(),
        };
        self.events.iter().map(stored).collect()
    }

    fn keep_events(&mut self, keep: impl Fn(&Event) -> bool) -> u64 {
        let before = self.events.len();
        self.events.retain(|_, event| keep(event));
        (before - self.events.len()) as u64
    }
}

impl Engine for Model {
    fn write(&self, batch: Batch) -> Result<Ticket<Written>> {
        batch.validate()?;
        let mut records = self.records();
        let events = batch.events.into_iter();
        let events = events.map(|event| records.put_event(event)).collect();
        let facts = batch.facts.into_iter();
        let facts = facts.map(|fact| records.put_fact(fact)).collect();
        let (pending, ticket) = Ticket::new();
        pending.settle(Ok(Written {
            position: Position(records.position),
            events,
            facts,
        }));
        Ok(ticket)
    }

    fn recent(&self, visitor: &str, limit: usize) -> Result<Vec<StoredEvent>> {
        let mut events = self.records().stored_events();
        events.retain(|stored| stored.event.visitor == visitor);
        Ok(events.split_off(events.len().saturating_sub(limit)))
    }

    fn events(&self, span: Span) -> Result<Events<'_>> {
        let mut events = self.records().stored_events();
        events.retain(|stored| span.contains(stored.event.time.unwrap()));
        Ok(Box::new(events.into_iter().map(Ok)))
    }

    fn facts(&self, table: Table) -> Result<Facts<'_>> {
        let mut facts: Vec<StoredFact> = self.records().facts.values().cloned().collect();
        facts.retain(|stored| stored.fact.table == table && stored.fact.value.is_some());
        Ok(Box::new(facts.into_iter().map(Ok)))
    }

    fn changes(&self, after: Position) -> Result<(Vec<StoredFact>, Position)> {
        let records = self.records();
        let mut facts: Vec<StoredFact> = records.facts.values().cloned().collect();
        facts.retain(|stored| stored.position > after);
        Ok((facts, Position(records.position)))
    }

    fn forget(&self, oblivion: &Oblivion) -> Result<Forgotten> {
        let mut records = self.records();
        let before = records.facts.len();
        records.facts.retain(|key, _| !oblivion.facts.contains(key));
        Ok(Forgotten {
            facts: (before - records.facts.len()) as u64,
            events: records.keep_events(|event| !oblivion.visitors.contains(&event.visitor)),
        })
    }

    fn drop_before(&self, time: Timestamp) -> Result<u64> {
        Ok(self
            .records()
            .keep_events(|event| event.time.unwrap() >= time))
    }

    fn snapshot(&self, to: &Path) -> Result<Contents> {
        fs::create_dir(to).map_err(|error| StoreError::io(to, error))?;
        let records = self.records().clone();
        let contents = records.contents();
        self.snapshots.lock().unwrap().insert(to.into(), records);
        Ok(contents)
    }

    fn verify(&self) -> Result<Contents> {
        Ok(self.records().contents())
    }

    fn position(&self) -> Position {
        Position(self.records().position)
    }

    fn status(&self) -> Result<Status> {
        Ok(Status {
            engine: "model".into(),
            position: self.position(),
            contents: self.records().contents(),
            waiting: 0,
            refusing: None,
        })
    }
}

/// Opens models.
#[derive(Debug)]
pub(crate) struct ModelBench;

impl Bench for ModelBench {
    fn open(&self) -> Box<dyn Stand> {
        Box::new(Model::default())
    }

    fn sequences(&self) -> u32 {
        200
    }
}

impl Stand for Model {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(self.clone())
    }

    fn reopen(&mut self) {}

    fn restore(&self, snapshot: &Path) -> Box<dyn Stand> {
        let records = self.snapshots.lock().unwrap()[snapshot].clone();
        let records = Arc::new(Mutex::new(records));
        Box::new(Self {
            records,
            snapshots: Arc::clone(&self.snapshots),
        })
    }
}
