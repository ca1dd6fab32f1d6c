//! Gini coefficient of exposure: how unequally the catalogue is shown.

use super::{Exposure, RunMetric, TrainingFacts};

/// `Σ (2i − n − 1) · xᵢ / (n · Σ xᵢ)`, with `x` the exposures of the catalogue's `n` items in ascending order and `i` from 1.
///
/// 0 if all items are shown equally often, `1 − 1/n` if only one is. Items never shown count with zero. Not defined if nothing
/// was recommended. Castells, Hurley and Vargas 2022, "Novelty and diversity in recommender systems", equation 26.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gini;

impl RunMetric for Gini {
    fn name(&self) -> &'static str {
        "gini"
    }

    fn value(&self, exposure: &Exposure, facts: &TrainingFacts<'_>) -> Option<f64> {
        let mut counts: Vec<u64> = facts.catalogue().map(|item| exposure.of(item)).collect();
        counts.sort_unstable();
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return None;
        }
        let items = counts.len() as f64;
        let weighted = |(position, &count): (usize, &u64)| {
            (2.0 * (position as f64 + 1.0) - items - 1.0) * count as f64
        };
        let sum: f64 = counts.iter().enumerate().map(weighted).sum();
        Some(sum / (items * total as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, dataset};
    use crate::ids::ItemIx;

    #[test]
    fn runs_from_equal_to_one_item_alone() {
        let dataset = dataset();
        let facts = TrainingFacts::new(&dataset);
        let mut exposure = Exposure::new(3, 3);
        assert_eq!(Gini.value(&exposure, &facts), None);
        exposure.add(&[ItemIx(2)]);
        assert_close(Gini.value(&exposure, &facts).unwrap(), 2.0 / 3.0);
        exposure.add(&[ItemIx(0), ItemIx(1)]);
        assert_close(Gini.value(&exposure, &facts).unwrap(), 0.0);
        // Exposures 1, 1, 2: (-2·1 + 0·1 + 2·2) / (3·4).
        exposure.add(&[ItemIx(2)]);
        assert_close(Gini.value(&exposure, &facts).unwrap(), 1.0 / 6.0);
    }
}
