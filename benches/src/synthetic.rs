//! Purchases with a long tail, made in the process from a seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::events::{Event, EventKind, EventTable};
use recommender_core::{Dataset, InteractionConfig, Result};

/// How much of what is made.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Number of users.
    pub users: u32,
    /// Number of items on offer.
    pub items: u32,
    /// Mean number of purchases of a user.
    pub purchases: u32,
}

/// Purchases of items drawn from Zipf's law with exponent 1 (by inversion of its continuous form), shifted by the
/// user's taste, one of 50, half of the time.
///
/// # Errors
/// As [`Dataset::new`].
#[expect(
    clippy::cast_possible_truncation,
    reason = "a draw lies below the number of items"
)]
pub fn dataset(size: Size, seed: u64) -> Result<Dataset> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut table = EventTable::new();
    for user in 0..size.users {
        let shift = user % 50 * (size.items / 50);
        for _ in 0..random.random_range(1..2 * size.purchases) {
            let rank = f64::from(size.items).powf(random.random::<f64>()) as u32 - 1;
            let item = if random.random() {
                (rank + shift) % size.items
            } else {
                rank
            };
            table.push(&purchase(&user, &item))?;
        }
    }
    Dataset::new(table, vec![], InteractionConfig::binary())
}

/// A user's purchase of one piece of an item, both called by their numbers.
pub fn purchase(user: &impl ToString, item: &impl ToString) -> Event {
    Event {
        visitor: user.to_string(),
        item: Some(item.to_string()),
        kind: EventKind::Purchase,
        quantity: 1.0,
        ..Event::default()
    }
}
