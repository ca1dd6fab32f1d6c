//! NDCG with a discount that begins at the third rank.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// `DCG / IDCG` with `DCG = Σ d(rank)` over the hits, `d(1) = 1` and `d(rank) = 1 / log2(rank)` behind, so that ranks 1
/// and 2 weigh alike, and `IDCG` the same sum over ranks 1 to `min(cut-off, events to come)`, an item that comes again
/// counting again.
///
/// The NDCG of Serenade (`src/metrics/ndcg.rs`) and of session-rec (`evaluation/metrics/accuracy_multiple.py`); the
/// discount of Järvelin and Kekäläinen 2002 with base 2. Not comparable with [`Ndcg`](super::Ndcg). An empty list gives 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct NdcgFlatStart;

impl QueryMetric for NdcgFlatStart {
    fn name(&self) -> &'static str {
        "ndcg_flat_start"
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        _facts: &TrainingFacts<'_>,
        _scratch: &mut Scratch,
    ) -> Option<f64> {
        let ideal = gain(1..=answer.to_come.min(answer.cutoff));
        Some(gain(answer.hit_ranks()) / ideal)
    }
}

fn gain(ranks: impl Iterator<Item = usize>) -> f64 {
    ranks.map(|rank| 1.0 / (rank as f64).log2().max(1.0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, judge_events};

    #[test]
    fn the_first_two_ranks_weigh_alike() {
        // The example in Serenade's own test: hits at ranks 3 and 4 of four events to come.
        let found = judge_events(&NdcgFlatStart, "0011", (4, 4), 20);
        assert_close(found, 0.361_212_113_520_401_95);
        assert_close(judge_events(&NdcgFlatStart, "01", (1, 1), 2), 1.0);
        assert_close(judge_events(&NdcgFlatStart, "1", (1, 2), 5), 0.5);
        assert_close(judge_events(&NdcgFlatStart, "", (1, 2), 5), 0.0);
    }
}
