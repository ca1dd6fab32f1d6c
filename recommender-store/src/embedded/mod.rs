//! The engine that keeps its records in a directory: no server to start, one process at a time.
//!
//! A write goes to the [journal](self) first, together with all others that wait, and is answered once the disk has
//! it. What was written lies in memory as it is read; now and then it is sorted by visitor into a compressed file that
//! never changes, and small files are merged into large ones (O'Neil et al., "The log-structured merge-tree", 1996).
//! Facts are all in memory, and in files of their own.
//!
//! | File | What it is |
//! |---|---|
//! | `lock` | held by the process that has the store open |
//! | `manifest.json` | which of the other files count |
//! | `0000000001.journal` | batches in the order they were written |
//! | `0000000002.events` | events, sorted |
//! | `0000000003.facts` | facts, sorted |

mod bytes;
mod config;
mod facts;
mod fingerprint;
mod forget;
mod journal;
mod layout;
mod manifest;
mod memory_table;
mod merge;
mod open;
mod payload;
mod row;
mod segment;
mod shared;
mod snapshot;
mod tails;
mod upkeep;
mod writer;

pub use config::EmbeddedConfig;
pub use snapshot::restore;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use recommender_core::Timestamp;

use self::shared::Shared;
use self::writer::{Task, WriteTask, Writer};
use crate::engine::{Contents, Engine, Events, Facts, Status};
use crate::error::{Result, StoreError};
use crate::record::{
    Batch, Forgotten, Oblivion, Position, Span, StoredEvent, StoredFact, Table, Written,
};
use crate::ticket::Ticket;

/// Facts read at a time.
const FACTS_PER_PAGE: usize = 1_000;

/// Keeps records in a directory. See the [room's documentation](self).
pub struct EmbeddedEngine {
    shared: Arc<Shared>,
    /// Taken away when the engine is dropped: then the writer ends.
    tasks: Option<SyncSender<Task>>,
    threads: Vec<JoinHandle<()>>,
}

impl EmbeddedEngine {
    /// Opens the store in the directory `root`, which is made if it is not there.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if another process has it open, [`StoreError::Newer`] if a later version wrote it,
    /// [`StoreError::Damaged`] naming a file that is not what was written, [`StoreError::Invalid`] if a setting is out
    /// of range.
    pub fn open(root: &Path, config: EmbeddedConfig) -> Result<Self> {
        let max_waiting = config.max_waiting;
        let (shared, journal) = open::open(root, config)?;
        let shared = Arc::new(shared);
        let (sender, receiver) = sync_channel(max_waiting);
        let writer = Writer::new(Arc::clone(&shared), journal);
        let (flushing, merging) = (Arc::clone(&shared), Arc::clone(&shared));
        let mut engine = Self {
            shared,
            tasks: Some(sender),
            threads: Vec::new(),
        };
        engine.start("store-writer", move || writer.run(&receiver))?;
        engine.start("store-flush", move || upkeep::keep_flushing(&flushing))?;
        engine.start("store-merge", move || upkeep::keep_merging(&merging))?;
        Ok(engine)
    }

    fn start(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = thread::Builder::new().name(name.into()).spawn(work);
        let thread = thread.map_err(|error| StoreError::io(self.shared.layout.root(), error))?;
        self.threads.push(thread);
        Ok(())
    }

    fn send(&self, task: Task) -> Result<()> {
        let tasks = self.tasks.as_ref().ok_or(StoreError::Closed)?;
        tasks.try_send(task).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy {
                waiting: self.shared.config.max_waiting,
            },
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }

    /// Puts aside what is in memory and makes a file of it: everything up to the position given is in files then.
    fn flush(&self) -> Result<Position> {
        let tasks = self.tasks.as_ref().ok_or(StoreError::Closed)?;
        let (pending, ticket) = Ticket::new();
        // Unlike a write this may wait for its turn: it is asked for by an operator, not by a shopper.
        let sent = tasks.send(Task::Rotate(pending));
        sent.map_err(|_| StoreError::Closed)?;
        let position = ticket.wait()?;
        upkeep::flush_all(&self.shared)?;
        Ok(position)
    }
}

impl Engine for EmbeddedEngine {
    fn write(&self, batch: Batch) -> Result<Ticket<Written>> {
        batch.validate()?;
        let print = |key: &str| self.shared.hash.of(key);
        let ids = batch.events.iter().map(|event| event.id.as_deref());
        let (pending, ticket) = Ticket::new();
        let task = WriteTask {
            bytes: payload::encode(&batch),
            ids: ids.map(|id| print(id.unwrap_or_default())).collect(),
            visitors: batch
                .events
                .iter()
                .map(|event| print(&event.visitor))
                .collect(),
            batch,
            pending,
        };
        self.shared.waiting.fetch_add(1, Ordering::AcqRel);
        let sent = self.send(Task::Write(task));
        if sent.is_err() {
            self.shared.waiting.fetch_sub(1, Ordering::AcqRel);
        }
        sent.map(|()| ticket)
    }

    fn recent(&self, visitor: &str, limit: usize) -> Result<Vec<StoredEvent>> {
        self.shared.recent(visitor, limit)
    }

    fn stances(&self, visitors: &[&str]) -> Result<Vec<StoredEvent>> {
        self.shared.stances(visitors)
    }

    fn events(&self, span: Span) -> Result<Events<'_>> {
        Ok(Box::new(self.shared.scan(span)))
    }

    fn facts(&self, table: Table) -> Result<Facts<'_>> {
        let mut page: std::vec::IntoIter<StoredFact> = Vec::new().into_iter();
        let mut after: Option<String> = None;
        Ok(Box::new(std::iter::from_fn(move || {
            if let Some(fact) = page.next() {
                return Some(Ok(fact));
            }
            let facts = self.shared.facts();
            page = facts
                .page(table, after.as_deref(), FACTS_PER_PAGE)
                .into_iter();
            after = page
                .as_slice()
                .last()
                .map(|stored| stored.fact.key.clone())
                .or(after.take());
            page.next().map(Ok)
        })))
    }

    fn changes(&self, after: Position) -> Result<(Vec<StoredFact>, Position)> {
        let facts = self.shared.facts();
        let position = self.shared.position();
        if after >= position {
            return Ok((Vec::new(), after));
        }
        Ok((facts.after(after), position))
    }

    fn forget(&self, oblivion: &Oblivion) -> Result<Forgotten> {
        let until = self.flush()?;
        forget::forget(&self.shared, oblivion, until)
    }

    fn drop_before(&self, time: Timestamp) -> Result<u64> {
        self.flush()?;
        forget::drop_before(&self.shared, time)
    }

    fn snapshot(&self, to: &Path) -> Result<Contents> {
        snapshot::take(&self.shared, to, || self.flush())
    }

    fn verify(&self) -> Result<Contents> {
        snapshot::verify(&self.shared)
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn position(&self) -> Position {
        self.shared.position()
    }

    fn status(&self) -> Result<Status> {
        Ok(Status {
            engine: format!("directory {}", self.shared.layout.root().display()),
            position: self.shared.position(),
            contents: snapshot::contents(&self.shared)?,
            waiting: self.shared.waiting.load(Ordering::Acquire),
            refusing: self.shared.trouble(),
        })
    }
}

/// Names the directory and nothing of what is in it.
impl fmt::Debug for EmbeddedEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EmbeddedEngine")
            .field(&self.shared.layout.root())
            .finish()
    }
}

impl Drop for EmbeddedEngine {
    fn drop(&mut self) {
        self.tasks = None;
        self.shared.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; the others are still to be waited for.
            let _ = thread.join();
        }
    }
}
