//! Purchases and visits for the tests of the models, and their answers as plain numbers.

use crate::dataset::Dataset;
use crate::events::{Event, EventKind, EventTable};
use crate::ids::ItemIx;
use crate::interactions::{HistoryEvent, InteractionConfig};
use crate::query::Query;
use crate::recommender::Recommender;
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

/// Sessions of views, each of another user: its items, and when it happened.
pub(super) fn sessions(
    items: u32,
    sessions: impl IntoIterator<Item = (Vec<u32>, Timestamp)>,
) -> Dataset {
    let mut table = EventTable::new();
    for item in 0..items {
        table.know_item(&item.to_string()).unwrap();
    }
    for (user, (session, time)) in sessions.into_iter().enumerate() {
        for item in session {
            let event = Event {
                kind: EventKind::View,
                time: Some(time),
                ..bought(&user, &item, 1.0)
            };
            table.push(&event).unwrap();
        }
    }
    Dataset::new(table, vec![], InteractionConfig::default()).unwrap()
}

/// A visit of these items, oldest first.
pub(super) fn visit(items: &[u32], limit: usize) -> Query {
    let mut query = Query::new(limit);
    query.session = items.iter().copied().map(ItemIx).collect();
    query
}

/// Items of a visit that differ, in the order in which they last came.
pub(super) fn distinct(items: &[u32]) -> Vec<u32> {
    let last = |place: &usize| !items[place + 1..].contains(&items[*place]);
    let places = (0..items.len()).filter(last);
    places.map(|place| items[place]).collect()
}

/// Items and scores, best first.
pub(super) fn answer(model: &impl Recommender, query: &Query) -> Vec<(u32, f32)> {
    let ranked = model.recommend(query).unwrap();
    let entries = ranked.entries().iter();
    entries.map(|entry| (entry.item.0, entry.score)).collect()
}

/// Scores by item.
pub(super) fn scores(model: &impl Recommender, query: &Query) -> Vec<(u32, f32)> {
    let mut scores = answer(model, query);
    scores.sort_by_key(|&(item, _)| item);
    scores
}

/// Asserts that the items are the same in this order, and their scores but for rounding.
#[track_caller]
pub(super) fn assert_close(found: &[(u32, f32)], expected: &[(u32, f32)]) {
    let near = |(a, b): (&(u32, f32), &(u32, f32))| a.0 == b.0 && (a.1 - b.1).abs() < 1e-6;
    let same = found.len() == expected.len() && found.iter().zip(expected).all(near);
    assert!(same, "{found:?} is not {expected:?}");
}
