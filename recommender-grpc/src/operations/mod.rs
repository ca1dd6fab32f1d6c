//! Work that goes on after the call that began it was answered: imports, training, erasure.
//!
//! Each piece of work has a thread of its own while it runs, apart from those that answer calls: it may block, and
//! compute for hours. Everything is bounded: how many run at once, how many wait for their turn, and how many are kept
//! after their end.

mod entry;
mod progress;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prost_types::Any;
use recommender_core::Error;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tonic::Status;

use crate::convert::{self, List};
use crate::proto::longrunning::Operation;
use crate::status::Refusal;
use crate::workers::{WorkError, panic_message};
use entry::{Entry, Outcome, PREFIX};
pub(crate) use progress::Progress;

/// Pieces of work that run at once.
const RUNNING: usize = 4;
/// Pieces of work that wait for their turn.
const QUEUED: usize = 64;
/// Pieces of work that are kept after their end, and for how long.
const KEPT: (usize, Duration) = (1000, Duration::from_secs(3600));
/// What sort of thing an operation is, as the contract calls it.
const RESOURCE_TYPE: &str = "google.longrunning.Operation";

/// The work of a server that goes on after the call that began it was answered. A handle: clones share it.
#[derive(Clone)]
pub(crate) struct Operations(Arc<Shared>);

struct Shared {
    /// Tells the names of this process from those of one before it.
    process: String,
    table: Mutex<Table>,
    /// How many run.
    running: watch::Sender<usize>,
    /// Whether no more is taken.
    closed: watch::Sender<bool>,
}

#[derive(Default)]
struct Table {
    /// By number, in the order they were begun.
    entries: BTreeMap<u64, Arc<Entry>>,
    waiting: VecDeque<Job>,
    begun: u64,
}

struct Job {
    entry: Arc<Entry>,
    work: Box<Work>,
}

/// Does a piece of work, and gives what it answers.
type Work = dyn FnOnce(&Progress) -> Result<Any, Refusal> + Send;

/// Some operations, the latest first.
#[derive(Debug)]
pub(crate) struct Page {
    /// How they stand.
    pub(crate) operations: Vec<Operation>,
    /// The number of the last one, if there are more.
    pub(crate) next: Option<u64>,
}

impl Operations {
    /// No work yet.
    pub(crate) fn new() -> Self {
        let mut random = [0; 8];
        // Without random numbers, names of this process may be those of one before it, which it does not know.
        let _ = SystemRandom::new().fill(&mut random);
        Self(Arc::new(Shared {
            process: format!("{:016x}", u64::from_be_bytes(random)),
            table: Mutex::default(),
            running: watch::Sender::new(0),
            closed: watch::Sender::new(false),
        }))
    }

    /// Begins `work` on a thread of its own, or puts it where it waits for its turn, and answers at once. `method` is
    /// the name of the call, and `target` the resource it is about; neither may name a person, as both are listed.
    ///
    /// Work that is asked to stop should end with [`Error::Cancelled`]; work that panics ends as INTERNAL.
    ///
    /// # Errors
    /// [`WorkError::Full`] if too much waits already, [`Refusal::Draining`] once the server is to stop.
    pub(crate) fn begin<R: prost::Name>(
        &self,
        method: &'static str,
        target: String,
        work: impl FnOnce(&Progress) -> Result<R, Refusal> + Send + 'static,
    ) -> Result<Operation, Refusal> {
        let work = |progress: &Progress| {
            let response = work(progress)?;
            Any::from_msg(&response).map_err(|error| Error::Internal(error.to_string()).into())
        };
        let mut table = self.0.table();
        if *self.0.closed.borrow() {
            return Err(Refusal::Draining);
        }
        table.forget_old();
        if table.waiting.len() >= QUEUED {
            return Err(WorkError::Full.into());
        }
        let number = table.begun;
        let name = format!("{PREFIX}{}-{number}", self.0.process);
        let entry = Arc::new(Entry::new(name, method, target));
        table.waiting.push_back(Job {
            entry: Arc::clone(&entry),
            work: Box::new(work),
        });
        if let Err(refusal) = self.start_thread() {
            table.waiting.pop_back();
            return Err(refusal);
        }
        table.begun += 1;
        table.entries.insert(number, Arc::clone(&entry));
        tracing::info!(operation = entry.name, method, "begun");
        Ok(entry.operation())
    }

    /// Starts one more thread, if fewer run than may; called with the table locked, so that none ends meanwhile.
    fn start_thread(&self) -> Result<(), Refusal> {
        let running = *self.0.running.borrow();
        if running >= RUNNING {
            return Ok(());
        }
        let shared = Arc::clone(&self.0);
        let thread = std::thread::Builder::new().name("operation".into());
        match thread.spawn(move || shared.work()) {
            Ok(_) => {
                self.0.running.send_replace(running + 1);
                Ok(())
            }
            Err(_) if running > 0 => Ok(()),
            Err(error) => {
                tracing::error!(%error, "the system gave no thread");
                Err(WorkError::Full.into())
            }
        }
    }

    /// How one stands.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub(crate) fn get(&self, name: &str) -> Result<Operation, Refusal> {
        Ok(self.entry(name)?.1.operation())
    }

    /// What tells the list of this process's operations from those of others.
    pub(crate) fn list_of_all(&self) -> List {
        List::of("operations", [self.0.process.as_bytes()])
    }

    /// The latest `limit` of those begun before the one of this number, or of all.
    pub(crate) fn list(&self, before: Option<u64>, limit: usize) -> Page {
        let mut table = self.0.table();
        table.forget_old();
        let mut rest = table.entries.range(..before.unwrap_or(u64::MAX)).rev();
        let shown: Vec<_> = rest.by_ref().take(limit).collect();
        let last = shown.last().map(|(number, _)| **number);
        Page {
            operations: shown.iter().map(|(_, entry)| entry.operation()).collect(),
            next: last.filter(|_| rest.next().is_some()),
        }
    }

    /// Forgets one that has ended.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Precondition`] while it goes on.
    pub(crate) fn delete(&self, name: &str) -> Result<(), Refusal> {
        let (number, entry) = self.entry(name)?;
        if entry.ended_at().is_none() {
            return Err(Refusal::Precondition {
                reason: "OPERATION_RUNNING",
                message: format!("{name} has not ended; cancel it and wait for its end"),
            });
        }
        self.0.table().entries.remove(&number);
        Ok(())
    }

    /// Asks one to stop; one that still waits for its turn ends at once, and one that has ended stays as it is.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub(crate) fn cancel(&self, name: &str) -> Result<(), Refusal> {
        let (_, entry) = self.entry(name)?;
        if entry.ended_at().is_some() {
            return Ok(());
        }
        entry.progress.cancel();
        let mut table = self.0.table();
        let place = (table.waiting.iter()).position(|job| Arc::ptr_eq(&job.entry, &entry));
        if let Some(job) = place.and_then(|place| table.waiting.remove(place)) {
            job.entry.end(cancelled());
        }
        Ok(())
    }

    /// How one stands once it has ended, or at `deadline`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub(crate) async fn wait(&self, name: &str, deadline: Instant) -> Result<Operation, Refusal> {
        let (_, entry) = self.entry(name)?;
        // Whether it ended or the time did, it is told how it stands.
        let _ = timeout_at(deadline, entry.wait()).await;
        Ok(entry.operation())
    }

    /// Takes no more work and asks all there is to stop: what waits for its turn ends at once.
    pub(crate) fn close(&self) {
        let mut table = self.0.table();
        self.0.closed.send_replace(true);
        for job in std::mem::take(&mut table.waiting) {
            job.entry.progress.cancel();
            job.entry.end(cancelled());
        }
        for entry in table.entries.values() {
            if entry.ended_at().is_none() {
                entry.progress.cancel();
            }
        }
    }

    /// Waits until no more is taken, as the server is to stop.
    pub(crate) async fn closed(&self) {
        let mut closed = self.0.closed.subscribe();
        // The sender is held by this handle: it can't be gone.
        let _ = closed.wait_for(|closed| *closed).await;
    }

    /// Waits until nothing runs.
    pub(crate) async fn idle(&self) {
        let mut running = self.0.running.subscribe();
        // The sender is held by this handle: it can't be gone.
        let _ = running.wait_for(|running| *running == 0).await;
    }

    fn entry(&self, name: &str) -> Result<(u64, Arc<Entry>), Refusal> {
        let number = name.strip_prefix(PREFIX).and_then(|id| {
            let (process, number) = id.split_once('-')?;
            let number = (process == self.0.process).then_some(number)?;
            number.parse().ok()
        });
        let table = self.0.table();
        let found = number.and_then(|number| Some((number, table.entries.get(&number)?)));
        // A number may be written in more ways than one; a name is written in one.
        let found = found.filter(|(_, entry)| entry.name == name);
        let found = found.map(|(number, entry)| (number, Arc::clone(entry)));
        found.ok_or_else(|| Refusal::NotFound {
            resource_type: RESOURCE_TYPE,
            name: name.to_owned(),
        })
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing that can panic happens between two changes that belong together.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what waits, one piece after the other, until nothing waits.
    fn work(&self) {
        loop {
            let mut table = self.table();
            let Some(job) = table.waiting.pop_front() else {
                self.running.send_modify(|running| *running -= 1);
                return;
            };
            drop(table);
            job.run();
        }
    }
}

impl Table {
    /// Forgets what ended long ago, and the oldest of what ended if there is too much of it.
    fn forget_old(&mut self) {
        let now = std::time::Instant::now();
        let is_old = |at| now.saturating_duration_since(at) >= KEPT.1;
        self.entries
            .retain(|_, entry| !entry.ended_at().is_some_and(is_old));
        let ended = self.entries.iter();
        let ended = ended.filter(|(_, entry)| entry.ended_at().is_some());
        let numbers: Vec<u64> = ended.map(|(number, _)| *number).collect();
        let surplus = numbers.len().saturating_sub(KEPT.0);
        for number in &numbers[..surplus] {
            self.entries.remove(number);
        }
    }
}

impl Job {
    fn run(self) {
        let Self { entry, work } = self;
        let progress = entry.progress.clone();
        let outcome = match catch_unwind(AssertUnwindSafe(|| work(&progress))) {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(refusal)) => Err(refused(refusal)),
            Err(panic) => {
                let panicked = WorkError::Panicked(panic_message(panic.as_ref()));
                Err(refused(panicked.into()))
            }
        };
        let code = outcome.as_ref().map_or_else(|status| status.code, |_| 0);
        tracing::info!(operation = entry.name, method = entry.method, code, "ended");
        entry.end(outcome);
    }
}

fn refused(refusal: Refusal) -> tonic_types::Status {
    convert::status(&Status::from(refusal))
}

fn cancelled() -> Outcome {
    Err(refused(Error::Cancelled.into()))
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operations")
            .field("running", &*self.0.running.borrow())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
