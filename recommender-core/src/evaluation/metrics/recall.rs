//! Recall: the share of the relevant items that was found.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// `hits / relevant`.
///
/// Divides by all relevant items even where the list is too short to hold them: the recall of the NGCF and LightGCN
/// tables (He et al. 2020, "LightGCN", section 4.1.2). An empty list gives 0; there is always a relevant item.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recall;

impl QueryMetric for Recall {
    fn name(&self) -> &'static str {
        "recall"
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        _facts: &TrainingFacts<'_>,
        _scratch: &mut Scratch,
    ) -> Option<f64> {
        Some(answer.hit_count() as f64 / answer.relevant as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, judge};

    #[test]
    fn divides_by_all_relevant_items() {
        assert_close(judge(&Recall, "10100", 4, 5), 0.5);
        assert_close(judge(&Recall, "11", 8, 2), 0.25);
        assert_close(judge(&Recall, "", 3, 5), 0.0);
    }
}
