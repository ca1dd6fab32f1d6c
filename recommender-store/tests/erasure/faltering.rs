//! An engine that fails after some writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use recommender_store::record::{Batch, Forgotten, Oblivion, Written};
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
    forward!(recent, events, rest);
}
