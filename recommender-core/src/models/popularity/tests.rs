use super::*;
use crate::dataset::Dataset;
use crate::events::{Channel, Event, EventKind, EventTable};
use crate::ids::PlaceIx;
use crate::interactions::InteractionConfig;
use crate::models::purchases::answer;
use crate::recommender::FitOptions;
use crate::time::Timestamp;

/// Purchases: visitor, item, place, channel, day.
type Row = (&'static str, &'static str, &'static str, Channel, i64);

const ROWS: [Row; 7] = [
    ("ann", "cup", "north", Channel::Web, 1),
    ("ann", "cup", "north", Channel::Web, 2),
    ("bob", "cup", "north", Channel::App, 3),
    ("cem", "cup", "south", Channel::App, 4),
    ("ann", "pot", "south", Channel::App, 30),
    ("bob", "pot", "south", Channel::Web, 31),
    ("dan", "jar", "south", Channel::Web, 31),
];

fn table(rows: &[Row]) -> EventTable {
    let mut table = EventTable::new();
    for &(visitor, item, place, channel, day) in rows {
        table
            .push(&Event {
                visitor: visitor.into(),
                item: Some(item.into()),
                quantity: 1.0,
                kind: EventKind::Purchase,
                place: Some(place.into()),
                channel: Some(channel),
                time: Some(Timestamp::from_seconds(day * 86_400)),
                ..Event::default()
            })
            .unwrap();
    }
    table
}

fn fit(config: &PopularityConfig) -> Popularity {
    let dataset = Dataset::new(table(&ROWS), vec![], InteractionConfig::default()).unwrap();
    config.fit(&dataset, &FitOptions::default()).unwrap()
}

/// cup, pot and jar are items 0, 1 and 2.
fn near(found: &[(u32, f32)], expected: &[(u32, f64)]) {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.0, expected.0);
        assert!((f64::from(found.1) - expected.1).abs() < 1e-6, "{found:?}");
    }
}

#[test]
fn users_are_counted_once_and_weights_add_up() {
    let mut config = PopularityConfig::default();
    let users = answer(&fit(&config), &Query::new(9));
    near(&users, &[(0, 3.0 / 6.0), (1, 2.0 / 6.0), (2, 1.0 / 6.0)]);
    config.count = Count::Weights;
    let weights = answer(&fit(&config), &Query::new(9));
    near(&weights, &[(0, 4.0 / 7.0), (1, 2.0 / 7.0), (2, 1.0 / 7.0)]);
}

#[test]
fn among_equals_the_first_seen_has_the_greater_score() {
    let shares = [0.2, 0.4, 0.0, 0.2, 0.2];
    let none = || Lists::shrunk(vec![], &shares, 1.0).unwrap();
    let model = Popularity::new(&shares, none(), none());
    let answer = answer(&model, &Query::new(9));
    let items: Vec<u32> = answer.iter().map(|entry| entry.0).collect();
    assert_eq!(items, [1, 0, 3, 4]);
    assert!(
        answer.windows(2).all(|pair| pair[0].1 > pair[1].1),
        "{answer:?}"
    );
    near(&answer, &[(1, 0.4), (0, 0.2), (3, 0.2), (4, 0.2)]);
}

#[test]
fn a_window_forgets_what_came_before() {
    let config = PopularityConfig {
        window_days: Some(7.0),
        ..PopularityConfig::default()
    };
    near(
        &answer(&fit(&config), &Query::new(9)),
        &[(1, 2.0 / 3.0), (2, 1.0 / 3.0)],
    );
}

#[test]
fn a_window_needs_times() {
    let mut table = EventTable::new();
    let event = Event {
        visitor: "ann".into(),
        item: Some("cup".into()),
        quantity: 1.0,
        ..Event::default()
    };
    table.push(&event).unwrap();
    let dataset = Dataset::new(table, vec![], InteractionConfig::default()).unwrap();
    let config = PopularityConfig {
        window_days: Some(7.0),
        ..PopularityConfig::default()
    };
    assert!(config.fit(&dataset, &FitOptions::default()).is_err());
}

#[test]
fn a_place_is_shrunk_to_the_whole_and_wins_over_the_channel() {
    let config = PopularityConfig {
        shrinkage: 6.0,
        ..PopularityConfig::default()
    };
    let model = fit(&config);
    let mut query = Query::new(9);
    query.channel = Some(Channel::Web);
    // Web: cup 1, pot 1, jar 1 of 3; (n + 6 g) / (3 + 6).
    near(
        &answer(&model, &query),
        &[(0, 4.0 / 9.0), (1, 3.0 / 9.0), (2, 2.0 / 9.0)],
    );
    query.place = Some(PlaceIx(1));
    // South: cup 1, pot 2, jar 1 of 4.
    near(
        &answer(&model, &query),
        &[(0, 4.0 / 10.0), (1, 4.0 / 10.0), (2, 2.0 / 10.0)],
    );
    query.place = Some(PlaceIx(0));
    // North: cup 2 of 2; the others come from the whole.
    near(
        &answer(&model, &query),
        &[(0, 5.0 / 8.0), (1, 2.0 / 8.0), (2, 1.0 / 8.0)],
    );
    query.candidates = crate::Candidates::Only([ItemIx(1), ItemIx(2)].into_iter().collect());
    near(&answer(&model, &query), &[(1, 2.0 / 8.0), (2, 1.0 / 8.0)]);
}

#[test]
fn without_shrinkage_a_place_answers_only_what_was_counted_there() {
    let config = PopularityConfig {
        shrinkage: 0.0,
        ..PopularityConfig::default()
    };
    let model = fit(&config);
    let mut query = Query::new(9);
    query.place = Some(PlaceIx(0));
    near(&answer(&model, &query), &[(0, 1.0)]);
    query.place = None;
    query.channel = Some(Channel::Kiosk);
    assert_eq!(answer(&model, &query).len(), 3, "no events: the whole");
}

#[test]
fn ties_that_shrinkage_makes_go_to_the_lower_index_before_the_cut() {
    let config = PopularityConfig {
        shrinkage: 6.0,
        ..PopularityConfig::default()
    };
    let model = fit(&config);
    let mut query = Query::new(1);
    query.place = Some(PlaceIx(1));
    assert_eq!(answer(&model, &query)[0].0, 0);
    query.exclusions.extend([ItemIx(0)]);
    assert_eq!(answer(&model, &query)[0].0, 1);
}

#[test]
fn what_a_shopper_refuses_counts_at_no_place_and_in_no_window() {
    let mut table = table(&ROWS);
    let hidden = Event {
        visitor: "ann".into(),
        item: Some("cup".into()),
        quantity: 1.0,
        kind: EventKind::Hide,
        channel: Some(Channel::Web),
        time: Some(Timestamp::from_seconds(3 * 86_400)),
        ..Event::default()
    };
    table.push(&hidden).unwrap();
    let dataset = Dataset::new(table, vec![], InteractionConfig::default()).unwrap();
    let config = PopularityConfig {
        count: Count::Weights,
        shrinkage: 0.0,
        ..PopularityConfig::default()
    };
    let model = config.fit(&dataset, &FitOptions::default()).unwrap();
    let anywhere = answer(&model, &Query::new(9));
    near(&anywhere, &[(0, 2.0 / 5.0), (1, 2.0 / 5.0), (2, 1.0 / 5.0)]);
    let mut query = Query::new(9);
    query.place = dataset.places().get("north");
    let north = answer(&model, &query);
    assert_eq!(north[0].0, 0, "what bob bought there is left: {north:?}");
    assert!((f64::from(north[0].1) - 1.0).abs() < 1e-6, "{north:?}");
}
