//! An engine that fails when it is told to.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::{Engine, Events};
use crate::record::{Batch, Span, Written};
use crate::{MemoryEngine, Result, StoreError, Ticket};

/// Fails after so many events read, or batches written; every second write finds it busy.
#[derive(Debug)]
pub(super) struct Flaky<'e> {
    pub(super) engine: &'e MemoryEngine,
    /// Events that are read before reading fails.
    pub(super) reads: u64,
    /// Batches of events that are written before one fails; those behind it are written all the same.
    pub(super) writes: u64,
    pub(super) asked: AtomicU64,
    pub(super) written: AtomicU64,
}

impl<'e> Flaky<'e> {
    pub(super) fn new(engine: &'e MemoryEngine) -> Self {
        Self {
            engine,
            reads: u64::MAX,
            writes: u64::MAX,
            asked: AtomicU64::new(0),
            written: AtomicU64::new(0),
        }
    }
}

impl Engine for Flaky<'_> {
    fn write(&self, batch: Batch) -> Result<Ticket<Written>> {
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            return Err(StoreError::Busy { waiting: 1 });
        }
        let batches = u64::from(!batch.events.is_empty());
        if self.written.fetch_add(batches, Ordering::Relaxed) == self.writes && batches > 0 {
            let (pending, ticket) = Ticket::new();
            pending.settle(Err(StoreError::Unavailable {
                what: "the engine".into(),
                reason: "it was told to fail".into(),
            }));
            return Ok(ticket);
        }
        self.engine.write(batch)
    }

    fn events(&self, span: Span) -> Result<Events<'_>> {
        let mut left = self.reads;
        let events = self.engine.events(span)?;
        Ok(Box::new(events.map(move |event| {
            if left == 0 {
                return Err(StoreError::Closed);
            }
            left -= 1;
            event
        })))
    }

    forward!(recent, forget, rest);
}
