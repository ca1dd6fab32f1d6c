//! What a mine has found so far, and what it takes in memory.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::recommender::FitOptions;

/// Findings past the bytes allowed are still counted, so that the error can say what they need: up to so many times
/// the bytes allowed.
const COUNTED_PAST: u64 = 8;

/// Keeps count of findings and their bytes over all threads. Whether they fit depends on their sum alone, so that the
/// outcome is the same in whatever order they come.
pub(super) struct Ledger<'a> {
    allowed: u64,
    bytes: AtomicU64,
    findings: AtomicU64,
    options: &'a FitOptions,
}

/// What is left for a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Enough.
    Left,
    /// Nothing, but findings are still counted.
    Short,
    /// Nothing, and far more was found than there was room for: there is no use in going on.
    Gone,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(allowed: u64, options: &'a FitOptions) -> Self {
        Self {
            allowed,
            bytes: AtomicU64::new(0),
            findings: AtomicU64::new(0),
            options,
        }
    }

    /// Notes so many findings and their bytes.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub(super) fn note(&self, findings: usize, bytes: u64) -> Result<Room> {
        if self.options.cancel.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        self.findings.fetch_add(findings as u64, Ordering::Relaxed);
        let bytes = bytes.saturating_add(self.bytes.fetch_add(bytes, Ordering::Relaxed));
        Ok(if bytes <= self.allowed {
            Room::Left
        } else if bytes <= self.most_counted() {
            Room::Short
        } else {
            Room::Gone
        })
    }

    /// Reports progress.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub(super) fn step(&self, stage: &str, done: f64) -> Result<()> {
        self.options.step(stage, done)
    }

    fn most_counted(&self) -> u64 {
        self.allowed.saturating_mul(COUNTED_PAST)
    }

    /// Whether all findings, of which there are many `called` so, had room.
    ///
    /// # Errors
    /// [`Error::Data`] saying what they need.
    pub(super) fn settle(&self, called: &str) -> Result<()> {
        let bytes = self.bytes.load(Ordering::Relaxed);
        if bytes <= self.allowed {
            return Ok(());
        }
        let needed = if bytes <= self.most_counted() {
            let findings = self.findings.load(Ordering::Relaxed);
            format!("{findings} {called} need {bytes} bytes")
        } else {
            format!("the {called} need more than {} bytes", self.most_counted())
        };
        let allowed = self.allowed;
        let reason = format!(
            "{needed}, max_memory_bytes allows {allowed}; a larger support, a shorter length, a stricter bound or more \
             memory would do"
        );
        Err(Error::data("rules", reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_up_to_a_bound() {
        let options = FitOptions::default();
        let ledger = Ledger::new(100, &options);
        assert_eq!(ledger.note(10, 100).unwrap(), Room::Left);
        assert!(ledger.settle("itemsets").is_ok());
        assert_eq!(ledger.note(5, 50).unwrap(), Room::Short);
        let error = ledger.settle("itemsets").unwrap_err().to_string();
        assert!(error.contains("15 itemsets need 150 bytes"), "{error}");
        assert_eq!(ledger.note(100, 1_000).unwrap(), Room::Gone);
        let error = ledger.settle("itemsets").unwrap_err().to_string();
        assert!(error.contains("more than 800 bytes"), "{error}");
    }
}
