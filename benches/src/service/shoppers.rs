//! What the shoppers of the shop did: each has a few tastes, and comes in visits that are about one of them.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::Timestamp;
use recommender_core::events::{Channel, Event, EventKind};

use crate::store::workload::Shop;

/// Categories of the shop; a product's is its number modulo this.
pub const CATEGORIES: u32 = 40;

/// Categories that a shopper cares for.
const TASTES: usize = 3;

/// Visits of a shopper, and events of a visit.
const VISITS: u32 = 10;
const EVENTS_OF_A_VISIT: u32 = 6;

const DAY_MS: i64 = 86_400_000;

/// The first moment, and the days after it in which everything happened.
const START_MS: i64 = 1_750_000_000_000;
const DAYS: i64 = 60;

/// All that the shoppers did, in order of time.
#[must_use]
pub fn events(shop: Shop, seed: u64) -> Vec<Event> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut events = Vec::new();
    for visitor in 0..shop.visitors {
        let tastes: [u32; TASTES] = std::array::from_fn(|_| random.random_range(0..CATEGORIES));
        for visit in 0..VISITS {
            let taste = tastes[random.random_range(0..TASTES)];
            let time = START_MS + random.random_range(0..DAYS * DAY_MS);
            let place = random.random_ratio(1, 4);
            let place = place.then(|| format!("store-{:03}", random.random_range(0..shop.places)));
            for step in 0..EVENTS_OF_A_VISIT {
                events.push(Event {
                    id: Some(format!("{visitor:x}/{visit:x}/{step}")),
                    visitor: format!("visitor-{visitor:06}"),
                    item: Some(format!("item-{:06}", item(&mut random, shop.items, taste))),
                    kind: kind(&mut random),
                    channel: Some(match place {
                        Some(_) => Channel::PointOfSale,
                        None => Channel::Web,
                    }),
                    place: place.clone(),
                    time: Some(Timestamp(time + i64::from(step) * 40_000)),
                    quantity: 1.0,
                    session: Some(format!("{visitor:x}-{visit:x}")),
                    ..Event::default()
                });
            }
        }
    }
    events.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
    events
}

fn kind(random: &mut ChaCha8Rng) -> EventKind {
    match random.random_range(0..100) {
        0..70 => EventKind::View,
        70..85 => EventKind::Click,
        85..93 => EventKind::AddToCart,
        _ => EventKind::Purchase,
    }
}

/// A product, nine times of ten of that category; of each category few are taken often.
fn item(random: &mut ChaCha8Rng, items: u32, taste: u32) -> u32 {
    let category = if random.random_ratio(9, 10) {
        taste
    } else {
        random.random_range(0..CATEGORIES)
    };
    let draw: f64 = random.random();
    let of_category = f64::from(items / CATEGORIES);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between zero and the number of products of a category"
    )]
    let rank = (draw * draw * draw * of_category) as u32;
    rank * CATEGORIES + category
}
