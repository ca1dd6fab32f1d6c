//! Purchases for the tests of the models.

use crate::dataset::Dataset;
use crate::events::{Event, EventKind, EventTable};
use crate::interactions::InteractionConfig;

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
