//! Precision: the share of the list that is relevant.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// `hits / cut-off`.
///
/// Divides by the cut-off even where the list is shorter: what was not answered is a miss. An empty list gives 0.
/// Manning, Raghavan and Schütze 2008, "Introduction to information retrieval", section 8.4.
#[derive(Debug, Clone, Copy, Default)]
pub struct Precision;

impl QueryMetric for Precision {
    fn name(&self) -> &'static str {
        "precision"
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        _facts: &TrainingFacts<'_>,
        _scratch: &mut Scratch,
    ) -> Option<f64> {
        Some(answer.hit_count() as f64 / answer.cutoff as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, judge};

    #[test]
    fn a_short_list_is_a_list_with_misses() {
        assert_close(judge(&Precision, "10100", 4, 5), 0.4);
        assert_close(judge(&Precision, "1", 4, 5), 0.2);
        assert_close(judge(&Precision, "", 4, 5), 0.0);
    }
}
