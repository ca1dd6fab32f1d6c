//! Intra-list diversity: how different the items of one list are from each other.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};
use crate::ids::{DenseIndex, UserIx};

/// Mean over all pairs of the list of `1 − |A ∩ B| / √(|A| · |B|)`, where A and B are the sets of training users who have
/// the two items: one minus the cosine of the items' columns.
///
/// Training users describe every data set's items alike, with a catalogue or without. An item without training users is
/// fully different from any other. Not defined for a list of fewer than two items. Ziegler et al. 2005, "Improving
/// recommendation lists through topic diversification", with the cosine in place of their taxonomy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Diversity;

impl QueryMetric for Diversity {
    fn name(&self) -> &'static str {
        "diversity"
    }

    /// Takes as many steps as the items have training users together: unit columns are added up, and each addition
    /// meets the sum of those before it.
    fn value(
        &self,
        answer: &Judged<'_>,
        facts: &TrainingFacts<'_>,
        scratch: &mut Scratch,
    ) -> Option<f64> {
        let count = answer.items.len();
        if count < 2 {
            return None;
        }
        scratch.by_user.resize(facts.user_rows(), 0.0);
        let mut cosines = 0.0;
        for &item in answer.items {
            let users = facts.users_of(item);
            let unit = 1.0 / (users.len().max(1) as f64).sqrt();
            for &user in users {
                let sum = &mut scratch.by_user[UserIx(user).position()];
                cosines += *sum * unit;
                *sum += unit;
            }
        }
        for &item in answer.items {
            for &user in facts.users_of(item) {
                scratch.by_user[UserIx(user).position()] = 0.0;
            }
        }
        let pairs = (count * (count - 1) / 2) as f64;
        Some(1.0 - cosines / pairs)
    }

    fn judges_relevance(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, of_items};

    #[test]
    fn averages_the_distance_of_all_pairs() {
        // Users of item 0: all four; of item 1: u1, u2; of item 2: u3.
        let apart = 2.0 / (4.0f64 * 2.0).sqrt();
        assert_close(of_items(&Diversity, &[0, 1]).unwrap(), 1.0 - apart);
        let expected = 1.0 - (apart + 0.5 + 0.0) / 3.0;
        assert_close(of_items(&Diversity, &[0, 1, 2]).unwrap(), expected);
        assert_close(of_items(&Diversity, &[0, 9]).unwrap(), 1.0);
        assert_eq!(of_items(&Diversity, &[0]), None);
    }
}
