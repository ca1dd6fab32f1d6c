//! Catalogue coverage: how much of the catalogue is shown to anyone.

use super::{Exposure, RunMetric, TrainingFacts};

/// Items of the catalogue recommended at least once, over all items of the catalogue: those learned from or described.
///
/// Herlocker et al. 2004, "Evaluating collaborative filtering recommender systems", section 5.
/// Not defined for an empty catalogue.
#[derive(Debug, Clone, Copy, Default)]
pub struct Coverage;

impl RunMetric for Coverage {
    fn name(&self) -> &'static str {
        "coverage"
    }

    fn value(&self, exposure: &Exposure, facts: &TrainingFacts<'_>) -> Option<f64> {
        let (mut shown, mut all) = (0u64, 0u64);
        for item in facts.catalogue() {
            all += 1;
            shown += u64::from(exposure.of(item) > 0);
        }
        (all > 0).then(|| shown as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, dataset};
    use crate::ids::ItemIx;

    #[test]
    fn counts_items_shown_within_the_cutoff_once() {
        let dataset = dataset();
        let facts = TrainingFacts::new(&dataset);
        let mut exposure = Exposure::new(2, 3);
        assert_close(Coverage.value(&exposure, &facts).unwrap(), 0.0);
        exposure.add(&[ItemIx(0), ItemIx(1), ItemIx(2)]);
        exposure.add(&[ItemIx(1)]);
        assert_close(Coverage.value(&exposure, &facts).unwrap(), 2.0 / 3.0);
    }
}
