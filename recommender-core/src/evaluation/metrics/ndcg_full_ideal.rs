//! NDCG against the best ranking of all relevant items, however long.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// As [`Ndcg`](super::Ndcg), but `IDCG` sums over ranks 1 to `relevant`, past the cut-off:
/// a short list can never reach 1 if more is relevant than it can hold.
///
/// The NDCG of the next-basket tables (Li et al. 2023, "A next basket recommendation reality check", evaluation code). An empty list gives 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct NdcgFullIdeal;

impl QueryMetric for NdcgFullIdeal {
    fn name(&self) -> &'static str {
        "ndcg_full_ideal"
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        _facts: &TrainingFacts<'_>,
        _scratch: &mut Scratch,
    ) -> Option<f64> {
        let ideal = super::ndcg::gain(1..=answer.relevant);
        Some(super::ndcg::gain(answer.hit_ranks()) / ideal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, judge};

    #[test]
    fn a_full_list_of_hits_is_less_than_one_if_more_is_relevant() {
        // (1 + 1/log2(3)) / (1 + 1/log2(3) + 1/2)
        let expected = 1.630_929_753_571_457_4 / 2.130_929_753_571_457_4;
        assert_close(judge(&NdcgFullIdeal, "11", 3, 2), expected);
        assert_close(judge(&NdcgFullIdeal, "11", 2, 2), 1.0);
        assert_close(judge(&NdcgFullIdeal, "", 2, 2), 0.0);
    }
}
