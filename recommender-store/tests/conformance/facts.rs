//! Facts: versions, values and changes.

use recommender_store::record::FactOutcome::{Applied, Stale};
use recommender_store::record::{Fact, Position, Table};

use crate::bench::{
    Bench, changes, event, fact, facts, no_fact, pairs, products, write, write_events, write_facts,
};

pub(crate) fn the_newest_version_stands(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    assert_eq!(
        write_facts(&*engine, vec![fact("cup", 5, "five")]),
        [Applied]
    );
    assert_eq!(write_facts(&*engine, vec![fact("cup", 4, "four")]), [Stale]);
    assert_eq!(products(&*engine), pairs([("cup", "five")]));
    assert_eq!(
        write_facts(&*engine, vec![fact("cup", 6, "six")]),
        [Applied]
    );
    assert_eq!(products(&*engine), pairs([("cup", "six")]));
    let extremes = vec![
        fact("pot", i64::MIN, "least"),
        fact("cup", i64::MAX, "most"),
    ];
    assert_eq!(write_facts(&*engine, extremes), [Applied, Applied]);
    assert_eq!(
        products(&*engine),
        pairs([("cup", "most"), ("pot", "least")])
    );
}

pub(crate) fn of_equal_versions_the_later_write_stands(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    for value in ["one", "two", "one"] {
        assert_eq!(
            write_facts(&*engine, vec![fact("cup", 0, value)]),
            [Applied]
        );
        assert_eq!(products(&*engine), pairs([("cup", value)]));
    }
}

pub(crate) fn a_key_without_a_value_keeps_its_version(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    write_facts(&*engine, vec![fact("cup", 5, "five")]);
    assert_eq!(write_facts(&*engine, vec![no_fact("cup", 4)]), [Stale]);
    assert_eq!(write_facts(&*engine, vec![no_fact("cup", 7)]), [Applied]);
    assert_eq!(products(&*engine), []);
    assert_eq!(write_facts(&*engine, vec![fact("cup", 6, "six")]), [Stale]);
    assert_eq!(products(&*engine), []);
    assert_eq!(
        write_facts(&*engine, vec![fact("cup", 7, "seven")]),
        [Applied]
    );
    assert_eq!(products(&*engine), pairs([("cup", "seven")]));
    assert_eq!(
        write_facts(&*engine, vec![no_fact("unheard", 7)]),
        [Applied]
    );
    assert_eq!(
        write_facts(&*engine, vec![fact("unheard", 6, "six")]),
        [Stale]
    );
}

pub(crate) fn facts_of_one_batch_are_taken_in_their_order(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    let batch = vec![
        fact("cup", 2, "two"),
        fact("cup", 1, "one"),
        fact("pot", 9, "nine"),
        fact("cup", 2, "two again"),
        no_fact("pot", 9),
        fact("pot", 8, "eight"),
    ];
    let outcomes = [Applied, Stale, Applied, Applied, Applied, Stale];
    assert_eq!(write_facts(&*engine, batch.clone()), outcomes);
    assert_eq!(products(&*engine), pairs([("cup", "two again")]));
    assert_eq!(write_facts(&*engine, batch), outcomes);
    let later = vec![
        fact("cup", 1, "late"),
        fact("cup", 3, "three"),
        fact("cup", 2, "two"),
    ];
    assert_eq!(write_facts(&*engine, later), [Stale, Applied, Stale]);
    assert_eq!(products(&*engine), pairs([("cup", "three")]));
}

pub(crate) fn facts_come_by_key_in_byte_order_and_tables_are_apart(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    let keys = ["b", "é", "B", "a", "ab", "\u{1F600}", "\u{FFFD}", "a b"];
    for table in Table::ALL.into_iter().rev() {
        let fact = |key: &str| Fact {
            table,
            ..fact(key, 1, &format!("{table:?} {key}"))
        };
        let facts: Vec<Fact> = keys.into_iter().map(fact).collect();
        write_facts(&*engine, facts);
    }
    let mut sorted = keys;
    sorted.sort_unstable();
    for table in Table::ALL {
        let expected = sorted.map(|key| (key.to_string(), format!("{table:?} {key}")));
        let read = facts(&*engine, table).into_iter();
        let read = read.map(|fact| (fact.key, String::from_utf8(fact.value.unwrap()).unwrap()));
        assert_eq!(read.collect::<Vec<_>>(), expected);
    }
}

pub(crate) fn values_are_any_bytes(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    let bytes = |key: &str, value: Vec<u8>| Fact {
        value: Some(value),
        ..fact(key, 0, "")
    };
    let written = vec![
        bytes("all", (0..=255).collect()),
        bytes("empty", Vec::new()),
    ];
    write_facts(&*engine, written.clone());
    assert_eq!(facts(&*engine, Table::Product), written);
}

pub(crate) fn changes_tell_what_was_written_since(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    assert_eq!(changes(&*engine, Position(0)).0, []);
    let link = Fact {
        table: Table::Link,
        ..fact("cup", 1, "link")
    };
    let first = write(
        &*engine,
        vec![event("1", "ann", 5)],
        vec![fact("cup", 1, "one")],
    )
    .position;
    write_facts(&*engine, vec![fact("pot", 3, "three"), link.clone()]);
    write_facts(&*engine, vec![fact("cup", 0, "stale"), no_fact("pot", 4)]);
    let (all, until) = changes(&*engine, Position(0));
    let newest = [fact("cup", 1, "one"), no_fact("pot", 4), link.clone()];
    assert_eq!(all, newest, "each key once, as it stands");
    assert_eq!(changes(&*engine, first).0, newest[1..]);
    assert_eq!(changes(&*engine, until), (Vec::new(), until));
    write_events(&*engine, vec![event("2", "ann", 6)]);
    let (none, until) = changes(&*engine, until);
    assert_eq!(none, []);
    write_facts(&*engine, vec![fact("cup", 1, "again")]);
    assert_eq!(changes(&*engine, until).0, [fact("cup", 1, "again")]);
}
