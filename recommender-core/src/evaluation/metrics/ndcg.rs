//! Normalised discounted cumulative gain with binary relevance.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// `DCG / IDCG` with `DCG = Σ 1 / log2(1 + rank)` over the hits, and `IDCG` the same sum over
/// ranks 1 to `min(cut-off, relevant)`: the gain of the best list of this length.
///
/// An empty list gives 0, a list of hits as long as it can be 1. Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR
/// techniques", with the discount of Burges et al. 2005; the NDCG of the LightGCN and Mult-VAE tables.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ndcg;

impl QueryMetric for Ndcg {
    fn name(&self) -> &'static str {
        "ndcg"
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        _facts: &TrainingFacts<'_>,
        _scratch: &mut Scratch,
    ) -> Option<f64> {
        let ideal = gain(1..=answer.reachable());
        Some(gain(answer.hit_ranks()) / ideal)
    }
}

/// The discounted gain of hits at `ranks`, counted from 1.
pub(super) fn gain(ranks: impl Iterator<Item = usize>) -> f64 {
    ranks.map(|rank| 1.0 / (1.0 + rank as f64).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, judge};

    #[test]
    fn hits_are_discounted_by_rank_against_the_best_list() {
        // Hits at ranks 1 and 3 of 4 relevant, cut-off 5: (1 + 1/2) / (1 + 1/log2(3) + 1/2 + 1/log2(5)).
        assert_close(judge(&Ndcg, "10100", 4, 5), 1.5 / 2.561_606_311_644_851);
        // Hits at rank 2 alone: 1/log2(3).
        assert_close(judge(&Ndcg, "01", 1, 2), 0.630_929_753_571_457_4);
        assert_close(judge(&Ndcg, "11", 9, 2), 1.0);
        assert_close(judge(&Ndcg, "", 2, 5), 0.0);
    }
}
