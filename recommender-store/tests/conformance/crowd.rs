//! Many threads at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use recommender_store::Engine;
use recommender_store::record::{Batch, EventOutcome, Span};

use crate::bench::{
    Bench, all_ids, event, events, fact, pairs, products, recent_ids, write, write_events,
    write_facts,
};

pub(crate) fn every_thread_reads_its_own_writes(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = &*stand.engine();
    let rounds = |thread: usize| {
        for round in 0..25 {
            let (id, key) = (format!("{thread} {round}"), format!("key {thread}"));
            let visitor = format!("visitor {thread}");
            let facts = vec![fact(&key, 0, &id)];
            write(engine, vec![event(&id, &visitor, round)], facts);
            assert_eq!(recent_ids(engine, &visitor, 1), *std::slice::from_ref(&id));
            let products = products(engine);
            assert!(products.contains(&(key, id)), "{products:?}");
        }
    };
    thread::scope(|scope| (0..8).for_each(|thread| drop(scope.spawn(move || rounds(thread)))));
    assert_eq!(all_ids(engine).len(), 8 * 25);
}

pub(crate) fn of_writers_of_one_id_exactly_one_is_told_stored(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = &*stand.engine();
    let stored = &AtomicUsize::new(0);
    let writer = |thread: usize| {
        // Each begins elsewhere, so that they meet in all orders.
        for n in 0..40 {
            let ids = [0, 1, 2].map(|part| ((n + thread * 5) * 3 + part) % 120);
            let batch = ids.map(|id| event(&id.to_string(), &format!("v{thread}"), 5));
            let outcomes = write_events(engine, batch.into()).into_iter();
            let new = outcomes.filter(|outcome| *outcome == EventOutcome::Stored);
            stored.fetch_add(new.count(), Ordering::Relaxed);
        }
    };
    thread::scope(|scope| (0..8).for_each(|thread| drop(scope.spawn(move || writer(thread)))));
    assert_eq!(stored.load(Ordering::Relaxed), 120);
    let mut ids = all_ids(engine);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 120);
}

pub(crate) fn readers_see_batches_whole(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = &*stand.engine();
    let done = &AtomicBool::new(false);
    let read = || {
        while !done.load(Ordering::Relaxed) {
            let all = events(engine, Span::default());
            let of = |visitor: &str| all.iter().filter(|event| event.visitor == visitor).count();
            assert_eq!(of("ann"), of("bob"), "half of a batch was seen");
        }
    };
    thread::scope(|scope| {
        let readers = [scope.spawn(read), scope.spawn(read)];
        write_pairs(engine, 200);
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
    });
    assert_eq!(recent_ids(engine, "ann", 500).len(), 200);
}

/// Batches with an event of ann and one of bob each, many on their way at once.
fn write_pairs(engine: &dyn Engine, batches: i64) {
    let batch = |n: i64| Batch {
        events: ["ann", "bob"]
            .map(|visitor| event(&format!("{visitor} {n}"), visitor, n))
            .into(),
        facts: Vec::new(),
    };
    for first in (0..batches).step_by(10) {
        let tickets: Vec<_> = (first..first + 10)
            .map(|n| engine.write(batch(n)).unwrap())
            .collect();
        for ticket in tickets {
            ticket.wait().unwrap();
        }
    }
}

pub(crate) fn versions_from_many_threads_leave_the_newest(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = &*stand.engine();
    let writer = |thread: i64| {
        for n in 0..25 {
            let version = (n * 7 + thread * 3) % 100;
            write_facts(engine, vec![fact("cup", version, &version.to_string())]);
        }
    };
    thread::scope(|scope| (0..8).for_each(|thread| drop(scope.spawn(move || writer(thread)))));
    let newest = (0..8).flat_map(|thread| (0..25).map(move |n| (n * 7 + thread * 3) % 100));
    let newest = newest.max().unwrap().to_string();
    assert_eq!(products(engine), pairs([("cup", &newest)]));
}
