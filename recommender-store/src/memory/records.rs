//! The records and their order.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use recommender_core::Timestamp;
use recommender_core::events::Event;

use crate::engine::Contents;
use crate::record::{
    Batch, EventOutcome, Fact, FactOutcome, Forgotten, Oblivion, Position, Span, StoredEvent,
    StoredFact, Table, Written,
};

/// Events of a visitor, in the order of their times, those of one moment in the order they were written.
type Timeline = BTreeMap<(Timestamp, Position), Event>;

/// Everything that was written and not forgotten.
#[derive(Debug, Default)]
pub(super) struct Records {
    position: Position,
    ids: BTreeSet<String>,
    visitors: BTreeMap<String, Timeline>,
    facts: BTreeMap<(Table, String), StoredFact>,
    /// Which fact was written last at a position.
    changed: BTreeMap<Position, (Table, String)>,
}

impl Records {
    pub(super) fn write(&mut self, batch: Batch) -> Written {
        let events = batch.events.into_iter();
        let events = events.map(|event| self.write_event(event)).collect();
        let facts = batch.facts.into_iter();
        let facts = facts.map(|fact| self.write_fact(fact)).collect();
        Written {
            position: self.position,
            events,
            facts,
        }
    }

    fn write_event(&mut self, event: Event) -> EventOutcome {
        let id = event.id.clone().unwrap_or_default();
        if !self.ids.insert(id) {
            return EventOutcome::Duplicate;
        }
        self.position.0 += 1;
        self.place_event(self.position, event);
        EventOutcome::Stored
    }

    fn place_event(&mut self, position: Position, event: Event) {
        let place = (event.time.unwrap_or_default(), position);
        let timeline = self.visitors.entry(event.visitor.clone()).or_default();
        timeline.insert(place, event);
    }

    /// Puts an event where a snapshot had it.
    pub(super) fn put_event(&mut self, position: Position, event: Event) {
        self.ids.insert(event.id.clone().unwrap_or_default());
        self.place_event(position, event);
    }

    /// Puts a fact where a snapshot had it.
    pub(super) fn put_fact(&mut self, position: Position, fact: Fact) {
        let name = (fact.table, fact.key.clone());
        self.changed.insert(position, name.clone());
        self.facts.insert(name, StoredFact { position, fact });
    }

    /// Goes on after `position`.
    pub(super) fn set_position(&mut self, position: Position) {
        self.position = position;
    }

    fn write_fact(&mut self, fact: Fact) -> FactOutcome {
        let position = Position(self.position.0 + 1);
        let name = (fact.table, fact.key.clone());
        match self.facts.entry(name.clone()) {
            Entry::Occupied(known) if known.get().fact.version > fact.version => {
                return FactOutcome::Stale;
            }
            Entry::Occupied(mut known) => {
                let before = known.insert(StoredFact { position, fact });
                self.changed.remove(&before.position);
            }
            Entry::Vacant(place) => {
                place.insert(StoredFact { position, fact });
            }
        }
        self.position = position;
        self.changed.insert(position, name);
        FactOutcome::Applied
    }

    pub(super) fn recent(&self, visitor: &str, limit: usize) -> Vec<StoredEvent> {
        let timeline = self.visitors.get(visitor).into_iter().flatten();
        let mut latest: Vec<StoredEvent> = timeline.rev().take(limit).map(stored).collect();
        latest.reverse();
        latest
    }

    pub(super) fn events(&self, span: Span) -> Vec<StoredEvent> {
        let events = self.visitors.values().flatten();
        let within = events.filter(|((time, _), _)| span.contains(*time));
        within.map(stored).collect()
    }

    pub(super) fn facts(&self, table: Table) -> Vec<StoredFact> {
        let facts = self.facts.range((table, String::new())..);
        let of_table = facts.take_while(|((found, _), _)| *found == table);
        let with_value = of_table.filter(|(_, stored)| stored.fact.value.is_some());
        with_value.map(|(_, stored)| stored.clone()).collect()
    }

    /// The facts of all tables, with those that have no value.
    pub(super) fn all_facts(&self) -> Vec<StoredFact> {
        self.facts.values().cloned().collect()
    }

    pub(super) fn changes(&self, after: Position) -> (Vec<StoredFact>, Position) {
        let later = (Bound::Excluded(after), Bound::Unbounded);
        let names = self.changed.range(later).map(|(_, name)| name);
        let facts = names.filter_map(|name| self.facts.get(name).cloned());
        (facts.collect(), self.position.max(after))
    }

    pub(super) fn forget(&mut self, oblivion: &Oblivion) -> Forgotten {
        let mut forgotten = Forgotten::default();
        for visitor in &oblivion.visitors {
            for event in self.visitors.remove(visitor).unwrap_or_default().values() {
                forgotten.events += 1;
                self.forget_id(event);
            }
        }
        for name in &oblivion.facts {
            if let Some(stored) = self.facts.remove(name) {
                forgotten.facts += 1;
                self.changed.remove(&stored.position);
            }
        }
        forgotten
    }

    pub(super) fn drop_before(&mut self, time: Timestamp) -> u64 {
        let mut dropped = 0;
        for timeline in self.visitors.values_mut() {
            let kept = timeline.split_off(&(time, Position(0)));
            for event in std::mem::replace(timeline, kept).values() {
                dropped += 1;
                self.ids.remove(event.id.as_deref().unwrap_or_default());
            }
        }
        self.visitors.retain(|_, timeline| !timeline.is_empty());
        dropped
    }

    fn forget_id(&mut self, event: &Event) {
        self.ids.remove(event.id.as_deref().unwrap_or_default());
    }

    pub(super) fn contents(&self) -> Contents {
        let with_value = self
            .facts
            .values()
            .filter(|stored| stored.fact.value.is_some());
        Contents {
            events: self.ids.len() as u64,
            facts: with_value.count() as u64,
            bytes: 0,
        }
    }

    pub(super) fn position(&self) -> Position {
        self.position
    }
}

fn stored((&(_, position), event): (&(Timestamp, Position), &Event)) -> StoredEvent {
    StoredEvent {
        position,
        event: event.clone(),
    }
}
