//! Batches that wait to be written, as many as may wait.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::config::PostgresConfig;
use super::row::{EventRow, FactRow};
use crate::error::{Result, StoreError};
use crate::record::{Batch, Written};
use crate::ticket::Pending;

/// A batch as rows, and who waits for it.
pub(super) struct Job {
    pub(super) events: Vec<EventRow>,
    pub(super) facts: Vec<FactRow>,
    pub(super) pending: Pending<Written>,
    /// When it is given up.
    pub(super) deadline: Instant,
    bytes: usize,
}

impl Job {
    /// A job for a batch that was validated.
    pub(super) fn new(batch: Batch, pending: Pending<Written>, deadline: Instant) -> Result<Self> {
        let events = batch.events.into_iter();
        let events: Result<Vec<EventRow>> =
            events.map(|event| EventRow::of(event.into())).collect();
        let events = events?;
        let facts: Vec<FactRow> = batch.facts.into_iter().map(FactRow::of).collect();
        let bytes = events.iter().map(EventRow::bytes).sum::<usize>();
        let bytes = bytes + facts.iter().map(FactRow::bytes).sum::<usize>();
        Ok(Self {
            events,
            facts,
            pending,
            deadline,
            bytes,
        })
    }

    /// Events and facts.
    pub(super) fn records(&self) -> usize {
        self.events.len() + self.facts.len()
    }
}

/// The queue between callers and the thread that writes.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    max_waiting: usize,
    max_bytes: usize,
    max_group: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    bytes: usize,
    writing: usize,
    closed: bool,
    refusing: Option<String>,
}

/// Most bytes of one transaction, unless one batch has more.
const MAX_GROUP_BYTES: usize = 8 << 20;

/// Most bytes of one batch: a message to the server ends at 1 GiB.
const MAX_BATCH_BYTES: usize = 512 << 20;

impl Queue {
    pub(super) fn new(config: &PostgresConfig) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            max_waiting: config.max_waiting,
            max_bytes: config.max_waiting_bytes,
            max_group: config.max_group,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a job wait.
    pub(super) fn push(&self, job: Job) -> Result<()> {
        if job.bytes > MAX_BATCH_BYTES {
            let expected = format!("at most {MAX_BATCH_BYTES} bytes");
            return Err(StoreError::invalid("batch", expected, job.bytes));
        }
        let mut state = self.state();
        if state.closed {
            return Err(StoreError::Closed);
        }
        // A batch larger than all that may wait is taken when nothing else waits.
        let waiting = state.jobs.len();
        let full = waiting >= self.max_waiting || state.bytes + job.bytes > self.max_bytes;
        if full && waiting > 0 {
            return Err(StoreError::Busy { waiting });
        }
        state.bytes += job.bytes;
        state.jobs.push_back(job);
        self.changed.notify_one();
        Ok(())
    }

    /// The next jobs to write together; none once the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Vec<Job>> {
        let mut state = self.state();
        while state.jobs.is_empty() {
            if state.closed {
                return None;
            }
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let (mut group, mut records, mut bytes) = (Vec::new(), 0, 0);
        while let Some(job) = state.jobs.pop_front() {
            records += job.records();
            bytes += job.bytes;
            if !group.is_empty() && (records > self.max_group || bytes > MAX_GROUP_BYTES) {
                state.jobs.push_front(job);
                break;
            }
            state.bytes -= job.bytes;
            group.push(job);
        }
        state.writing += group.len();
        Some(group)
    }

    /// So many of the jobs that were taken are done.
    pub(super) fn done(&self, jobs: usize) {
        self.state().writing -= jobs;
    }

    /// Takes no more jobs; those that wait are still written.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Whether no more jobs are taken.
    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Says why nothing can be written, or that it can.
    pub(super) fn refuse(&self, reason: Option<String>) {
        self.state().refusing = reason;
    }

    /// How many batches wait or are being written, and why nothing can be written, if so.
    pub(super) fn standing(&self) -> (usize, Option<String>) {
        let state = self.state();
        (state.jobs.len() + state.writing, state.refusing.clone())
    }
}
