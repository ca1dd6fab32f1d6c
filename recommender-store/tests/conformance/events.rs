//! The event log: ids, times and order.

use std::collections::BTreeMap;

use recommender_core::Timestamp;
use recommender_core::events::{Channel, Consent, Event, EventKind};
use recommender_store::record::EventOutcome::{Duplicate, Stored};
use recommender_store::record::{Position, Span};

use crate::bench::{Bench, all_ids, event, events, recent, recent_ids, write, write_events};

pub(crate) fn an_event_comes_back_as_it_was_written(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    let full = Event {
        id: Some("é\u{1}\"\\\n1".into()),
        visitor: "card:'77'; 顾客\u{7f}\t".into(),
        item: Some("茶杯".into()),
        kind: EventKind::Custom("dwell".into()),
        channel: Some(Channel::PointOfSale),
        place: Some("store-5".into()),
        time: Some(Timestamp(i64::MAX)),
        quantity: 0.1,
        price: Some(0.1 + 0.2),
        session: Some("s".into()),
        rating: Some(-4.3),
        consent: Consent::Denied,
        attributes: BTreeMap::from([
            ("size".into(), String::new()),
            ("color".into(), "né".into()),
        ]),
    };
    let bare = Event {
        item: None,
        kind: EventKind::Search,
        consent: Consent::Granted,
        quantity: f32::MAX,
        price: Some(-0.0),
        ..event("2", "card:'77'; 顾客\u{7f}\t", i64::MIN)
    };
    write_events(&*engine, vec![full.clone(), bare.clone()]);
    assert_eq!(
        recent(&*engine, &full.visitor, 9),
        [bare.clone(), full.clone()]
    );
    assert_eq!(events(&*engine, Span::default()), [bare, full]);
}

pub(crate) fn an_id_counts_once_within_a_batch_and_across_batches(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    let again = Event {
        item: Some("other".into()),
        ..event("1", "ann", 7)
    };
    let batch = vec![event("1", "ann", 5), again.clone(), event("2", "ann", 6)];
    assert_eq!(write_events(&*engine, batch), [Stored, Duplicate, Stored]);
    let batch = vec![again, event("3", "ann", 8)];
    assert_eq!(write_events(&*engine, batch), [Duplicate, Stored]);
    let first = recent(&*engine, "ann", 9).swap_remove(0);
    assert_eq!(first, event("1", "ann", 5), "the first of an id stays");
    assert_eq!(recent_ids(&*engine, "ann", 9), ["1", "2", "3"]);
}

pub(crate) fn an_id_counts_once_for_all_visitors(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    assert_eq!(write_events(&*engine, vec![event("1", "ann", 5)]), [Stored]);
    assert_eq!(
        write_events(&*engine, vec![event("1", "bob", 5)]),
        [Duplicate]
    );
    assert_eq!(recent_ids(&*engine, "bob", 9), [""; 0]);
    assert_eq!(recent_ids(&*engine, "ann", 9), ["1"]);
}

pub(crate) fn late_events_land_by_their_time(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    for (id, time) in [("c", 30), ("a", -10), ("e", 50), ("d", 40), ("b", 0)] {
        write_events(&*engine, vec![event(id, "ann", time)]);
    }
    assert_eq!(recent_ids(&*engine, "ann", 9), ["a", "b", "c", "d", "e"]);
    assert_eq!(recent_ids(&*engine, "ann", 2), ["d", "e"]);
    assert_eq!(all_ids(&*engine), ["a", "b", "c", "d", "e"]);
}

pub(crate) fn events_of_one_moment_come_in_the_order_of_writing(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    write_events(&*engine, vec![event("z", "ann", 5), event("m", "ann", 5)]);
    write_events(&*engine, vec![event("y", "ann", 5), event("a", "ann", 5)]);
    assert_eq!(recent_ids(&*engine, "ann", 9), ["z", "m", "y", "a"]);
    assert_eq!(recent_ids(&*engine, "ann", 3), ["m", "y", "a"]);
    assert_eq!(all_ids(&*engine), ["z", "m", "y", "a"]);
}

pub(crate) fn recent_gives_the_latest_and_no_more_than_the_limit(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    let hundred = (0..100).map(|n| event(&format!("{n:03}"), "ann", n));
    write_events(&*engine, hundred.collect());
    write_events(&*engine, vec![event("b", "bob", 1000)]);
    assert_eq!(recent_ids(&*engine, "ann", 0), [""; 0]);
    assert_eq!(recent_ids(&*engine, "ann", 1), ["099"]);
    assert_eq!(recent_ids(&*engine, "ann", 50)[0], "050");
    assert_eq!(recent_ids(&*engine, "ann", 100).len(), 100);
    assert_eq!(recent_ids(&*engine, "ann", usize::MAX).len(), 100);
    assert_eq!(recent_ids(&*engine, "an", 5), [""; 0]);
}

pub(crate) fn a_span_begins_at_its_start_and_ends_before_its_end(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    let five = (0..5).map(|n| event(&n.to_string(), "ann", n));
    write_events(&*engine, five.collect());
    let of = |from: Option<i64>, until: Option<i64>| {
        let (from, until) = (from.map(Timestamp), until.map(Timestamp));
        let events = events(&*engine, Span { from, until });
        let ids: Vec<String> = events.into_iter().filter_map(|event| event.id).collect();
        ids.concat()
    };
    assert_eq!(of(None, None), "01234");
    assert_eq!(of(Some(1), Some(3)), "12");
    assert_eq!(of(Some(3), None), "34");
    assert_eq!(of(None, Some(1)), "0");
    assert_eq!(of(Some(2), Some(2)), "");
    assert_eq!(of(Some(4), Some(1)), "");
}

pub(crate) fn events_come_by_visitor_in_byte_order(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    let visitors = [
        "b",
        "é",
        "B",
        "a",
        "ab",
        "\u{1F600}",
        "\u{FFFD}",
        "a b",
        "a",
    ];
    let batch = visitors.iter().enumerate();
    let batch = batch.map(|(n, visitor)| event(&n.to_string(), visitor, -(n as i64)));
    write_events(&*engine, batch.collect());
    let events = events(&*engine, Span::default());
    let read: Vec<&str> = events.iter().map(|event| &*event.visitor).collect();
    let mut sorted = visitors;
    sorted.sort_unstable();
    assert_eq!(read, sorted);
}

pub(crate) fn positions_grow_and_hold_the_batch(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    let mut before = engine.position();
    for n in 0..5 {
        let batch = [0, 1].map(|part| event(&format!("{n} {part}"), &n.to_string(), part));
        let written = write(&*engine, batch.into(), Vec::new());
        assert!(
            written.position > before,
            "a later write has a larger position"
        );
        let stored = engine.recent(&n.to_string(), 9).unwrap();
        let positions: Vec<Position> = stored.iter().map(|event| event.position).collect();
        assert!(
            positions.is_sorted() && positions[0] > before,
            "{positions:?}"
        );
        assert!(*positions.last().unwrap() <= written.position);
        assert!(engine.position() >= written.position);
        before = written.position;
    }
}
