//! What is forgotten, dropped, and may come again.

use recommender_core::Timestamp;
use recommender_store::record::EventOutcome::Stored;
use recommender_store::record::FactOutcome::Applied;
use recommender_store::record::{Fact, Forgotten, Oblivion, Position, Table};

use crate::bench::{
    Bench, all_ids, changes, event, fact, facts, no_fact, pairs, products, recent_ids, visitor,
    write, write_events, write_facts,
};

pub(crate) fn a_forgotten_visitor_is_gone_for_good(bench: &dyn Bench) {
    let mut stand = bench.open();
    let engine = stand.engine();
    let batch = [
        ("1", "ann"),
        ("2", "bob"),
        ("3", "ann"),
        ("4", "an"),
        ("5", "eve"),
    ];
    write_events(
        &*engine,
        batch.map(|(id, visitor)| event(id, visitor, 5)).into(),
    );
    let oblivion = Oblivion {
        visitors: vec!["ann".into(), "eve".into(), "nobody".into()],
        facts: Vec::new(),
    };
    let forgotten = engine.forget(&oblivion).unwrap();
    assert_eq!((forgotten.events, forgotten.facts), (3, 0));
    assert_eq!(engine.forget(&oblivion).unwrap(), Forgotten::default());
    drop(engine);
    for _ in 0..2 {
        let engine = stand.engine();
        assert_eq!(recent_ids(&*engine, "ann", 9), [""; 0]);
        assert_eq!(all_ids(&*engine), ["4", "2"]);
        assert_eq!(engine.status().unwrap().contents.events, 2);
        assert_eq!(engine.verify().unwrap().events, 2);
        drop(engine);
        stand.reopen();
    }
}

pub(crate) fn a_forgotten_fact_leaves_no_version(bench: &dyn Bench) {
    let mut stand = bench.open();
    let engine = stand.engine();
    let link = Fact {
        table: Table::Link,
        ..fact("cup", 9, "link")
    };
    write_facts(
        &*engine,
        vec![
            fact("cup", 9, "nine"),
            no_fact("pot", 9),
            fact("tea", 9, "nine"),
            link,
        ],
    );
    let keys = ["cup", "pot", "unheard"].map(|key| (Table::Product, key.to_string()));
    let oblivion = Oblivion {
        visitors: Vec::new(),
        facts: keys.into(),
    };
    let forgotten = engine.forget(&oblivion).unwrap();
    assert_eq!((forgotten.events, forgotten.facts), (0, 2));
    assert_eq!(products(&*engine), pairs([("tea", "nine")]));
    assert_eq!(
        facts(&*engine, Table::Link).len(),
        1,
        "the same key of another table stays"
    );
    assert_eq!(changes(&*engine, Position(0)).0.len(), 2);
    drop(engine);
    stand.reopen();
    let engine = stand.engine();
    let older = vec![fact("cup", 1, "one"), fact("pot", 1, "one")];
    assert_eq!(write_facts(&*engine, older), [Applied, Applied]);
    let all = pairs([("cup", "one"), ("pot", "one"), ("tea", "nine")]);
    assert_eq!(products(&*engine), all);
    assert_eq!(engine.status().unwrap().contents.facts, 4);
}

pub(crate) fn what_is_written_after_forgetting_is_kept(bench: &dyn Bench) {
    let mut stand = bench.open();
    let engine = stand.engine();
    for round in 0..3 {
        let id = round.to_string();
        let written = write_events(
            &*engine,
            vec![event("same", "ann", 5), event(&id, "ann", 6)],
        );
        assert_eq!(written, [Stored, Stored], "a forgotten id may come again");
        assert_eq!(recent_ids(&*engine, "ann", 9), ["same", &id]);
        assert_eq!(engine.forget(&visitor("ann")).unwrap().events, 2);
    }
    write(&*engine, vec![event("last", "ann", 5)], Vec::new());
    drop(engine);
    stand.reopen();
    assert_eq!(recent_ids(&*stand.engine(), "ann", 9), ["last"]);
}

pub(crate) fn events_before_a_time_are_dropped(bench: &dyn Bench) {
    let mut stand = bench.open();
    let engine = stand.engine();
    let visitor = |n: i64| if n % 2 == 0 { "ann" } else { "bob" };
    let ten = (0..10).map(|n| event(&n.to_string(), visitor(n), n));
    write_events(&*engine, ten.collect());
    assert_eq!(engine.drop_before(Timestamp(0)).unwrap(), 0);
    assert_eq!(engine.drop_before(Timestamp(7)).unwrap(), 7);
    assert_eq!(engine.drop_before(Timestamp(7)).unwrap(), 0);
    drop(engine);
    for _ in 0..2 {
        let engine = stand.engine();
        assert_eq!(all_ids(&*engine), ["8", "7", "9"]);
        assert_eq!(recent_ids(&*engine, "ann", 9), ["8"]);
        assert_eq!(engine.status().unwrap().contents.events, 3);
        assert_eq!(engine.verify().unwrap().events, 3);
        drop(engine);
        stand.reopen();
    }
}

pub(crate) fn a_dropped_id_may_come_again(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    write_events(&*engine, vec![event("1", "ann", 5), event("2", "ann", 50)]);
    engine.drop_before(Timestamp(10)).unwrap();
    // An event older than what was dropped is new all the same: it may be a late one.
    assert_eq!(write_events(&*engine, vec![event("1", "bob", 3)]), [Stored]);
    assert_eq!(recent_ids(&*engine, "bob", 9), ["1"]);
}
