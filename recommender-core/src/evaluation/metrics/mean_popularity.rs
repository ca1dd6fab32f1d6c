//! Mean popularity of the recommended items.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// Mean number of training users who have each item. Not defined for an empty list.
///
/// The average recommendation popularity of Abdollahpouri, Burke and Mobasher 2019,
/// "Managing popularity bias in recommender systems with personalized re-ranking".
#[derive(Debug, Clone, Copy, Default)]
pub struct MeanPopularity;

impl QueryMetric for MeanPopularity {
    fn name(&self) -> &'static str {
        "mean_popularity"
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
        let users = answer.items.iter().map(|&item| facts.users_of(item).len());
        Some(users.sum::<usize>() as f64 / answer.items.len() as f64)
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
    fn counts_training_users() {
        assert_eq!(of_items(&MeanPopularity, &[0, 1]), Some(3.0));
        assert_eq!(of_items(&MeanPopularity, &[2, 9]), Some(0.5));
        assert_eq!(of_items(&MeanPopularity, &[]), None);
    }
}
