//! How far a fit gets in which time: one rung for each number of epochs.

use serde::Serialize;

/// A fit of so many epochs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rung {
    /// Passes over the data.
    pub epochs: usize,
    /// Seconds of the fit.
    pub seconds: f64,
    /// NDCG of its answers.
    pub ndcg: f64,
}

/// The least seconds of a rung that reaches `ndcg`; none if none does.
#[must_use]
pub fn seconds_to_reach(rungs: &[Rung], ndcg: f64) -> Option<f64> {
    let reaching = rungs.iter().filter(|rung| rung.ndcg >= ndcg);
    reaching.map(|rung| rung.seconds).min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rung_high_enough_counts() {
        let rung = |epochs, seconds, ndcg| Rung {
            epochs,
            seconds,
            ndcg,
        };
        let rungs = [rung(1, 0.5, 0.1), rung(2, 1.0, 0.2), rung(4, 2.0, 0.2)];
        assert_eq!(seconds_to_reach(&rungs, 0.15), Some(1.0));
        assert_eq!(seconds_to_reach(&rungs, 0.3), None);
    }
}
