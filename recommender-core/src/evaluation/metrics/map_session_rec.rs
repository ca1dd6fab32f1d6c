//! Average precision as session-rec counts it.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// `Σ hits(rank) / (cut-off · events to come)` over the ranks of the hits before the last, where `hits(rank)` is the
/// number of hits among the first `rank` answers: precision is over the cut-off at every rank, and the last rank is
/// never looked at.
///
/// The MAP of the tables of Ludewig, Mauro, Latifi and Jannach 2021, "Empirical analysis of session-based recommendation
/// algorithms" (`evaluation/metrics/accuracy_multiple.py` of session-rec). Not comparable with [`Map`](super::Map). An
/// empty list gives 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct MapSessionRec;

impl QueryMetric for MapSessionRec {
    fn name(&self) -> &'static str {
        "map_session_rec"
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        _facts: &TrainingFacts<'_>,
        _scratch: &mut Scratch,
    ) -> Option<f64> {
        let hits = (1..).zip(answer.hit_ranks());
        let sum: u32 = hits
            .filter(|&(_, rank)| rank < answer.cutoff)
            .map(|(hits, _)| hits)
            .sum();
        Some(f64::from(sum) / (answer.cutoff * answer.to_come) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, judge_events};

    #[test]
    fn precision_is_over_the_cutoff_and_the_last_rank_is_not_looked_at() {
        // Hits at ranks 1, 3 and 5 of 5: (1 + 2) / (5 · 4).
        assert_close(judge_events(&MapSessionRec, "10101", (3, 4), 5), 0.15);
        assert_close(judge_events(&MapSessionRec, "", (3, 4), 5), 0.0);
    }
}
