//! More of the same data: users drawn again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::events::EventTable;
use recommender_core::{Dataset, InteractionConfig, Result};

use crate::synthetic::purchase;

/// The items of each user.
pub type Pairs = Vec<Vec<u32>>;

/// The share of items that a user drawn again has exchanged.
const EXCHANGED: f64 = 0.1;

/// A dataset of `times` as many users as `base`: those of `base`, then users drawn from it with replacement, a tenth of
/// whose items is exchanged for items of others drawn in proportion to their popularity. The catalogue stays the same,
/// so the interactions grow as the users do.
///
/// # Errors
/// As [`Dataset::new`].
pub fn resampled(base: &[Vec<u32>], times: usize, seed: u64) -> Result<Dataset> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut table = EventTable::new();
    for (user, items) in base.iter().enumerate() {
        push(&mut table, user, items)?;
    }
    let all: Vec<u32> = base.concat();
    for user in base.len()..times * base.len() {
        let drawn = base.choose(&mut random).map_or(&[][..], |items| items);
        let mut items: BTreeSet<u32> = BTreeSet::new();
        for &item in drawn {
            let exchanged = random.random_bool(EXCHANGED);
            let other = all.choose(&mut random).filter(|_| exchanged);
            items.insert(*other.unwrap_or(&item));
        }
        push(&mut table, user, &items.into_iter().collect::<Vec<_>>())?;
    }
    Dataset::new(table, vec![], InteractionConfig::binary())
}

/// `base` with its `items` most popular items alone, ties to the lower number; users without any of them drop out.
#[must_use]
pub fn most_popular(base: &[Vec<u32>], items: usize) -> Pairs {
    let mut users: BTreeMap<u32, usize> = BTreeMap::new();
    for &item in base.iter().flatten() {
        *users.entry(item).or_default() += 1;
    }
    let mut order: Vec<(u32, usize)> = users.into_iter().collect();
    order.sort_by_key(|&(item, users)| (Reverse(users), item));
    let kept: BTreeSet<u32> = order.iter().take(items).map(|&(item, _)| item).collect();
    let cut = |items: &Vec<u32>| -> Vec<u32> {
        let few = items.iter().filter(|item| kept.contains(item));
        few.copied().collect()
    };
    let rows = base.iter().map(cut);
    rows.filter(|items| !items.is_empty()).collect()
}

fn push(table: &mut EventTable, user: usize, items: &[u32]) -> Result<()> {
    for item in items {
        table.push(&purchase(&user, item))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_popular_items_are_kept() {
        let base = [vec![5, 9], vec![9], vec![7, 9], vec![5, 7], vec![3]];
        let few = most_popular(&base, 2);
        assert_eq!(few, [vec![5, 9], vec![9], vec![9], vec![5]]);
    }

    #[test]
    fn users_grow_and_the_catalogue_does_not() {
        let base: Pairs = (0..40u32)
            .map(|user| vec![user % 7, 7 + user % 5])
            .collect();
        let dataset = resampled(&base, 4, 1).unwrap();
        let matrix = dataset.interactions().by_user();
        assert_eq!((matrix.rows(), matrix.cols()), (160, 12));
        assert!((300..=320).contains(&matrix.nnz()), "{}", matrix.nnz());
        let again = resampled(&base, 4, 1).unwrap();
        assert_eq!(again.interactions(), dataset.interactions());
        assert_eq!(
            resampled(&base, 1, 1)
                .unwrap()
                .interactions()
                .by_user()
                .nnz(),
            80
        );
    }
}
