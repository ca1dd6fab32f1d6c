//! Reading from a store that others share: on threads that may be kept waiting, and not at all for a while once it
//! does not answer.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use recommender_store::record::Position;
use recommender_store::{Store, StoreError};

use crate::answering::{Freshness, Question, Remembered};
use crate::error::ServeError;
use crate::settings::WorkerSettings;
use crate::status::Refusal;
use crate::workers::Workers;

/// Threads that wait for a store, and how many questions may wait for them.
const READERS: WorkerSettings = WorkerSettings {
    threads: 8,
    max_queued: 256,
};

/// Most of a caller's time that is spent on waiting for a store: half of it, and no more than this.
const MOST_PATIENCE: Duration = Duration::from_millis(500);

/// Time between two looks whether a write can be seen.
const PAUSE: Duration = Duration::from_millis(5);

/// Reads from a store that others share.
#[derive(Debug)]
pub(crate) struct Readers {
    workers: Workers,
    breaker: Breaker,
}

impl Readers {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`ServeError::Workers`] if the system gives no threads.
    pub(crate) fn start() -> Result<Self, ServeError> {
        Ok(Self {
            workers: Workers::start(READERS)?,
            breaker: Breaker::default(),
        })
    }

    /// The events of who asks: read here if that may take long, else left to the thread that answers.
    pub(crate) async fn remembered(
        &self,
        store: &Store,
        question: &Question,
        limit: usize,
        deadline: tokio::time::Instant,
    ) -> Remembered {
        if !store.engine().is_shared() || question.asker.identifiers.is_empty() {
            return Remembered::Unread;
        }
        if !self.breaker.lets_through() {
            return Remembered::Lost;
        }
        let (store, identifiers) = (store.clone(), question.asker.identifiers.clone());
        let read = move |_: &_| store.history(&identifiers, limit);
        let read = self.workers.run(patience(deadline), read).await;
        match read {
            Ok(Ok(events)) => {
                self.breaker.went_well();
                Remembered::Read(events)
            }
            Ok(Err(error)) => self.lost(&error),
            Err(error) => self.lost(&error),
        }
    }

    /// Waits until the store has seen a write.
    ///
    /// # Errors
    /// [`Refusal::NotYetVisible`] if it does not in time.
    pub(crate) async fn seen(
        &self,
        store: &Store,
        asked: Freshness,
        deadline: tokio::time::Instant,
    ) -> Result<(), Refusal> {
        let until = patience(deadline);
        loop {
            if store.seen() >= asked.0 {
                return Ok(());
            }
            if !store.engine().is_shared() || !self.breaker.lets_through() {
                return Err(Refusal::NotYetVisible);
            }
            let refreshed = self.refresh(store, until).await;
            match refreshed {
                Some(seen) if seen >= asked.0 => return Ok(()),
                Some(_) if tokio::time::Instant::now() + PAUSE < until => {
                    tokio::time::sleep(PAUSE).await;
                }
                _ => return Err(Refusal::NotYetVisible),
            }
        }
    }

    /// Takes in what other servers wrote, so that who was erased by then is not known here any more.
    ///
    /// # Errors
    /// [`Refusal::Store`] if the store does not answer in time: it can't be told who was.
    pub(crate) async fn catch_up(
        &self,
        store: &Store,
        deadline: tokio::time::Instant,
    ) -> Result<(), Refusal> {
        if !store.engine().is_shared() {
            return Ok(());
        }
        let may_ask = self.breaker.lets_through();
        if may_ask && self.refresh(store, patience(deadline)).await.is_some() {
            return Ok(());
        }
        Err(Refusal::Store(StoreError::Unavailable {
            what: "what other servers wrote".into(),
            reason: "the store did not answer in time".into(),
        }))
    }

    async fn refresh(&self, store: &Store, until: tokio::time::Instant) -> Option<Position> {
        let store = store.clone();
        let refreshed = self.workers.run(until, move |_| store.refresh()).await;
        match refreshed {
            Ok(Ok(position)) => {
                self.breaker.went_well();
                Some(position)
            }
            Ok(Err(error)) => {
                self.lost(&error);
                None
            }
            Err(error) => {
                self.lost(&error);
                None
            }
        }
    }

    fn lost(&self, error: &dyn std::error::Error) -> Remembered {
        if self.breaker.went_wrong() {
            tracing::warn!(%error, "the store does not answer in time and is left alone for a moment");
        }
        Remembered::Lost
    }
}

/// Reads the events of who asks, on this thread.
///
/// # Errors
/// If they can't be read.
pub(crate) fn read(
    store: &Store,
    question: &Question,
    limit: usize,
) -> Result<Remembered, StoreError> {
    let identifiers = &question.asker.identifiers;
    if identifiers.is_empty() {
        return Ok(Remembered::Read(Vec::new()));
    }
    store.history(identifiers, limit).map(Remembered::Read)
}

/// Until when to wait for a store of a caller who waits until `deadline`.
fn patience(deadline: tokio::time::Instant) -> tokio::time::Instant {
    let now = tokio::time::Instant::now();
    now + MOST_PATIENCE.min(deadline.saturating_duration_since(now) / 2)
}

/// Failures in a row after which a store is left alone.
const FAILURES: u32 = 5;

/// How long it is left alone before one caller may try again.
const REST: Duration = Duration::from_secs(1);

/// Leaves alone what does not answer: after some failures in a row nobody asks for a while, then one does, and all do
/// again once that went well.
#[derive(Debug)]
struct Breaker {
    start: Instant,
    failures: AtomicU32,
    /// Milliseconds since the start before which nobody asks.
    closed_until: AtomicU64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            failures: AtomicU32::new(0),
            closed_until: AtomicU64::new(0),
        }
    }
}

impl Breaker {
    fn lets_through(&self) -> bool {
        if self.failures.load(Ordering::Acquire) < FAILURES {
            return true;
        }
        let (now, until) = (self.now(), self.closed_until.load(Ordering::Acquire));
        let next = now + millis(REST);
        // Of those who come at one moment one is let through.
        now >= until
            && (self.closed_until)
                .compare_exchange(until, next, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
    }

    fn went_well(&self) {
        self.failures.store(0, Ordering::Release);
    }

    /// Notes a failure; says whether it was the one that closes.
    fn went_wrong(&self) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::AcqRel) + 1;
        self.closed_until
            .store(self.now() + millis(REST), Ordering::Release);
        failures == FAILURES
    }

    fn now(&self) -> u64 {
        millis(self.start.elapsed())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_left_alone_and_tried_again_by_one() {
        let mut breaker = Breaker::default();
        for failure in 1..=FAILURES {
            assert!(breaker.lets_through());
            assert_eq!(breaker.went_wrong(), failure == FAILURES);
        }
        assert!(!breaker.lets_through());
        let rested = |breaker: &mut Breaker| breaker.closed_until = AtomicU64::new(0);
        rested(&mut breaker);
        assert!(breaker.lets_through(), "one tries");
        assert!(!breaker.lets_through(), "the others do not");
        breaker.went_wrong();
        rested(&mut breaker);
        assert!(breaker.lets_through());
        breaker.went_well();
        assert!(breaker.lets_through() && breaker.lets_through());
    }
}
