//! Hit rate: whether anything relevant was found.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// 1 if the list holds a relevant item, else 0, so also for an empty list.
///
/// With one relevant item a query it equals recall. Deshpande and Karypis 2004, "Item-based top-N recommendation algorithms", section 5.
#[derive(Debug, Clone, Copy, Default)]
pub struct HitRate;

impl QueryMetric for HitRate {
    fn name(&self) -> &'static str {
        "hit_rate"
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        _facts: &TrainingFacts<'_>,
        _scratch: &mut Scratch,
    ) -> Option<f64> {
        Some(f64::from(u8::from(answer.hit_count() > 0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, judge};

    #[test]
    fn one_hit_is_enough() {
        assert_close(judge(&HitRate, "0011", 5, 4), 1.0);
        assert_close(judge(&HitRate, "0000", 5, 4), 0.0);
        assert_close(judge(&HitRate, "", 5, 4), 0.0);
    }
}
