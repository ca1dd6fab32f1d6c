//! The engine that keeps its records in memory.

use std::path::Path;
use std::sync::Arc;

use recommender_store::{Engine, MemoryEngine};

use crate::bench::{Bench, Stand};

/// Opens engines in memory.
pub(crate) struct MemoryBench;

/// An engine; opened again, it is the same one.
struct InMemory(Arc<MemoryEngine>);

impl Bench for MemoryBench {
    fn open(&self) -> Box<dyn Stand> {
        Box::new(InMemory(Arc::default()))
    }

    fn sequences(&self) -> u32 {
        200
    }
}

impl Stand for InMemory {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::<MemoryEngine>::clone(&self.0)
    }

    fn reopen(&mut self) {}

    fn restore(&self, snapshot: &Path) -> Box<dyn Stand> {
        Box::new(InMemory(Arc::new(MemoryEngine::restore(snapshot).unwrap())))
    }
}
