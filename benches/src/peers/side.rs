//! What one side of a comparison took and answered.

use std::collections::BTreeMap;

use recommender_core::Result;

use crate::accuracy::{Accuracy, accuracy};
use crate::split::Split;

/// Seconds of every round by stage, the lists of the last round, the most memory held.
#[derive(Debug, Default, Clone)]
pub struct Side {
    /// Seconds of each round by stage.
    pub seconds: BTreeMap<String, Vec<f64>>,
    /// The answers of the last round, as item numbers.
    pub lists: Vec<Vec<u32>>,
    /// The most memory held, in bytes, data included.
    pub peak_memory_bytes: u64,
}

impl Side {
    /// Adds the seconds that a stage took in one round.
    pub fn took(&mut self, stage: &str, seconds: f64) {
        self.seconds.entry(stage.into()).or_default().push(seconds);
    }

    /// The median seconds of a stage, if it ever ran.
    #[must_use]
    pub fn median(&self, stage: &str) -> Option<f64> {
        self.seconds.get(stage).and_then(|rounds| median(rounds))
    }

    /// How good the lists of the last round are.
    #[must_use]
    pub fn accuracy(&self, split: &Split, limit: usize) -> Accuracy {
        accuracy(&self.lists, &split.held_out, limit)
    }

    /// Adds the seconds of one run of `work` to `stage`.
    ///
    /// # Errors
    /// What `work` gives.
    pub fn time<T>(&mut self, stage: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = std::time::Instant::now();
        let result = work()?;
        self.took(stage, start.elapsed().as_secs_f64());
        Ok(result)
    }
}

/// The middle of `values`, the upper one of two; none without any.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[]), None);
    }
}
