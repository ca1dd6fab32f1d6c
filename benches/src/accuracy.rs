//! Recall and NDCG as the papers on the Gowalla, Yelp and Amazon-book splits define them.

/// Means over all users with something held out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accuracy {
    /// Hits over the number of items held out.
    pub recall: f64,
    /// Discounted hits over those of a list that begins with the items held out, as many as fit.
    pub ndcg: f64,
}

/// Judges `lists`, best first, by the items `held_out` of the same users, both by item number; `limit` is the length
/// of a full list. The definitions of He et al., *LightGCN* (SIGIR 2020), as its published code computes them.
///
/// # Panics
/// If there is not one list per user.
#[must_use]
pub fn accuracy(lists: &[Vec<u32>], held_out: &[Vec<u32>], limit: usize) -> Accuracy {
    assert_eq!(lists.len(), held_out.len(), "one list per user");
    let discount = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let (mut recall, mut ndcg, mut users) = (0.0, 0.0, 0.0);
    for (list, truth) in lists
        .iter()
        .zip(held_out)
        .filter(|(_, truth)| !truth.is_empty())
    {
        let hits = || {
            (0..)
                .zip(list.iter().take(limit))
                .filter(|(_, item)| truth.contains(item))
        };
        let ideal: f64 = (0..limit.min(truth.len())).map(discount).sum();
        recall += hits().count() as f64 / truth.len() as f64;
        ndcg += hits().map(|(rank, _)| discount(rank)).sum::<f64>() / ideal;
        users += 1.0;
    }
    Accuracy {
        recall: recall / users,
        ndcg: ndcg / users,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_counted_and_discounted() {
        let lists = [vec![7, 1, 2], vec![3], vec![]];
        let held_out = [vec![1, 9], vec![], vec![5]];
        let found = accuracy(&lists, &held_out, 3);
        // The first user has one of two, at rank 2; the second holds nothing out; the third has none.
        assert!((found.recall - 0.5 / 2.0).abs() < 1e-12);
        let ndcg = (1.0 / 3f64.log2()) / (1.0 + 1.0 / 3f64.log2());
        assert!((found.ndcg - ndcg / 2.0).abs() < 1e-12);
    }
}
