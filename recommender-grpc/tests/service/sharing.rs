//! Servers that share records.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use recommender_store::record::{Batch, Position, StoredFact, Written};
use recommender_store::{Engine, MemoryEngine, Result, Store, StoreConfig, StoreError, Ticket};

/// A server's way to records that others write to as well; it can be cut as far as news of them go.
#[derive(Debug, Default)]
pub(crate) struct Line {
    engine: Arc<MemoryEngine>,
    pub(crate) cut: AtomicBool,
}

impl Engine for Line {
    fn write(&self, batch: Batch) -> Result<Ticket<Written>> {
        self.engine.write(batch)
    }
    fn changes(&self, after: Position) -> Result<(Vec<StoredFact>, Position)> {
        if self.cut.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        self.engine.changes(after)
    }
    forward!(recent, events, forget, remainder);
}

/// A store that looks at what others write when it is asked to, and never by itself.
pub(crate) async fn on(line: &Arc<Line>) -> Store {
    let engine = Arc::clone(line) as Arc<dyn Engine>;
    let open = || Store::open(engine, StoreConfig::default());
    tokio::task::spawn_blocking(open).await.unwrap().unwrap()
}

/// Two servers' ways to the same records.
pub(crate) fn lines() -> [Arc<Line>; 2] {
    let one = Line::default();
    let other = Line {
        engine: Arc::clone(&one.engine),
        ..Line::default()
    };
    [one, other].map(Arc::new)
}
