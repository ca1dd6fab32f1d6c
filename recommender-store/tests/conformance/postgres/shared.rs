//! Several engines on one schema.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use recommender_store::postgres::{PostgresConfig, PostgresEngine, restore};
use recommender_store::record::EventOutcome::{Duplicate, Stored};
use recommender_store::record::FactOutcome::Stale;
use recommender_store::record::{Batch, Position, Span};
use recommender_store::{Engine, MemoryEngine, StoreError};

use super::PostgresBench;
use crate::bench::{
    changes, event, fact, no_fact, pairs, products, recent_ids, visitor, write, write_events,
    write_facts,
};

fn open(config: &PostgresConfig) -> PostgresEngine {
    PostgresEngine::open(config).unwrap()
}

pub(crate) fn one_server_sees_what_the_other_wrote(bench: &PostgresBench) {
    let config = bench.server().config();
    let (one, other) = (open(&config), open(&config));
    let written = write(
        &one,
        vec![event("1", "ann", 5)],
        vec![fact("cup", 5, "five")],
    );
    assert_eq!(recent_ids(&other, "ann", 9), ["1"]);
    let (facts, until) = changes(&other, Position(0));
    assert_eq!(
        (facts, until),
        (vec![fact("cup", 5, "five")], written.position)
    );
    assert_eq!(
        other.position(),
        written.position,
        "what it read counts as seen"
    );
    let outcomes = write_events(&other, vec![event("1", "bob", 6), event("2", "ann", 4)]);
    assert_eq!(outcomes, [Duplicate, Stored]);
    assert_eq!(write_facts(&other, vec![fact("cup", 4, "four")]), [Stale]);
    assert_eq!(recent_ids(&one, "ann", 9), ["2", "1"]);
    assert_eq!(other.forget(&visitor("ann")).unwrap().events, 2);
    assert_eq!(recent_ids(&one, "ann", 9), [""; 0]);
}

pub(crate) fn servers_that_start_at_once_make_one_schema(bench: &PostgresBench) {
    let config = bench.server().config();
    let engines = thread::scope(|scope| {
        let opening = [(); 6].map(|()| scope.spawn(|| open(&config)));
        opening.map(|engine| engine.join().unwrap())
    });
    for (n, engine) in engines.iter().enumerate() {
        write_facts(engine, vec![fact("cup", 0, &n.to_string())]);
    }
    assert_eq!(products(&engines[0]), pairs([("cup", "5")]));
}

pub(crate) fn changes_of_concurrent_writers_are_never_missed(bench: &PostgresBench) {
    let config = bench.server().config();
    let engines = [open(&config), open(&config)];
    let done = AtomicBool::new(false);
    let follow = || {
        let follower = open(&config);
        let (mut seen, mut after) = (Vec::new(), Position(0));
        let mut last_round = false;
        loop {
            let (facts, until) = changes(&follower, after);
            assert!(until >= after);
            seen.extend(facts.into_iter().map(|fact| fact.key));
            after = until;
            if last_round {
                return seen;
            }
            last_round = done.load(Ordering::Acquire);
        }
    };
    let write_own = |engine: usize, thread: usize| {
        for n in 0..100 {
            let key = format!("{engine} {thread} {n:03}");
            write_facts(&engines[engine], vec![fact(&key, 0, "value")]);
        }
    };
    let mut seen = thread::scope(|scope| {
        let follower = scope.spawn(follow);
        thread::scope(|scope| {
            for (engine, thread) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                scope.spawn(move || write_own(engine, thread));
            }
        });
        done.store(true, Ordering::Release);
        follower.join().unwrap()
    });
    seen.sort_unstable();
    let all: Vec<String> = products(&engines[0])
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(all.len(), 400);
    assert!(
        seen == all,
        "{} of 400 facts were seen once each",
        seen.len()
    );
}

pub(crate) fn who_commits_late_keeps_its_place(bench: &PostgresBench) {
    let server = bench.server();
    let config = server.config();
    let engine = open(&config);
    let mut late = server.client(&config);
    late.batch_execute("BEGIN; SELECT position FROM head FOR UPDATE")
        .unwrap();
    let batch = Batch {
        events: Vec::new(),
        facts: vec![fact("cup", 0, "second")],
    };
    let ticket = engine.write(batch).unwrap();
    let holder = pid(&mut late);
    wait_for_one_who_waits(&mut server.client(&config), holder);
    assert_eq!(changes(&engine, Position(0)), (Vec::new(), Position(0)));
    let first =
        "INSERT INTO facts SELECT 0, 'pot', 0, 1, 0, NULL; UPDATE head SET position = 1; COMMIT";
    late.batch_execute(first).unwrap();
    assert_eq!(ticket.wait().unwrap().position, Position(2));
    assert_eq!(changes(&engine, Position(1)).0, [fact("cup", 0, "second")]);
}

pub(crate) fn many_changes_are_read_in_pieces(bench: &PostgresBench) {
    let config = bench.server().config();
    let engine = open(&config);
    let all = |version: i64| (0..20_000).map(move |n| fact(&format!("{n:05}"), version, "value"));
    let first = write(&engine, Vec::new(), all(1).take(3).collect()).position;
    write_facts(&engine, all(2).collect());
    for after in [Position(0), first] {
        let (facts, until) = changes(&engine, after);
        assert!(facts.into_iter().eq(all(2)));
        assert_eq!(until, engine.position());
    }
}

pub(crate) fn a_position_that_was_not_reached_is_refused(bench: &PostgresBench) {
    let engine = open(&bench.server().config());
    let Position(stands) = write(&engine, vec![event("1", "ann", 5)], Vec::new()).position;
    for beyond in [stands + 1, u64::MAX] {
        let answer = engine.changes(Position(beyond));
        assert!(
            matches!(answer, Err(StoreError::Invalid { .. })),
            "{answer:?}"
        );
    }
}

pub(crate) fn asynchronous_tasks_write_and_close(bench: &PostgresBench) {
    let config = bench.server().config();
    let engine = open(&config);
    write_events(&engine, vec![event("1", "ann", 5)]);
    assert_eq!(recent_ids(&engine, "ann", 9), ["1"]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let batch = Batch {
            events: vec![event("2", "ann", 6)],
            facts: Vec::new(),
        };
        let written = engine.write(batch).unwrap().await.unwrap();
        assert_eq!(written.events, [Stored]);
        drop(engine);
    });
    assert_eq!(recent_ids(&open(&config), "ann", 9), ["1", "2"]);
}

/// Waits until someone waits for what the connection of `holder` holds.
pub(super) fn wait_for_one_who_waits(client: &mut postgres::Client, holder: i32) {
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid)))";
    while !client.query_one(sql, &[&holder]).unwrap().get::<_, bool>(0) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Which connection it is.
pub(super) fn pid(client: &mut postgres::Client) -> i32 {
    client
        .query_one("SELECT pg_backend_pid()", &[])
        .unwrap()
        .get(0)
}

pub(crate) fn snapshots_go_from_memory_to_a_database_and_back(bench: &PostgresBench) {
    let memory = MemoryEngine::default();
    let many = (0..2_500).map(|n| event(&format!("{n:04}"), &format!("v{}", n % 7), n % 11));
    let facts = vec![fact("cup", 5, "five"), no_fact("pot", 6)];
    write(&memory, many.collect(), facts);
    let place = tempfile::tempdir().unwrap();
    let (there, back) = (place.path().join("there"), place.path().join("back"));
    memory.snapshot(&there).unwrap();
    let config = bench.server().config();
    restore(&there, &config).unwrap();
    let database = PostgresEngine::open(&config).unwrap();
    database.snapshot(&back).unwrap();
    let again = MemoryEngine::restore(&back).unwrap();
    let all = |engine: &dyn Engine| -> Vec<_> {
        let events = engine.events(Span::default()).unwrap();
        events.map(Result::unwrap).collect()
    };
    for engine in [&database as &dyn Engine, &again] {
        assert!(all(engine) == all(&memory));
        assert_eq!(
            engine.changes(Position(0)).unwrap(),
            memory.changes(Position(0)).unwrap()
        );
        assert_eq!(engine.position(), memory.position());
    }
}
