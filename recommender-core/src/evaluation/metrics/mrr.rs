//! Reciprocal rank; its mean over the queries is MRR.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// `1 / rank` of the first hit within the cut-off, 0 without one, so also for an empty list.
///
/// Voorhees 1999, "The TREC-8 question answering track report".
#[derive(Debug, Clone, Copy, Default)]
pub struct Mrr;

impl QueryMetric for Mrr {
    fn name(&self) -> &'static str {
        "mrr"
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        _facts: &TrainingFacts<'_>,
        _scratch: &mut Scratch,
    ) -> Option<f64> {
        Some(
            answer
                .hit_ranks()
                .next()
                .map_or(0.0, |rank| 1.0 / rank as f64),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, judge};

    #[test]
    fn only_the_first_hit_counts() {
        assert_close(judge(&Mrr, "00101", 2, 5), 1.0 / 3.0);
        assert_close(judge(&Mrr, "1", 2, 5), 1.0);
        assert_close(judge(&Mrr, "000", 2, 5), 0.0);
        assert_close(judge(&Mrr, "", 2, 5), 0.0);
    }
}
