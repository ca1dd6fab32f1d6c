//! Purchases for the tests of the models.

use crate::dataset::Dataset;
use crate::events::{Event, EventKind, EventTable};
use crate::ids::ItemIx;
use crate::interactions::{HistoryEvent, InteractionConfig};
use crate::query::Query;
use crate::time::Timestamp;

/// A user's purchase of so many of an item.
pub(super) fn bought(user: &impl ToString, item: &impl ToString, quantity: f32) -> Event {
    Event {
        visitor: user.to_string(),
        item: Some(item.to_string()),
        kind: EventKind::Purchase,
        quantity,
        ..Event::default()
    }
}

/// Users who bought items of `0..items`, numbered as they are called, whether anybody bought them or not.
pub(super) fn dataset(items: u32, users: &[&[u32]]) -> Dataset {
    let mut table = EventTable::new();
    for item in 0..items {
        table.know_item(&item.to_string()).unwrap();
    }
    for (user, row) in users.iter().enumerate() {
        for item in *row {
            table.push(&bought(&user, item, 1.0)).unwrap();
        }
    }
    Dataset::new(table, vec![], InteractionConfig::default()).unwrap()
}

/// Users who bought baskets of items of `0..items`, a day apart; a user's list is of baskets, oldest first.
pub(super) fn baskets(items: u32, users: &[&[&[u32]]]) -> Dataset {
    let mut table = EventTable::new();
    for item in 0..items {
        table.know_item(&item.to_string()).unwrap();
    }
    for (user, baskets) in users.iter().enumerate() {
        for (day, basket) in (0..).zip(*baskets) {
            for item in *basket {
                let event = Event {
                    time: Some(day_of(day)),
                    ..bought(&user, item, 1.0)
                };
                table.push(&event).unwrap();
            }
        }
    }
    Dataset::new(table, vec![], InteractionConfig::default()).unwrap()
}

/// A shopper who bought these baskets a day apart asks a day after the last of them.
pub(super) fn asked(baskets: &[&[u32]]) -> Query {
    let mut events = Vec::new();
    for (day, basket) in (0..).zip(baskets) {
        events.extend(basket.iter().map(|&item| HistoryEvent {
            item: ItemIx(item),
            kind: EventKind::Purchase,
            channel: None,
            quantity: 1.0,
            rating: None,
            time: day_of(day),
        }));
    }
    let now = day_of(i64::try_from(baskets.len()).unwrap());
    crate::dataset::query(&InteractionConfig::default(), &events, now, 10).unwrap()
}

fn day_of(day: i64) -> Timestamp {
    Timestamp::from_seconds(day * 86_400)
}
