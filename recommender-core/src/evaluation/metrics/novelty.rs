//! Novelty: how surprising the recommended items are.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// Mean self-information of the items, in bits: `-log2(training users of the item / training users)`.
///
/// An item no training user has counts as if one had it. Not defined for an empty list.
/// Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma of recommender systems".
#[derive(Debug, Clone, Copy, Default)]
pub struct Novelty;

impl QueryMetric for Novelty {
    fn name(&self) -> &'static str {
        "novelty"
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        facts: &TrainingFacts<'_>,
        _scratch: &mut Scratch,
    ) -> Option<f64> {
        if answer.items.is_empty() {
            return None;
        }
        let users = facts.users() as f64;
        let information = |users_of: usize| (users / users_of.max(1) as f64).log2();
        let items = answer.items.iter();
        let sum: f64 = items
            .map(|&item| information(facts.users_of(item).len()))
            .sum();
        Some(sum / answer.items.len() as f64)
    }

    fn judges_relevance(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::of_items;

    #[test]
    fn rare_items_carry_more_bits() {
        // Of four users, four have item 0, two have item 1, one has item 2, none has item 9.
        assert_eq!(of_items(&Novelty, &[0]), Some(0.0));
        assert_eq!(of_items(&Novelty, &[0, 1, 2]), Some(1.0));
        assert_eq!(of_items(&Novelty, &[9]), Some(2.0));
        assert_eq!(of_items(&Novelty, &[]), None);
    }
}
