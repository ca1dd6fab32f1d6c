//! For any events, a shopper's training row is exactly the history of her query, and the matrix keeps its promises.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::prelude::*;
use recommender_core::events::{Channel, Event, EventKind, EventTable, Stance};
use recommender_core::interactions::{Combine, Quantity};
use recommender_core::sessions::{SessionConfig, Sessions};
use recommender_core::{Dataset, DenseIndex, InteractionConfig, Timestamp, dataset};

fn event() -> impl Strategy<Value = Event> {
    let kinds = prop_oneof![
        4 => Just(EventKind::Purchase),
        3 => Just(EventKind::Return),
        2 => Just(EventKind::AddToCart),
        2 => Just(EventKind::RemoveFromCart),
        1 => Just(EventKind::View),
        1 => Just(EventKind::Search),
        1 => Just(EventKind::Rating),
        1 => Just(EventKind::Hide),
        1 => Just(EventKind::Custom("dwell".into())),
    ];
    let rest = (0..6u8, 0..5u8, 0..40i64, 1..5u8, 0..4usize, 1..6u8);
    (kinds, rest).prop_map(
        |(kind, (user, item, hour, quantity, channel, rating))| Event {
            visitor: format!("u{user}"),
            item: Some(format!("i{item}")),
            channel: Channel::ALL.get(channel).copied().filter(|_| channel > 0),
            time: Some(Timestamp::from_seconds(hour * 3600)),
            quantity: f32::from(quantity) / 2.0,
            rating: (kind == EventKind::Rating).then_some(f32::from(rating)),
            kind,
            ..Event::default()
        },
    )
}

fn config() -> impl Strategy<Value = InteractionConfig> {
    let quantities = [Quantity::Ignore, Quantity::Log, Quantity::Linear];
    let combines = [Combine::Sum, Combine::Max, Combine::Binary];
    let half_life = prop_oneof![Just(None), (0.1..10.0f64).prop_map(Some)];
    (0..3usize, 0..3usize, half_life, 0.0..2.0f32).prop_map(
        move |(quantity, combine, half_life_days, web)| InteractionConfig {
            kinds: [(EventKind::Custom("dwell".into()), 0.3)].into(),
            channels: [(Channel::App, web)].into(),
            quantity: quantities[quantity],
            half_life_days,
            combine: combines[combine],
            min_rating: Some(3.0),
        },
    )
}

fn dataset_of(events: &[Event], config: InteractionConfig) -> Dataset {
    let mut table = EventTable::new();
    for event in events {
        table.push(event).unwrap();
    }
    Dataset::new(table, vec![], config).unwrap()
}

proptest! {
    #[test]
    fn a_training_row_is_the_history_of_the_query(events in vec(event(), 1..80), config in config()) {
        let dataset = dataset_of(&events, config.clone());
        let interactions = dataset.interactions();
        for (user, _) in dataset.users().iter() {
            let history = dataset.history_of(user);
            let query = dataset::query(&config, &history, interactions.end(), 5).unwrap();
            let history: Vec<(u32, f32)> =
                query.history.iter().map(|entry| (entry.item.0, entry.weight)).collect();
            let row: Vec<(u32, f32)> = interactions.by_user().row(user.position()).iter().collect();
            prop_assert_eq!(history, row);
        }
    }

    #[test]
    fn what_is_refused_is_excluded_and_counts_nowhere(events in vec(event(), 1..80), config in config()) {
        let dataset = dataset_of(&events, config);
        let sessions = Sessions::of(&dataset, &SessionConfig::default()).unwrap();
        for (user, _) in dataset.users().iter() {
            let events = dataset.history_of(user);
            let latest = |item, stance| {
                let said = events.iter().filter(|event| event.item == item);
                let said = said.filter(|event| Stance::of(&event.kind, event.rating) == Some(stance));
                said.map(|event| event.time).max()
            };
            let query = dataset.query_of(user, 5).unwrap();
            for (item, _) in dataset.items().iter() {
                let refused = latest(item, Stance::Refuses);
                let refused = refused.is_some() && refused >= latest(item, Stance::TakesUp);
                prop_assert_eq!(query.exclusions.contains(item), refused);
                if refused {
                    prop_assert!(query.history.iter().all(|entry| entry.item != item));
                    prop_assert!(query.timeline.iter().all(|entry| entry.item != item));
                    let hers = (0..sessions.len()).filter(|&session| sessions.user(session) == user);
                    prop_assert!(hers.into_iter().all(|session| !sessions.items(session).contains(&item)));
                }
            }
        }
    }

    #[test]
    fn a_timeline_adds_up_to_the_history(events in vec(event(), 1..80), config in config()) {
        let config = InteractionConfig { combine: Combine::Sum, ..config };
        let dataset = dataset_of(&events, config.clone());
        for (user, _) in dataset.users().iter() {
            let query = dataset.query_of(user, 5).unwrap();
            prop_assert!(query.timeline.is_sorted_by_key(|event| event.time));
            for entry in &query.history {
                let hers = || query.timeline.iter().filter(|event| event.item == entry.item);
                let sum: f32 = hers().map(|event| event.weight).sum();
                prop_assert!((sum - entry.weight).abs() <= 1e-5 * entry.weight);
                prop_assert_eq!(hers().map(|event| event.time).max(), Some(entry.time));
            }
            let known = |item| query.history.iter().any(|entry| entry.item == item);
            prop_assert!(query.timeline.iter().all(|event| known(event.item)));
        }
    }

    #[test]
    fn the_matrix_is_positive_its_transpose_and_fully_accounted_for(
        events in vec(event(), 1..80),
        config in config(),
    ) {
        let dataset = dataset_of(&events, config);
        let interactions = dataset.interactions();
        prop_assert!(interactions.by_user().values().iter().all(|weight| weight.is_finite() && *weight > 0.0));
        prop_assert_eq!(&interactions.by_item().transpose(), interactions.by_user());
        let report = interactions.report();
        prop_assert_eq!(report.events, events.len() as u64);
        let accounted = report.weighed + report.weightless + report.taken_back
            + report.returns + report.partly_matched_returns + report.unmatched_returns;
        prop_assert_eq!(report.events, accounted);
    }

    #[test]
    fn the_order_of_the_file_does_not_matter_where_times_differ(
        mut events in vec(event(), 1..60),
        config in config(),
    ) {
        for (second, event) in events.iter_mut().enumerate() {
            event.time = Some(Timestamp::from_seconds(second as i64 * 977));
        }
        let forward = dataset_of(&events, config.clone());
        let reversed: Vec<Event> = events.iter().rev().cloned().collect();
        let backward = dataset_of(&reversed, config);
        for (user, key) in forward.users().iter() {
            let other = backward.users().get(key).unwrap();
            for (item, key) in forward.items().iter() {
                let weight = |dataset: &Dataset, user: usize, item: u32| {
                    let row = dataset.interactions().by_user().row(user);
                    row.iter().find(|entry| entry.0 == item).map(|entry| entry.1)
                };
                let same = backward.items().get(key).unwrap();
                prop_assert_eq!(
                    weight(&forward, user.position(), item.0),
                    weight(&backward, other.position(), same.0)
                );
            }
        }
    }
}
