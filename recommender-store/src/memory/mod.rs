//! An engine that keeps nothing: for tests and trials.

mod records;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use recommender_core::Timestamp;

use crate::engine::{Contents, Engine, Events, Facts, Status};
use crate::error::Result;
use crate::memory::records::Records;
use crate::portable::{self, Reading};
use crate::record::{
    Batch, Forgotten, Oblivion, Position, Span, StoredEvent, StoredFact, Table, Written,
};
use crate::ticket::Ticket;

/// An [`Engine`] that keeps its records in the memory of the process and forgets them when it is dropped: for tests and
/// trials. It keeps every promise of an engine but those that name the disk. Its snapshots have the form of those of
/// [`postgres`](crate::postgres): each reads what the other wrote.
///
/// ```
/// use recommender_store::record::{Batch, Fact, Table};
/// use recommender_store::{Engine, MemoryEngine};
/// let engine = MemoryEngine::default();
/// let fact = Fact { table: Table::Place, key: "soho".into(), version: 0, value: Some(b"{}".to_vec()) };
/// engine.write(Batch { facts: vec![fact], ..Batch::default() })?.wait()?;
/// assert_eq!(engine.facts(Table::Place)?.count(), 1);
/// # Ok::<(), recommender_store::StoreError>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryEngine(Mutex<Records>);

impl MemoryEngine {
    /// An engine with what the snapshot in `from` holds.
    ///
    /// # Errors
    /// [`StoreError::Invalid`](crate::StoreError::Invalid) if `from` is no snapshot of this form, [`StoreError::Damaged`](crate::StoreError::Damaged) if a file does not match its
    /// manifest, [`StoreError::Newer`](crate::StoreError::Newer) if a later version wrote it.
    pub fn restore(from: &Path) -> Result<Self> {
        let reading = Reading::open(from)?;
        let mut records = Records::default();
        reading.events(|positions, batch| {
            for (position, event) in positions.into_iter().zip(batch.events) {
                records.put_event(position, event);
            }
            Ok(())
        })?;
        reading.facts(|positions, batch| {
            for (position, fact) in positions.into_iter().zip(batch.facts) {
                records.put_fact(position, fact);
            }
            Ok(())
        })?;
        records.set_position(reading.position());
        Ok(Self(Mutex::new(records)))
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        // A batch changes the records only after it was checked, so that a panic leaves none half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for MemoryEngine {
    fn write(&self, batch: Batch) -> Result<Ticket<Written>> {
        batch.validate()?;
        let written = self.records().write(batch);
        let (pending, ticket) = Ticket::new();
        pending.settle(Ok(written));
        Ok(ticket)
    }

    fn recent(&self, visitor: &str, limit: usize) -> Result<Vec<StoredEvent>> {
        Ok(self.records().recent(visitor, limit))
    }

    fn events(&self, span: Span) -> Result<Events<'_>> {
        let events = self.records().events(span);
        Ok(Box::new(events.into_iter().map(Ok)))
    }

    fn facts(&self, table: Table) -> Result<Facts<'_>> {
        let facts = self.records().facts(table);
        Ok(Box::new(facts.into_iter().map(Ok)))
    }

    fn changes(&self, after: Position) -> Result<(Vec<StoredFact>, Position)> {
        Ok(self.records().changes(after))
    }

    fn forget(&self, oblivion: &Oblivion) -> Result<Forgotten> {
        Ok(self.records().forget(oblivion))
    }

    fn drop_before(&self, time: Timestamp) -> Result<u64> {
        Ok(self.records().drop_before(time))
    }

    fn snapshot(&self, to: &Path) -> Result<Contents> {
        // Writing goes on while the copy is made of those of this moment.
        let (position, events, facts) = {
            let records = self.records();
            let events = records.events(Span::default());
            (records.position(), events, records.all_facts())
        };
        portable::write(to, |copy| {
            copy.events(events.into_iter().map(Ok))?;
            copy.facts(facts.into_iter().map(Ok))?;
            Ok(position)
        })
    }

    fn verify(&self) -> Result<Contents> {
        Ok(self.records().contents())
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn position(&self) -> Position {
        self.records().position()
    }

    fn status(&self) -> Result<Status> {
        let records = self.records();
        Ok(Status {
            engine: "memory".into(),
            position: records.position(),
            contents: records.contents(),
            waiting: 0,
            refusing: None,
        })
    }
}

#[cfg(test)]
mod tests;
