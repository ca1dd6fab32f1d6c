use super::*;
use crate::dataset::Dataset;
use crate::events::{Event, EventKind, EventRow, EventTable};
use crate::ids::UserIx;
use crate::interactions::InteractionConfig;

fn bought(item: u32, second: i64) -> HistoryItem {
    HistoryItem {
        item: ItemIx(item),
        weight: 1.0,
        time: Timestamp::from_seconds(second),
    }
}

fn items(baskets: &Baskets) -> Vec<Vec<u32>> {
    let of = |basket: Basket<'_>| basket.items.iter().map(|item| item.0).collect();
    baskets.iter().map(of).collect()
}

#[test]
fn events_less_than_a_gap_apart_are_one_basket_however_long_it_gets() {
    let timeline = [
        bought(1, 0),
        bought(2, 3_000),
        bought(3, 6_000),
        bought(4, 9_600),
    ];
    let baskets = Baskets::of_timeline(&timeline, &BasketConfig::default());
    assert_eq!(items(&baskets), [vec![1, 2, 3], vec![4]]);
    assert_eq!(baskets.get(0).time, Timestamp::from_seconds(6_000));
}

#[test]
fn order_numbers_are_cut_by_a_gap_of_nothing_and_one_moment_never_is() {
    let timeline = [bought(1, 1), bought(2, 1), bought(1, 2), bought(3, 3)];
    let gap = BasketConfig { gap_minutes: 0.0 };
    assert_eq!(
        items(&Baskets::of_timeline(&timeline, &gap)),
        [vec![1, 2], vec![1], vec![3]]
    );
    // By the hour they are all one: nothing is lost, only the order.
    let hour = Baskets::of_timeline(&timeline, &BasketConfig::default());
    assert_eq!(items(&hour), [[1, 2, 3]]);
}

#[test]
fn clocks_at_the_ends_of_time_are_no_overflow() {
    let timeline = [bought(1, i64::MIN), bought(2, 0), bought(3, i64::MAX)];
    let baskets = Baskets::of_timeline(&timeline, &BasketConfig::default());
    assert_eq!(baskets.len(), 3);
    assert!(Baskets::of_timeline(&[], &BasketConfig::default()).is_empty());
}

#[test]
fn an_item_is_there_once_and_at_most_in_full() {
    let looked = HistoryItem {
        weight: 0.1,
        ..bought(9, 0)
    };
    let timeline = [bought(5, 0), looked, bought(5, 0), looked];
    let baskets = Baskets::of_timeline(&timeline, &BasketConfig::default());
    let entries: Vec<_> = baskets.get(0).entries().collect();
    assert_eq!(entries, [(ItemIx(5), 1.0), (ItemIx(9), 0.2)]);
}

#[test]
fn the_current_visit_is_the_last_basket() {
    let mut query = Query::new(5);
    assert!(Baskets::of_query(&query, &BasketConfig::default()).is_empty());
    query.history = vec![bought(1, 90_000), bought(2, 0)];
    query.session = vec![ItemIx(4), ItemIx(3)];
    query.context_items = vec![ItemIx(4)];
    query.time = Some(Timestamp::from_seconds(90_001));
    let baskets = Baskets::of_query(&query, &BasketConfig::default());
    assert_eq!(items(&baskets), [vec![2], vec![1], vec![3, 4]]);
    query.timeline = vec![bought(2, 0), bought(1, 80_000), bought(1, 90_000)];
    let baskets = Baskets::of_query(&query, &BasketConfig::default());
    assert_eq!(items(&baskets), [vec![2], vec![1], vec![1], vec![3, 4]]);
}

fn table(rows: &[(&str, &str, Option<&str>, i64, EventKind)]) -> EventTable {
    let mut table = EventTable::new();
    for (visitor, item, session, second, kind) in rows {
        let event = Event {
            visitor: (*visitor).into(),
            item: Some((*item).into()),
            session: session.map(Into::into),
            quantity: 1.0,
            kind: kind.clone(),
            time: Some(Timestamp::from_seconds(*second)),
            ..Event::default()
        };
        table.push(&event).unwrap();
    }
    table
}

#[test]
fn session_keys_come_before_the_gap_and_what_was_returned_is_in_no_basket() {
    use EventKind::{Purchase, Return, Search};
    let table = table(&[
        ("ann", "a", Some("1"), 0, Purchase),
        ("bob", "a", None, 0, Search),
        ("ann", "b", Some("2"), 60, Purchase),
        ("ann", "c", Some("1"), 90_000, Purchase),
        ("cat", "a", None, 0, Purchase),
        ("cat", "b", None, 60, Purchase),
        ("cat", "a", None, 9_000, Purchase),
        ("ann", "d", Some("3"), 91_000, Purchase),
        ("ann", "d", Some("4"), 92_000, Return),
    ]);
    let dataset = Dataset::new(table, vec![], InteractionConfig::default()).unwrap();
    let baskets = UserBaskets::of(&dataset, &BasketConfig::default()).unwrap();
    let of = |user: u32| -> Vec<Vec<&str>> {
        let keys = |basket: Basket<'_>| {
            let items = basket.items.iter();
            items.map(|&item| dataset.items().key(item)).collect()
        };
        baskets.of_user(UserIx(user)).map(keys).collect()
    };
    assert_eq!(of(0), [vec!["a", "c"], vec!["b"]]);
    assert!(of(1).is_empty());
    assert_eq!(of(2), [vec!["a", "b"], vec!["a"]]);
    assert_eq!((baskets.users(), baskets.all().len()), (3, 4));
}

#[test]
fn a_basket_over_two_parts_is_one_in_each_and_returns_are_matched_before() {
    use EventKind::{Purchase, Return};
    let table = table(&[
        ("ann", "a", Some("1"), 0, Purchase),
        ("ann", "b", Some("1"), 60, Purchase),
        ("ann", "c", Some("1"), 120, Purchase),
        ("ann", "d", None, 180, Purchase),
        ("ann", "a", None, 240, Return),
        ("bob", "a", None, 0, Purchase),
        ("bob", "b", None, 60, Purchase),
        ("bob", "d", None, 120, Purchase),
        ("bob", "a", None, 90_000, Purchase),
    ]);
    let dataset = Dataset::new(table, vec![], InteractionConfig::default()).unwrap();
    let part_of = |row: &EventRow| match dataset.items().key(row.item) {
        "c" => None,
        "b" => Some(2),
        _ => Some(1),
    };
    let parts = Baskets::parted(&dataset, &BasketConfig::default(), part_of).unwrap();
    // a, b, c and d are items 0 to 3.
    assert_eq!(parts.keys().copied().collect::<Vec<i32>>(), [1, 2]);
    assert_eq!(items(&parts[&1]), [vec![3], vec![0, 3], vec![0]]);
    assert_eq!(items(&parts[&2]), [[1], [1]]);
}

#[test]
fn a_gap_out_of_range_is_refused() {
    for gap_minutes in [-1.0, f64::NAN, f64::INFINITY] {
        let error = BasketConfig { gap_minutes }.validate().unwrap_err();
        assert!(error.to_string().contains("gap_minutes"), "{error}");
    }
}
