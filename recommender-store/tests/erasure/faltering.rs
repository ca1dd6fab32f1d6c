//! An engine that fails after some writes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use recommender_core::Timestamp;
use recommender_store::engine::{Contents, Events, Facts, Status};
use recommender_store::record::{
    Batch, Forgotten, Oblivion, Position, Span, StoredEvent, StoredFact, Table, Written,
};
use recommender_store::{Engine, MemoryEngine, Result, StoreError, Ticket};

/// Writes and forgets so many times, and then no more.
#[derive(Debug)]
pub(crate) struct Faltering {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) steps_left: AtomicI64,
}

impl Default for Faltering {
    fn default() -> Self {
        Self::over(Arc::new(MemoryEngine::default()))
    }
}

impl Faltering {
    /// What fails of `engine`, once it is told to.
    pub(crate) fn over(engine: Arc<dyn Engine>) -> Self {
        Self {
            engine,
            steps_left: AtomicI64::new(i64::MAX),
        }
    }

    fn step(&self) -> Result<()> {
        if self.steps_left.fetch_sub(1, Ordering::Relaxed) > 0 {
            return Ok(());
        }
        Err(StoreError::Closed)
    }
}

impl Engine for Faltering {
    fn write(&self, batch: Batch) -> Result<Ticket<Written>> {
        self.step()?;
        self.engine.write(batch)
    }
    fn forget(&self, oblivion: &Oblivion) -> Result<Forgotten> {
        self.step()?;
        self.engine.forget(oblivion)
    }
    fn recent(&self, visitor: &str, limit: usize) -> Result<Vec<StoredEvent>> {
        self.engine.recent(visitor, limit)
    }
    fn events(&self, span: Span) -> Result<Events<'_>> {
        self.engine.events(span)
    }
    fn facts(&self, table: Table) -> Result<Facts<'_>> {
        self.engine.facts(table)
    }
    fn changes(&self, after: Position) -> Result<(Vec<StoredFact>, Position)> {
        self.engine.changes(after)
    }
    fn drop_before(&self, time: Timestamp) -> Result<u64> {
        self.engine.drop_before(time)
    }
    fn snapshot(&self, to: &Path) -> Result<Contents> {
        self.engine.snapshot(to)
    }
    fn verify(&self) -> Result<Contents> {
        self.engine.verify()
    }
    fn position(&self) -> Position {
        self.engine.position()
    }
    fn status(&self) -> Result<Status> {
        self.engine.status()
    }
}
