use proptest::prelude::*;

use super::*;
use crate::dataset::Dataset;
use crate::events::{Event, EventKind, EventTable};
use crate::ids::{DenseIndex, UserIx};
use crate::interactions::InteractionConfig;
use crate::time::Timestamp;

const CONFIG: SessionConfig = SessionConfig { gap_minutes: 30 };

fn view(user: &str, item: u32, seconds: i64) -> Event {
    Event {
        visitor: user.into(),
        item: Some(format!("item {item}")),
        kind: EventKind::View,
        quantity: 1.0,
        time: Some(Timestamp::from_seconds(seconds)),
        ..Event::default()
    }
}

fn dataset(events: &[Event]) -> Dataset {
    let mut table = EventTable::new();
    for item in 0..10 {
        table.know_item(&format!("item {item}")).unwrap();
    }
    for event in events {
        table.push(event).unwrap();
    }
    Dataset::new(table, vec![], InteractionConfig::default()).unwrap()
}

fn items(sessions: &Sessions) -> Vec<Vec<u32>> {
    let of = |session| sessions.items(session).iter().map(|item| item.0).collect();
    (0..sessions.len()).map(of).collect()
}

#[test]
fn events_without_a_key_are_cut_where_a_gap_is_longer_than_allowed() {
    let minute = 60;
    let events = [
        view("ann", 1, 0),
        view("ann", 2, 30 * minute),
        view("ann", 3, 60 * minute + 1),
        view("bob", 4, 10 * minute),
    ];
    let sessions = Sessions::of(&dataset(&events), &CONFIG).unwrap();
    assert_eq!(items(&sessions), [vec![4], vec![1, 2], vec![3]]);
    assert_eq!(sessions.user(0), UserIx(1));
    assert_eq!(sessions.end(1), Timestamp::from_seconds(30 * minute));
    let wide = SessionConfig { gap_minutes: 31 };
    let sessions = Sessions::of(&dataset(&events), &wide).unwrap();
    assert_eq!(items(&sessions), [vec![4], vec![1, 2, 3]]);
    assert!(Sessions::of(&dataset(&events), &SessionConfig { gap_minutes: 0 }).is_err());
}

#[test]
fn a_key_makes_a_session_of_one_user_whatever_comes_between() {
    let keyed = |user: &str, item, seconds, session: &str| Event {
        session: Some(session.into()),
        ..view(user, item, seconds)
    };
    let events = [
        keyed("ann", 1, 0, "phone"),
        keyed("ann", 2, 10, "desk"),
        keyed("ann", 3, 90_000, "phone"),
        view("ann", 5, 20),
        keyed("bob", 4, 5, "phone"),
    ];
    let sessions = Sessions::of(&dataset(&events), &CONFIG).unwrap();
    assert_eq!(items(&sessions), [vec![4], vec![2], vec![5], vec![1, 3]]);
}

#[test]
fn order_is_that_of_time_and_within_a_second_that_of_the_rows() {
    let events = [
        view("ann", 3, 9),
        view("ann", 1, 5),
        view("ann", 2, 5),
        view("ann", 2, 5),
        view("bob", 7, 9),
    ];
    let sessions = Sessions::of(&dataset(&events), &CONFIG).unwrap();
    assert_eq!(items(&sessions), [vec![1, 2, 2, 3], vec![7]]);
}

#[test]
fn what_weighs_nothing_is_in_no_session_but_age_takes_nothing() {
    let mut returned = view("ann", 2, 10);
    returned.kind = EventKind::Return;
    let mut searched = view("bob", 3, 10);
    searched.kind = EventKind::Search;
    let years_ahead = view("eve", 4, 4_000_000_000);
    let events = [view("ann", 1, 0), returned, searched, years_ahead];
    let fading = InteractionConfig {
        half_life_days: Some(0.1),
        ..InteractionConfig::default()
    };
    let dataset = dataset(&events).weighed_by(fading).unwrap();
    let sessions = Sessions::of(&dataset, &CONFIG).unwrap();
    assert_eq!(items(&sessions), [vec![1], vec![4]]);
}

#[test]
fn times_at_the_ends_of_time_are_cut_without_overflow() {
    let mut first = view("ann", 1, 0);
    first.time = Some(Timestamp(i64::MIN));
    let mut last = view("ann", 2, 0);
    last.time = Some(Timestamp(i64::MAX));
    let sessions = Sessions::of(&dataset(&[last, first]), &CONFIG).unwrap();
    assert_eq!(items(&sessions), [vec![1], vec![2]]);
}

fn index(dataset: &Dataset, config: IndexConfig) -> SessionIndex {
    let sessions = Sessions::of(dataset, &CONFIG).unwrap();
    SessionIndex::new(&sessions, dataset.items().len(), config).unwrap()
}

#[test]
fn sessions_too_short_or_too_long_are_left_out() {
    let mut events: Vec<Event> = (0..9).map(|item| view("robot", item, 0)).collect();
    events.extend((0..10_000).map(|_| view("ann", 1, 0)));
    events.extend([view("bob", 2, 1), view("bob", 3, 2), view("bob", 2, 3)]);
    let config = IndexConfig {
        least_items: 2,
        most_items: 8,
        ..IndexConfig::default()
    };
    let index = index(&dataset(&events), config);
    assert_eq!(index.len(), 1);
    assert_eq!(index.items(0), [3, 2]);
    assert_eq!(index.counts()[1..4], [0, 1, 1]);
}

#[test]
fn wrong_settings_are_refused_by_name() {
    let wrong = [(0, 1, 1), (1, 0, 1), (1, 2, 1)];
    let fields = ["recent_sessions", "least_items", "most_items"];
    for ((recent_sessions, least_items, most_items), field) in wrong.into_iter().zip(fields) {
        let config = IndexConfig {
            recent_sessions,
            least_items,
            most_items,
        };
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}

#[test]
fn a_clock_years_ahead_does_not_move_the_usual_end() {
    let mut events: Vec<Event> = (0..2000i64)
        .map(|number| view(&format!("user {number}"), 1, number))
        .collect();
    events.push(view("ahead", 1, 4_000_000_000));
    let index = index(&dataset(&events), IndexConfig::default());
    assert_eq!(index.usual_end(), Some(Timestamp::from_seconds(1998)));
    let nobody = index.without(&(0..2001).map(UserIx).collect::<Vec<_>>());
    assert_eq!(nobody.unwrap().usual_end(), None);
}

/// A session found: its end, user, items, and what it shares.
type Found = (Timestamp, UserIx, Vec<u32>, u32);

fn found(index: &SessionIndex, wanted: &[u32]) -> Vec<Found> {
    let bits = (0..).map(|place| 1u32 << place);
    let wanted: Vec<Wanted> = wanted
        .iter()
        .zip(bits)
        .map(|(&item, bit)| Wanted { item, bit })
        .collect();
    let mut matches = Vec::new();
    index.latest(&wanted, &mut matches);
    let found = |found: &Match| {
        let (part, number) = index.find(found.session);
        let items = part.items(number).to_vec();
        (part.end(number), part.user(number), items, found.mask)
    };
    matches.iter().map(found).collect()
}

/// A session as a test makes it: its user, when it ended, its items.
type Made = (u32, i64, Vec<u32>);

const USERS: u32 = 6;

/// The sessions as events, behind one of each user that weighs nothing: users have the same numbers in all tables.
fn table(made: &[Made]) -> EventTable {
    let mut table = EventTable::new();
    for user in 0..USERS {
        let kind = EventKind::Impression;
        let event = view(&format!("user {user}"), user, 0);
        table.push(&Event { kind, ..event }).unwrap();
    }
    for item in USERS..10 {
        table.know_item(&format!("item {item}")).unwrap();
    }
    for (number, (user, end, items)) in made.iter().enumerate() {
        for &item in items {
            let event = Event {
                session: Some(format!("session {number}")),
                ..view(&format!("user {user}"), item, *end)
            };
            table.push(&event).unwrap();
        }
    }
    table
}

/// The sessions of `made` from number `from` to before `to`.
fn some(made: &[Made], (from, to): (usize, usize)) -> Sessions {
    let row = |number: usize| -> usize { made[..number].iter().map(|it| it.2.len()).sum() };
    let users = USERS as usize;
    let rows = (0..users).chain(users + row(from)..users + row(to));
    let rows: Vec<u32> = rows.map(|row| UserIx::at(row).0).collect();
    let config = InteractionConfig::default();
    let dataset = Dataset::of_rows(table(made), rows, vec![], config).unwrap();
    Sessions::of(&dataset, &CONFIG).unwrap()
}

fn anew(made: &[Made]) -> SessionIndex {
    SessionIndex::new(&some(made, (0, made.len())), 10, FEW).unwrap()
}

fn made(most: usize) -> impl Strategy<Value = Vec<Made>> {
    let session = (0..6u32, 0..60i64, prop::collection::vec(0..10u32, 1..6));
    prop::collection::vec(session, 2..most)
}

/// Asserts that both find the same sessions for all pairs of items.
fn assert_same(found_by: &SessionIndex, expected: &SessionIndex) {
    assert_eq!(found_by.len(), expected.len());
    assert_eq!(found_by.counts(), expected.counts());
    for first in 0..10 {
        for second in (0..10).filter(|&second| second != first) {
            let wanted = [first, second];
            assert_eq!(found(found_by, &wanted), found(expected, &wanted));
        }
    }
}

const FEW: IndexConfig = IndexConfig {
    recent_sessions: 5,
    least_items: 1,
    most_items: 4,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_latest_sessions_are_found_as_by_looking_at_all(
        made in made(60),
        wanted in prop::sample::subsequence((0..10u32).collect::<Vec<_>>(), 1..6),
    ) {
        let sessions = some(&made, (0, made.len()));
        let mut expected = Vec::new();
        for session in (0..sessions.len()).rev() {
            let all: Vec<u32> = sessions.items(session).iter().map(|item| item.0).collect();
            let last = |place: &usize| !all[place + 1..].contains(&all[*place]);
            let items: Vec<u32> = (0..all.len()).filter(last).map(|place| all[place]).collect();
            let held = |(item, bit)| u32::from(items.contains(item)) << bit;
            let mask: u32 = wanted.iter().zip(0..).map(held).sum();
            let short = items.len() <= FEW.most_items;
            if mask > 0 && short && expected.len() < FEW.recent_sessions {
                expected.push((sessions.end(session), sessions.user(session), items, mask));
            }
        }
        prop_assert_eq!(found(&anew(&made), &wanted), expected);
    }

    #[test]
    fn generations_equal_an_index_made_anew(
        made in made(80),
        cuts in (1..60usize, 1..10usize),
        drop in 0..60i64,
        gone in 0..USERS,
    ) {
        let first = cuts.0.min(made.len());
        let second = (first + cuts.1).min(made.len());
        let index = SessionIndex::new(&some(&made, (0, first)), 10, FEW).unwrap();
        let index = index.with(&some(&made, (first, second)), 10, None).unwrap();
        assert_same(&index, &anew(&made[..second]));
        let keep_from = Some(Timestamp::from_seconds(drop));
        let index = index.with(&some(&made, (second, made.len())), 10, keep_from).unwrap();
        let kept: Vec<Made> = made.iter().filter(|made| made.1 >= drop).cloned().collect();
        assert_same(&index, &anew(&kept));
        let others: Vec<Made> = kept.into_iter().filter(|made| made.0 != gone).collect();
        assert_same(&index.without(&[UserIx(gone)]).unwrap(), &anew(&others));
    }
}

#[test]
fn what_did_not_change_is_shared() {
    let old: Vec<Made> = (0..100).map(|end| (0, end, vec![1, 2])).collect();
    let later: Vec<Made> = [old.clone(), vec![(1, 200, vec![2, 3])]].concat();
    let index = anew(&old);
    let next = index.with(&some(&later, (100, 101)), 10, None).unwrap();
    assert!(std::ptr::eq(index.parts()[0], next.parts()[0]));
    assert_same(&next, &anew(&later));
    let same = next.without(&[UserIx(5)]).unwrap();
    assert!(std::ptr::eq(next.parts()[1], same.parts()[1]));
    // Old sessions are dropped in place until they are many.
    let few = next.with(&some(&later, (0, 0)), 10, Some(Timestamp::from_seconds(5)));
    let few = few.unwrap();
    assert!(std::ptr::eq(index.parts()[0], few.parts()[0]) && few.len() == 96);
    let many = next.with(&some(&later, (0, 0)), 10, Some(Timestamp::from_seconds(50)));
    let many = many.unwrap();
    assert_eq!((many.len(), many.dropped()), (51, 0));
    assert_same(&many, &anew(&later[50..]));
}
