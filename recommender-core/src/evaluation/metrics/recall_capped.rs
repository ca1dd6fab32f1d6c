//! Capped recall: the share of the relevant items a list of this length could hold that was found.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// `hits / min(cut-off, relevant)`.
///
/// The recall of the Mult-VAE tables (Liang et al. 2018, "Variational autoencoders for collaborative filtering",
/// section 4.2). A full list of hits is 1 however many items are relevant. An empty list gives 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct RecallCapped;

impl QueryMetric for RecallCapped {
    fn name(&self) -> &'static str {
        "recall_capped"
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        _facts: &TrainingFacts<'_>,
        _scratch: &mut Scratch,
    ) -> Option<f64> {
        Some(answer.hit_count() as f64 / answer.reachable() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, judge};

    #[test]
    fn divides_by_what_the_list_can_hold() {
        assert_close(judge(&RecallCapped, "11", 8, 2), 1.0);
        assert_close(judge(&RecallCapped, "10100", 4, 5), 0.5);
        assert_close(judge(&RecallCapped, "", 3, 5), 0.0);
    }
}
