//! Average precision; its mean over the queries is MAP.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// `Σ precision(rank) / min(cut-off, relevant)` over the ranks of the hits, where `precision(rank)` is the share of
/// hits among the first `rank` answers.
///
/// Divided by what the list can hold, as in the Kaggle "MAP@k" and the `mapk` of the ml_metrics package, so that a full
/// list of hits is 1; dividing by `relevant` or by the hits found are other metrics (Tamm et al. 2021, "Quality metrics
/// in recommender systems: do we calculate metrics consistently?"). An empty list gives 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct Map;

impl QueryMetric for Map {
    fn name(&self) -> &'static str {
        "map"
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        _facts: &TrainingFacts<'_>,
        _scratch: &mut Scratch,
    ) -> Option<f64> {
        let precisions = (1..).zip(answer.hit_ranks());
        let sum: f64 = precisions
            .map(|(hits, rank)| f64::from(hits) / rank as f64)
            .sum();
        Some(sum / answer.reachable() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, judge};

    #[test]
    fn averages_the_precision_at_each_hit() {
        // Hits at ranks 1, 3 and 4 of 4 relevant: (1/1 + 2/3 + 3/4) / 4.
        assert_close(judge(&Map, "10110", 4, 5), (1.0 + 2.0 / 3.0 + 0.75) / 4.0);
        assert_close(judge(&Map, "11", 7, 2), 1.0);
        assert_close(judge(&Map, "01", 1, 2), 0.5);
        assert_close(judge(&Map, "", 1, 2), 0.0);
    }
}
