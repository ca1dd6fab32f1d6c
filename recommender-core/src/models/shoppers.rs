//! One pass over the shoppers of a dataset, each as the query that serving would ask about her.

use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::error::Result;
use crate::ids::{DenseIndex, UserIx};
use crate::query::Query;
use crate::recommender::FitOptions;

/// Shoppers looked at before progress is reported again; fixed, so that nothing depends on the number of threads.
const SHOPPERS_PER_STEP: usize = 1024;

/// What `learn` makes of the query of each user of `dataset`, in the order of the users. A user without events has a
/// query without timeline.
///
/// # Errors
/// [`crate::Error::Cancelled`], [`crate::Error::Config`] for a custom kind without a weight.
pub(super) fn of_each<T: Send>(
    dataset: &Dataset,
    options: &FitOptions,
    learn: impl Fn(&Query) -> T + Sync,
) -> Result<Vec<T>> {
    let users = dataset.users().len();
    let mut learned = Vec::with_capacity(users);
    options.step("shoppers", 0.0)?;
    for start in (0..users).step_by(SHOPPERS_PER_STEP) {
        let end = users.min(start + SHOPPERS_PER_STEP);
        let part: Vec<T> = (start..end)
            .into_par_iter()
            .map(|user| Ok(learn(&dataset.query_of(UserIx::at(user), 0)?)))
            .collect::<Result<_>>()?;
        learned.extend(part);
        options.step("shoppers", end as f64 / users as f64)?;
    }
    Ok(learned)
}

/// Entries of one item added up, in the order they come; items ascending.
pub(super) fn summed(mut entries: Vec<(u32, f32)>) -> Vec<(u32, f32)> {
    entries.sort_by_key(|&(item, _)| item);
    entries.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    entries
}

/// At most `limit` of `nearest`, which are sorted by index and one more than that: without the first that is the shopper
/// `herself`, or, if none is, without the farthest, of equals the one with the higher index.
pub(super) fn others(
    nearest: &[(u32, f32)],
    limit: usize,
    herself: impl Fn(u32) -> bool,
) -> Vec<(u32, f32)> {
    let mut others = nearest.to_vec();
    let place = others.iter().position(|&(user, _)| herself(user));
    let farthest = || {
        let places = (0..nearest.len()).filter(|_| nearest.len() > limit);
        places.min_by(|&a, &b| nearest[a].1.total_cmp(&nearest[b].1).then(b.cmp(&a)))
    };
    if let Some(place) = place.or_else(farthest) {
        others.remove(place);
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn she_is_left_out_or_else_the_farthest() {
        let nearest = [(1, 0.5), (4, 0.9), (6, 0.5)];
        assert_eq!(others(&nearest, 2, |user| user == 4), [(1, 0.5), (6, 0.5)]);
        assert_eq!(others(&nearest, 2, |_| false), [(1, 0.5), (4, 0.9)]);
        assert_eq!(others(&nearest, 3, |_| false), nearest);
        assert_eq!(others(&[], 3, |_| true), []);
    }

    #[test]
    fn entries_of_one_item_add_up() {
        let entries = vec![(4, 1.0), (2, 0.5), (4, 2.0)];
        assert_eq!(summed(entries), [(2, 0.5), (4, 3.0)]);
    }
}
