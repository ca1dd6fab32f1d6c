//! When models are trained without anybody asking: by the clock, or after so many events. Of the servers that share a
//! store, one at a time does so: the holder of a lease.

use std::hash::{BuildHasher, RandomState};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use recommender_core::Timestamp;
use recommender_store::Store;
use recommender_store::store::Lease;
use tokio::sync::oneshot;

use crate::error::ServeError;
use crate::status::Refusal;
use crate::training::document::{ModelDocument, Version};
use crate::training::registry::{Inner, Registry};

/// How often it looks whether anything is to be done.
const INTERVAL: Duration = Duration::from_millis(500);

/// After this time without a sign of the server that trains, another takes its place.
const LEASE: Duration = Duration::from_secs(30);

/// How long a server that stops waits until its place is given up: a dead store must not hold it.
const FAREWELL: Duration = Duration::from_secs(2);

/// The thread that keeps the schedules.
#[derive(Debug)]
pub(super) struct Keeper {
    /// Ends it, when it is dropped.
    stop: Sender<()>,
    /// Gone once it has ended.
    ended: oneshot::Receiver<()>,
}

/// What is kept from one look to the next.
#[derive(Debug)]
pub(super) struct Watch {
    /// Of its own in every process.
    jitter: RandomState,
    lease: Lease,
    /// [`Store::document_changes`] when the models were read.
    changes: Option<u64>,
    /// Those with a schedule.
    scheduled: Vec<ModelDocument>,
}

impl Watch {
    pub(super) fn new() -> Self {
        let holder = format!("process {}", std::process::id());
        Self {
            jitter: RandomState::new(),
            lease: Lease::new("training schedule", &holder, LEASE),
            changes: None,
            scheduled: Vec::new(),
        }
    }

    /// The models with a schedule, which are read when something has changed.
    pub(super) fn scheduled(&mut self, registry: &Registry) -> Result<&[ModelDocument], Refusal> {
        let changes = registry.store()?.document_changes();
        if self.changes != Some(changes) {
            let documents = registry.documents()?.into_iter();
            self.scheduled = documents.filter(is_scheduled).collect();
            self.changes = Some(changes);
        }
        Ok(&self.scheduled)
    }

    /// Whether it is this server that trains by the schedules. A store of its own needs nobody to be asked.
    fn holds(&mut self, store: &Store) -> Result<bool, Refusal> {
        if !store.engine().is_shared() {
            return Ok(true);
        }
        Ok(self.lease.hold(store)?)
    }

    /// Gives up that it is this server that trains, so that another may at once.
    fn resign(&mut self, store: &Store) {
        if let Err(error) = self.lease.release(store) {
            tracing::warn!(%error, "other servers wait until they hear no more of this one");
        }
    }
}

impl Registry {
    /// Goes on with erasures that were interrupted, then trains models by their schedules and takes over what other
    /// servers promote, until the registry is gone; what operations answer is made by `answer`.
    ///
    /// # Errors
    /// [`ServeError::Workers`] if the system gives no thread.
    pub(crate) fn keep_schedule<R: prost::Name + 'static>(
        &self,
        answer: fn(&Version, bool) -> R,
    ) -> Result<(), ServeError> {
        if self.0.around.store.is_none() {
            return Ok(());
        }
        let weak = Arc::downgrade(&self.0);
        let ((stop, stopped), (end, ended)) = (channel(), oneshot::channel());
        let thread = thread::Builder::new().name("training-schedule".into());
        let spawned = thread.spawn(move || {
            keep(&weak, answer, &stopped);
            drop(end);
        });
        spawned.map_err(|error| ServeError::Workers(error.to_string()))?;
        self.state().keeper = Some(Keeper { stop, ended });
        Ok(())
    }

    /// Trains no more by the schedules, and leaves them to other servers at once.
    pub(crate) async fn leave_schedule(&self) {
        let Some(Keeper { stop, ended }) = self.state().keeper.take() else {
            return;
        };
        drop(stop);
        if tokio::time::timeout(FAREWELL, ended).await.is_err() {
            tracing::warn!(
                "the store is slow: other servers wait until they hear no more of this one"
            );
        }
    }

    pub(super) fn tick<R: prost::Name + 'static>(
        &self,
        answer: fn(&Version, bool) -> R,
        watch: &mut Watch,
    ) -> Result<(), Refusal> {
        self.follow()?;
        if self.0.around.directory.is_none() || watch.scheduled(self)?.is_empty() {
            return Ok(());
        }
        let store = self.store()?;
        // Held on to while a training runs; and what is due is judged by what the holder before has written.
        if !watch.holds(store)? || self.is_busy() {
            return Ok(());
        }
        let (now, events) = (store.now(), store.engine().status()?.contents.events);
        watch.scheduled(self)?;
        let mut scheduled = watch.scheduled.iter();
        let due = scheduled.find(|model| is_due(model, (now, events), &watch.jitter));
        if let Some(model) = due {
            self.begin_training(&model.id, answer)?;
        }
        Ok(())
    }
}

/// Keeps the schedules until the registry is gone, or whoever may stop it is.
fn keep<R: prost::Name + 'static>(
    registry: &Weak<Inner>,
    answer: fn(&Version, bool) -> R,
    stopped: &Receiver<()>,
) {
    let mut watch = Watch::new();
    if let Some(inner) = registry.upgrade()
        && let Err(refusal) = Registry(inner).resume_erasures()
    {
        let reason = refusal.reason();
        tracing::error!(reason, "interrupted erasures go on at the next start");
    }
    loop {
        let told = stopped.recv_timeout(INTERVAL);
        let Some(registry) = registry.upgrade().map(Registry) else {
            return;
        };
        if told != Err(RecvTimeoutError::Timeout) {
            registry
                .store()
                .iter()
                .for_each(|store| watch.resign(store));
            return;
        }
        if let Err(refusal) = registry.tick(answer, &mut watch) {
            let reason = refusal.reason();
            tracing::warn!(reason, "the training schedule is looked at again");
        }
    }
}

fn is_scheduled(model: &ModelDocument) -> bool {
    let policy = &model.policy;
    !model.paused && (policy.every_ms.is_some() || policy.after_events.is_some())
}

/// Whether a model is to be trained now, when there are so many events.
fn is_due(model: &ModelDocument, (now, events): (Timestamp, u64), jitter: &RandomState) -> bool {
    let Some(last) = &model.last_training else {
        return events >= model.policy.after_events.unwrap_or(1).max(1);
    };
    let by_events = (model.policy.after_events)
        .is_some_and(|after| events.saturating_sub(last.events) >= after);
    let by_clock = model.policy.every_ms.is_some_and(|every| {
        let tenth = u64::try_from(every / 10).unwrap_or_default();
        let later = jitter.hash_one((&model.id, last.time)) % (tenth + 1);
        let later = i64::try_from(later).unwrap_or_default();
        now.0.saturating_sub(last.time.0) >= every.saturating_add(later)
    });
    by_events || by_clock
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::document::LastTraining;

    fn model(
        every_ms: Option<i64>,
        after_events: Option<u64>,
        trained: Option<i64>,
    ) -> ModelDocument {
        let mut model = ModelDocument::new("daily", Timestamp(0));
        model.policy.every_ms = every_ms;
        model.policy.after_events = after_events;
        model.last_training = trained.map(|time| LastTraining {
            time: Timestamp(time),
            events: 100,
            error: None,
        });
        model
    }

    #[test]
    fn a_model_is_due_by_the_clock_and_by_events() {
        let jitter = RandomState::new();
        let due =
            |model: &ModelDocument, now, events| is_due(model, (Timestamp(now), events), &jitter);
        let hourly = model(Some(1000), None, Some(5000));
        assert!(!due(&hourly, 5999, 1_000_000) && due(&hourly, 6100, 0));
        let by_events = model(None, Some(50), Some(5000));
        assert!(!due(&by_events, 1_000_000, 149) && due(&by_events, 5000, 150));
        let new = model(Some(1000), None, None);
        assert!(!due(&new, 1_000_000, 0) && due(&new, 0, 1));
    }

    #[test]
    fn a_model_without_a_schedule_or_one_that_stands_still_is_never_due() {
        assert!(!is_scheduled(&model(None, None, None)));
        assert!(is_scheduled(&model(Some(1), None, None)));
        let paused = ModelDocument {
            paused: true,
            ..model(Some(1), Some(1), None)
        };
        assert!(!is_scheduled(&paused));
    }
}
