//! How far a piece of work is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How far a piece of work is, and whether it was asked to stop. Cheap to clone; clones tell of the same work.
///
/// What it tells is for people who look at it: a reader may see a new stage with the fraction of the one before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    told: Arc<Told>,
    cancel: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Told {
    stage: Mutex<String>,
    /// Bits of the fraction; not a number where nobody can tell.
    fraction: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            stage: Mutex::default(),
            fraction: AtomicU64::new(f64::NAN.to_bits()),
            succeeded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }
}

impl Progress {
    /// Says what the work is at now, in a word or two; how much of it is done is not known until it is told.
    pub(crate) fn stage(&self, stage: &str) {
        self.fraction(None);
        let mut told = self.told.stage.lock();
        stage.clone_into(told.as_mut().unwrap_or_else(|poisoned| poisoned.get_mut()));
    }

    /// Says how much of the stage is done, from 0 to 1; none where nobody can tell.
    pub(crate) fn fraction(&self, fraction: Option<f64>) {
        let bits = fraction.map_or(f64::NAN, |fraction| fraction.clamp(0.0, 1.0));
        self.told.fraction.store(bits.to_bits(), Ordering::Relaxed);
    }

    /// Says how many things are done so far, in all.
    pub(crate) fn succeeded(&self, count: u64) {
        self.told.succeeded.store(count, Ordering::Relaxed);
    }

    /// Says how many things were refused so far, in all.
    pub(crate) fn failed(&self, count: u64) {
        self.told.failed.store(count, Ordering::Relaxed);
    }

    /// Whether the work was asked to stop. Long work asks between its steps, and then ends with
    /// [`recommender_core::Error::Cancelled`].
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// What is set when the work is asked to stop.
    pub(crate) fn cancel_flag(&self) -> &Arc<AtomicBool> {
        &self.cancel
    }

    /// Asks the work to stop.
    pub(super) fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// What was told last: stage, fraction, things done, things refused.
    pub(super) fn told(&self) -> (String, Option<f64>, u64, u64) {
        let told = &self.told;
        let stage = told.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let fraction = f64::from_bits(told.fraction.load(Ordering::Relaxed));
        (
            stage.clone(),
            (!fraction.is_nan()).then_some(fraction),
            told.succeeded.load(Ordering::Relaxed),
            told.failed.load(Ordering::Relaxed),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_by_every_clone() {
        let progress = Progress::default();
        assert_eq!(progress.told(), (String::new(), None, 0, 0));
        let clone = progress.clone();
        progress.stage("reading");
        progress.fraction(Some(1.5));
        progress.succeeded(7);
        progress.failed(2);
        assert_eq!(clone.told(), ("reading".to_owned(), Some(1.0), 7, 2));
        progress.stage("writing");
        assert_eq!(clone.told(), ("writing".to_owned(), None, 7, 2));
        clone.cancel();
        assert!(progress.is_cancelled() && progress.cancel_flag().load(Ordering::Relaxed));
    }
}
