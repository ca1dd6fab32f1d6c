//! What all handles of a store share.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak,
};
use std::task::{Context, Poll, Waker};

use recommender_core::Timestamp;

use crate::audit::AuditKeys;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::erasure::SigningKey;
use crate::error::{Result, StoreError};
use crate::privacy::Pseudonyms;
use crate::record::{Batch, Fact, FactOutcome, Position, Table, Written};
use crate::store::config::StoreConfig;
use crate::store::hearing::ErasureWatcher;
use crate::store::state::{HELD, State};
use crate::store::writing::{Unsettled, Writing};
use crate::ticket::Ticket;

/// What all handles of a store share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) config: StoreConfig,
    pub(super) pseudonyms: Option<Pseudonyms>,
    pub(super) audit: AuditKeys,
    /// Signs the receipts of erasures.
    pub(super) signing: Option<SigningKey>,
    pub(super) erasing: Mutex<()>,
    /// Told of every erasure, as long as they live.
    pub(super) erasure_watchers: Mutex<Vec<Weak<dyn ErasureWatcher>>>,
    clock: Arc<dyn Clock>,
    latest: AtomicI64,
    state: RwLock<State>,
    refreshing: Mutex<()>,
    /// Writes whose callers went away.
    left: Mutex<Vec<Unsettled>>,
    left_count: AtomicUsize,
    /// End the threads that work at intervals, when they are dropped.
    pub(super) watched: Mutex<Vec<Sender<()>>>,
}

impl std::fmt::Debug for Unsettled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unsettled")
    }
}

impl Shared {
    /// # Errors
    /// If the facts can't be read.
    pub(super) fn open(
        engine: Arc<dyn Engine>,
        config: StoreConfig,
        around: (Option<Pseudonyms>, Arc<dyn Clock>),
    ) -> Result<Self> {
        // What is written while the tables are read comes again with the changes.
        let mut state = State {
            cursor: engine.position(),
            ..State::default()
        };
        for table in HELD {
            for stored in engine.facts(table)? {
                let stored = stored?;
                state.apply(&stored.fact, stored.position)?;
            }
        }
        // Their persons are not among what was read.
        state.heard.clear();
        let signing = config.receipt_key_file.as_deref();
        let signing = signing.map(SigningKey::open).transpose()?;
        let shared = Self {
            engine,
            config,
            pseudonyms: around.0,
            audit: AuditKeys::new()?,
            signing,
            erasing: Mutex::default(),
            erasure_watchers: Mutex::default(),
            clock: around.1,
            latest: AtomicI64::new(i64::MIN),
            state: RwLock::new(state),
            refreshing: Mutex::default(),
            left: Mutex::default(),
            left_count: AtomicUsize::new(0),
            watched: Mutex::default(),
        };
        shared.refresh()?;
        Ok(shared)
    }

    /// The time, which never goes back.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.clock.now().0;
        Timestamp(self.latest.fetch_max(now, Ordering::Relaxed).max(now))
    }

    /// The latest time that a clock of others may show.
    pub(super) fn horizon(&self) -> Timestamp {
        let skew = i64::from(self.config.max_clock_skew_seconds) * 1000;
        Timestamp(self.now().0.saturating_add(skew))
    }

    /// # Errors
    /// [`StoreError::Invalid`] if `time` is further ahead than clocks may be.
    pub(super) fn check_time(&self, what: &str, time: Timestamp) -> Result<()> {
        let horizon = self.horizon();
        if time <= horizon {
            return Ok(());
        }
        let expected = format!("at most {} ms", horizon.0);
        Err(StoreError::invalid(
            format!("time of {what}"),
            expected,
            time.0,
        ))
    }

    /// What the facts mean now, and with it what was written before.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        if self.left_count.load(Ordering::Acquire) > 0 {
            self.take_left();
        }
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self) -> RwLockWriteGuard<'_, State> {
        // Applying a fact is checked before anything changes, so that a panic elsewhere leaves nothing half done.
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a batch to the engine.
    ///
    /// # Errors
    /// As [`Engine::write`].
    pub(super) fn write<T>(
        self: &Arc<Self>,
        batch: Batch,
        finish: impl FnOnce(&Written) -> T + Send + 'static,
    ) -> Result<Writing<T>> {
        let facts = batch.facts.clone();
        let ticket = if batch == Batch::default() {
            self.nothing_written()
        } else {
            self.engine.write(batch)?
        };
        Ok(Writing::new(self, (ticket, facts), finish))
    }

    fn nothing_written(&self) -> Ticket<Written> {
        let (pending, ticket) = Ticket::new();
        pending.settle(Ok(Written {
            position: self.engine.position(),
            events: Vec::new(),
            facts: Vec::new(),
        }));
        ticket
    }

    /// Takes in facts of this process that are on the disk.
    pub(super) fn take_own(&self, facts: &[Fact], written: &Written) -> Result<()> {
        if facts.is_empty() {
            return Ok(());
        }
        let mut state = self.change();
        let outcomes = facts.iter().zip(&written.facts);
        let mut applied = outcomes.filter(|(_, outcome)| **outcome == FactOutcome::Applied);
        applied.try_for_each(|(fact, _)| state.apply(fact, written.position))
    }

    /// Drops the events that are older than they may become.
    pub(super) fn expire(&self) -> Result<u64> {
        let Some(days) = self.config.retention_days else {
            return Ok(0);
        };
        let oldest = self.now().minus_days(f64::from(days));
        self.engine.drop_before(oldest)
    }

    /// Takes in what other processes wrote since the last time, and says up to where.
    pub(super) fn refresh(&self) -> Result<Position> {
        let _one_at_a_time = self
            .refreshing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (cursor, left) = {
            let state = self.read();
            (state.cursor, !state.heard.is_empty())
        };
        let (facts, upto) = self.engine.changes(cursor)?;
        if upto == cursor && !left {
            return Ok(upto);
        }
        let mut state = self.change();
        for stored in &facts {
            state.apply(&stored.fact, stored.position)?;
        }
        state.cursor = upto;
        let heard = std::mem::take(&mut state.heard);
        drop(state);
        self.forget_erased(heard)?;
        Ok(upto)
    }

    /// Reads links and consents anew, so that none is known that the engine has forgotten.
    pub(super) fn read_persons(&self) -> Result<()> {
        let before = self.engine.position();
        let mut read = State::default();
        for table in [Table::Link, Table::Consent] {
            for stored in self.engine.facts(table)? {
                let stored = stored?;
                read.apply(&stored.fact, stored.position)?;
            }
        }
        let mut state = self.change();
        state.identity = read.identity;
        state.consents = read.consents;
        // What was written meanwhile may have come here before and be gone from here now.
        for stored in &self.engine.changes(before)?.0 {
            state.apply(&stored.fact, stored.position)?;
        }
        Ok(())
    }

    /// Keeps a write whose caller went away until it is on the disk.
    pub(super) fn leave(&self, unsettled: Unsettled) {
        let mut left = self.left();
        left.push(unsettled);
        self.left_count.store(left.len(), Ordering::Release);
    }

    fn take_left(&self) {
        let mut left = self.left();
        let mut context = Context::from_waker(Waker::noop());
        left.retain_mut(|unsettled| match unsettled.settled(&mut context) {
            Poll::Pending => true,
            Poll::Ready(written) => {
                let taken = written.and_then(|written| self.take_own(unsettled.facts(), &written));
                if let Err(error) = taken {
                    tracing::warn!(%error, "a write that nobody waited for failed");
                }
                false
            }
        });
        self.left_count.store(left.len(), Ordering::Release);
    }

    fn left(&self) -> MutexGuard<'_, Vec<Unsettled>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
