//! Servers that are killed, connections that break, and what is told of it.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use recommender_store::postgres::{PostgresConfig, PostgresEngine};
use recommender_store::record::EventOutcome::{Duplicate, Stored};
use recommender_store::record::FactOutcome::Applied;
use recommender_store::record::{Batch, Table};
use recommender_store::{Engine, StoreError};

use super::PostgresBench;
use super::shared::{pid, wait_for_one_who_waits};
use crate::bench::{all_ids, event, fact, facts, products, recent_ids, write, write_events};

fn open(config: &PostgresConfig) -> PostgresEngine {
    PostgresEngine::open(config).unwrap()
}

fn one(id: &str) -> Batch {
    Batch {
        events: vec![event(id, "ann", 5)],
        facts: Vec::new(),
    }
}

/// Writes batches of one event and one fact under ids of its own, until told to stop; gives the ids.
fn write_load(
    engine: &dyn Engine,
    thread: usize,
    written: &AtomicUsize,
    done: &AtomicBool,
) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0.. {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let id = format!("{thread} {n:06}");
        let answer = write(
            engine,
            vec![event(&id, "ann", n)],
            vec![fact(&id, 0, "value")],
        );
        assert_eq!(
            (answer.events, answer.facts),
            (vec![Stored], vec![Applied]),
            "{id}"
        );
        ids.push(id);
        written.fetch_add(1, Ordering::Relaxed);
    }
    ids
}

pub(crate) fn a_killed_server_loses_nothing_and_service_resumes(bench: &PostgresBench) {
    let server = bench.another_server();
    let config = server.config();
    let engine = open(&config);
    let (written, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let ids: Vec<String> = thread::scope(|scope| {
        let (engine, written, done) = (&engine, &written, &done);
        let load = |thread| scope.spawn(move || write_load(engine, thread, written, done));
        let load = [0, 1, 2, 3, 4, 5].map(load);
        for round in 1..=4 {
            while written.load(Ordering::Relaxed) < 150 * round {
                thread::sleep(Duration::from_millis(1));
            }
            server.kill();
            let answer = engine.recent("ann", 1);
            let away = matches!(answer, Err(StoreError::Unavailable { .. }));
            assert!(away, "{answer:?}");
            server.run();
        }
        while written.load(Ordering::Relaxed) < 800 {
            thread::sleep(Duration::from_millis(1));
        }
        done.store(true, Ordering::Relaxed);
        load.into_iter()
            .flat_map(|load| load.join().unwrap())
            .collect()
    });
    let mut there = all_ids(&engine);
    there.sort_unstable();
    let acknowledged: BTreeSet<String> = ids.into_iter().collect();
    assert!(
        acknowledged.iter().eq(&there),
        "exactly what was acknowledged is there, once"
    );
    assert!(
        products(&engine)
            .into_iter()
            .map(|(key, _)| key)
            .eq(acknowledged)
    );
    engine.verify().unwrap();
}

pub(crate) fn while_the_server_is_away_callers_are_told(bench: &PostgresBench) {
    let server = bench.another_server();
    let config = PostgresConfig {
        write_patience_ms: 400,
        max_waiting: 3,
        ..server.config()
    };
    let engine = open(&config);
    write_events(&engine, vec![event("1", "ann", 5)]);
    server.kill();
    let tickets: Vec<_> = (2..40).map(|n| engine.write(one(&n.to_string()))).collect();
    let busy = tickets
        .iter()
        .filter(|ticket| matches!(ticket, Err(StoreError::Busy { .. })));
    assert!(
        busy.count() >= 32,
        "no more than three wait, and three are on their way"
    );
    for ticket in tickets.into_iter().flatten() {
        let answer = ticket.wait();
        let away = matches!(answer, Err(StoreError::Unavailable { .. }));
        assert!(away, "{answer:?}");
    }
    let reads = [
        engine.recent("ann", 9).err(),
        engine.status().err(),
        engine.verify().err(),
    ];
    for error in reads {
        assert!(
            matches!(error, Some(StoreError::Unavailable { .. })),
            "{error:?}"
        );
    }
    let opened = PostgresEngine::open(&config);
    assert!(
        matches!(opened, Err(StoreError::Unavailable { .. })),
        "{opened:?}"
    );
    server.run();
    while engine.recent("ann", 9).is_err() {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(recent_ids(&engine, "ann", 9), ["1"]);
    assert_eq!(
        write_events(&engine, vec![event("last", "ann", 6)]),
        [Stored]
    );
    assert_eq!(engine.status().unwrap().refusing, None);
}

pub(crate) fn an_engine_is_closed_while_the_server_is_away(bench: &PostgresBench) {
    let server = bench.another_server();
    let engine = open(&server.config());
    server.kill();
    let ticket = engine.write(one("1")).unwrap();
    drop(engine);
    let answer = ticket.wait();
    assert!(
        matches!(answer, Err(StoreError::Unavailable { .. })),
        "{answer:?}"
    );
}

pub(crate) fn more_than_may_wait_is_refused(bench: &PostgresBench) {
    let server = bench.server();
    let config = PostgresConfig {
        max_waiting: 5,
        ..server.config()
    };
    let engine = open(&config);
    let mut holder = server.client(&config);
    holder
        .batch_execute("BEGIN; SELECT position FROM head FOR UPDATE")
        .unwrap();
    let mut tickets = vec![engine.write(one("first")).unwrap()];
    let holder_pid = pid(&mut holder);
    wait_for_one_who_waits(&mut server.client(&config), holder_pid);
    tickets.extend((0..5).map(|n| engine.write(one(&n.to_string())).unwrap()));
    let answer = engine.write(one("too many"));
    assert!(
        matches!(answer, Err(StoreError::Busy { waiting: 5 })),
        "{answer:?}"
    );
    assert_eq!(engine.status().unwrap().waiting, 6);
    assert_eq!(all_ids(&engine), [""; 0], "reading goes on");
    holder.batch_execute("COMMIT").unwrap();
    for ticket in tickets {
        assert_eq!(ticket.wait().unwrap().events, [Stored]);
    }
    assert_eq!(
        write_events(&engine, vec![event("too many", "ann", 5)]),
        [Stored]
    );
}

pub(crate) fn a_full_disk_is_named_and_left_behind(bench: &PostgresBench) {
    let server = bench.server();
    let config = server.config();
    let engine = open(&config);
    write_events(&engine, vec![event("1", "ann", 5)]);
    let mut client = server.client(&config);
    // The server gives the same error when a file can't grow.
    let full = "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;
                CREATE TRIGGER full_disk BEFORE INSERT ON events EXECUTE FUNCTION fill()";
    client.batch_execute(full).unwrap();
    let tickets = ["2", "3"].map(|id| engine.write(one(id)).unwrap());
    for ticket in tickets {
        let answer = ticket.wait();
        assert!(matches!(answer, Err(StoreError::Full { .. })), "{answer:?}");
    }
    assert_eq!(recent_ids(&engine, "ann", 9), ["1"], "reading goes on");
    let refusing = engine.status().unwrap().refusing;
    assert!(refusing.is_some_and(|reason| reason.contains("no space left")));
    client
        .batch_execute("DROP TRIGGER full_disk ON events")
        .unwrap();
    assert_eq!(write_events(&engine, vec![event("2", "ann", 6)]), [Stored]);
    assert_eq!(engine.status().unwrap().refusing, None);
}

pub(crate) fn one_batch_that_fails_does_not_take_others_along(bench: &PostgresBench) {
    let server = bench.server();
    let config = server.config();
    let engine = open(&config);
    let mut client = server.client(&config);
    let rule = "ALTER TABLE facts ADD CONSTRAINT no_pots CHECK (key <> 'pot')";
    client.batch_execute(rule).unwrap();
    client
        .batch_execute("BEGIN; SELECT position FROM head FOR UPDATE")
        .unwrap();
    let batch = |id: &str, key: &str| Batch {
        facts: vec![fact(key, 0, "value")],
        ..one(id)
    };
    let keys = [("1", "cup"), ("2", "pot"), ("3", "tea")];
    let tickets = keys.map(|(id, key)| engine.write(batch(id, key)).unwrap());
    client.batch_execute("COMMIT").unwrap();
    let written = tickets.map(|ticket| ticket.wait().is_ok());
    assert_eq!(written, [true, false, true]);
    assert_eq!(all_ids(&engine), ["1", "3"]);
    assert_eq!(facts(&engine, Table::Product).len(), 2);
    engine.verify().unwrap();
}

pub(crate) fn a_write_whose_answer_was_lost_is_told_its_own_outcome(bench: &PostgresBench) {
    let server = bench.server();
    let direct = server.config();
    let proxy = Proxy::before(server.socket());
    let engine = open(&PostgresConfig {
        url: proxy.url(),
        ..direct.clone()
    });
    write_events(&engine, vec![event("1", "ann", 5)]);
    for round in 0..3 {
        proxy.break_at_the_next_answer();
        let id = format!("new {round}");
        let batch = vec![event(&id, "ann", 6), event("1", "ann", 7)];
        let written = write(&engine, batch, vec![fact("cup", round, "value")]);
        assert!(proxy.has_broken(), "the answer was lost");
        assert_eq!(written.events, [Stored, Duplicate]);
        assert_eq!(written.facts, [Applied]);
    }
    assert_eq!(
        recent_ids(&open(&direct), "ann", 9),
        ["1", "new 0", "new 1", "new 2"]
    );
    engine.verify().unwrap();
}

/// Stands between an engine and the server, and can break a connection at the moment the server answers.
struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Passing,
    Breaking,
    Broken,
}

impl Proxy {
    fn before(socket: std::path::PathBuf) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::Passing));
        let of_connections = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let server = UnixStream::connect(&socket).unwrap();
                pass(client.unwrap(), server, &of_connections);
            }
        });
        Self { port, state }
    }

    fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn break_at_the_next_answer(&self) {
        *self.state.lock().unwrap() = State::Breaking;
    }

    fn has_broken(&self) -> bool {
        *self.state.lock().unwrap() == State::Broken
    }
}

/// Passes bytes both ways until one side ends or the answer is to be lost.
fn pass(client: TcpStream, server: UnixStream, state: &Arc<Mutex<State>>) {
    let mut asks = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let ended = std::io::copy(&mut asks.0, &mut asks.1);
        let _ = (ended, asks.1.shutdown(Shutdown::Both));
    });
    let (mut client, mut server, state) = (client, server, Arc::clone(state));
    thread::spawn(move || {
        let mut bytes = [0; 1 << 16];
        while let Ok(count @ 1..) = server.read(&mut bytes) {
            let mut state = state.lock().unwrap();
            if *state == State::Breaking {
                *state = State::Broken;
                break;
            }
            drop(state);
            if client.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    });
}
