//! What lasts: reopening, snapshots, counts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use recommender_store::record::EventOutcome::Duplicate;
use recommender_store::record::FactOutcome::Stale;
use recommender_store::record::{Batch, Position, Span};
use recommender_store::{Engine, StoreError};

use crate::bench::{
    Bench, all_ids, changes, event, events, fact, no_fact, pairs, products, recent_ids, write,
    write_events, write_facts,
};

pub(crate) fn what_was_settled_is_there_after_reopening(bench: &dyn Bench) {
    let mut stand = bench.open();
    let engine = stand.engine();
    write(
        &*engine,
        vec![event("1", "ann", 5)],
        vec![fact("cup", 1, "one")],
    );
    let written = write(
        &*engine,
        vec![event("2", "ann", 3)],
        vec![no_fact("pot", 7)],
    );
    drop(engine);
    for _ in 0..3 {
        stand.reopen();
        let engine = stand.engine();
        assert!(engine.position() >= written.position);
        assert_eq!(recent_ids(&*engine, "ann", 9), ["2", "1"]);
        assert_eq!(products(&*engine), pairs([("cup", "one")]));
        let newest = vec![fact("cup", 1, "one"), no_fact("pot", 7)];
        assert_eq!(changes(&*engine, Position(0)).0, newest);
    }
    let engine = stand.engine();
    let later = write_positions(&*engine);
    assert!(later > written.position, "positions go on after reopening");
    assert_eq!(recent_ids(&*engine, "ann", 9), ["2", "1", "later"]);
}

fn write_positions(engine: &dyn Engine) -> Position {
    write(engine, vec![event("later", "ann", 5)], Vec::new()).position
}

pub(crate) fn versions_and_ids_are_known_after_reopening(bench: &dyn Bench) {
    let mut stand = bench.open();
    let (events, facts) = (vec![event("1", "ann", 5)], vec![fact("cup", 5, "five")]);
    write(&*stand.engine(), events, facts);
    write_facts(&*stand.engine(), vec![no_fact("pot", 5)]);
    stand.reopen();
    let engine = stand.engine();
    assert_eq!(
        write_events(&*engine, vec![event("1", "bob", 6)]),
        [Duplicate]
    );
    let old = vec![fact("cup", 4, "four"), fact("pot", 4, "four")];
    assert_eq!(write_facts(&*engine, old), [Stale, Stale]);
    assert_eq!(products(&*engine), pairs([("cup", "five")]));
}

pub(crate) fn what_was_not_settled_is_there_as_a_whole_or_not_at_all(bench: &dyn Bench) {
    let mut stand = bench.open();
    let engine = stand.engine();
    let batch = |n: usize| Batch {
        events: (0..10)
            .map(|part| event(&format!("{n} {part}"), "ann", part))
            .collect(),
        facts: vec![fact(&format!("{n}"), 0, "value")],
    };
    let tickets: Vec<_> = (0..50).map(|n| engine.write(batch(n)).unwrap()).collect();
    let first = tickets.into_iter().next().unwrap().wait();
    assert!(first.is_ok(), "{first:?}");
    drop(engine);
    stand.reopen();
    let engine = stand.engine();
    let (events, batches) = (all_ids(&*engine).len(), products(&*engine).len());
    assert!(batches >= 1, "the settled one is there");
    assert_eq!(events, batches * 10);
}

/// A store with some of everything.
fn fill(engine: &dyn Engine) {
    let many = (0..300).map(|n| event(&format!("{n:03}"), &format!("v{}", n % 7), n % 11));
    write(
        engine,
        many.collect(),
        vec![fact("cup", 5, "five"), fact("pot", 5, "five")],
    );
    write_facts(engine, vec![no_fact("pot", 6)]);
}

pub(crate) fn a_snapshot_holds_everything(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    fill(&*engine);
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("copy");
    let contents = engine.snapshot(&copy).unwrap();
    assert_eq!((contents.events, contents.facts), (300, 1));
    write(
        &*engine,
        vec![event("after", "ann", 5)],
        vec![fact("cup", 9, "nine")],
    );
    let restored = stand.restore(&copy);
    let other = restored.engine();
    let mut all = events(&*engine, Span::default());
    all.retain(|event| event.visitor != "ann");
    assert_eq!(events(&*other, Span::default()), all);
    assert_eq!(
        changes(&*other, Position(0)).0,
        [fact("cup", 5, "five"), no_fact("pot", 6)]
    );
    assert_eq!(
        write_events(&*other, vec![event("007", "eve", 5)]),
        [Duplicate]
    );
    assert_eq!(write_facts(&*other, vec![fact("pot", 5, "old")]), [Stale]);
    let verified = other.verify().unwrap();
    assert_eq!((verified.events, verified.facts), (300, 1));
    let before = other.position();
    assert!(write(&*other, vec![event("new", "eve", 5)], Vec::new()).position > before);
}

pub(crate) fn a_snapshot_goes_into_a_new_directory(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    fill(&*engine);
    let place = tempfile::tempdir().unwrap();
    let answer = engine.snapshot(place.path());
    assert!(matches!(answer, Err(StoreError::Io { .. })), "{answer:?}");
    assert_eq!(
        place.path().read_dir().unwrap().count(),
        0,
        "nothing is left there"
    );
    let nowhere = place.path().join("absent").join("copy");
    let answer = engine.snapshot(&nowhere);
    assert!(matches!(answer, Err(StoreError::Io { .. })), "{answer:?}");
}

pub(crate) fn a_snapshot_while_writing_is_of_one_moment(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    let place = tempfile::tempdir().unwrap();
    let done = AtomicBool::new(false);
    let write_one = |n: i64| {
        let both = [format!("a{n:05}"), format!("b{n:05}")].map(|id| event(&id, &id[..1], n));
        write(
            &*engine,
            both.into(),
            vec![fact("count", 0, &n.to_string())],
        );
    };
    write_one(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            (1..100_000)
                .take_while(|_| !done.load(Ordering::Relaxed))
                .for_each(write_one);
        });
        for n in 0..3 {
            let copy = place.path().join(n.to_string());
            let settled = all_ids(&*engine).len() as u64;
            let contents = engine.snapshot(&copy).unwrap();
            assert!(contents.events >= settled, "{contents:?} after {settled}");
            let restored = stand.restore(&copy);
            let ids = all_ids(&*restored.engine());
            let (a, b) = ids.split_at(ids.len() / 2);
            let same = a.iter().zip(b).all(|(a, b)| a[1..] == b[1..]);
            assert!(same && a.len() == b.len(), "a batch is there in part");
            let count: usize = products(&*restored.engine())[0].1.parse().unwrap();
            assert_eq!((count + 1, contents.events), (a.len(), ids.len() as u64));
        }
        done.store(true, Ordering::Relaxed);
    });
}

pub(crate) fn status_and_verify_count_what_is_there(bench: &dyn Bench) {
    let mut stand = bench.open();
    fill(&*stand.engine());
    write_events(&*stand.engine(), vec![event("007", "eve", 5)]);
    for _ in 0..2 {
        let engine = stand.engine();
        let (status, verified) = (engine.status().unwrap(), engine.verify().unwrap());
        assert_eq!((status.contents.events, status.contents.facts), (300, 1));
        assert_eq!((verified.events, verified.facts), (300, 1));
        assert_eq!(status.position, engine.position());
        assert_eq!((status.waiting, status.refusing), (0, None));
        drop(engine);
        stand.reopen();
    }
}
