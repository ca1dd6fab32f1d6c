//! The tables: versions, damage, and what is left in the files.

use std::fs;

use recommender_core::events::Event;
use recommender_store::postgres::{PostgresConfig, PostgresEngine, restore};
use recommender_store::record::{Fact, Oblivion, Span, Table};
use recommender_store::{Engine, StoreError};

use super::PostgresBench;
use super::server::occurrences;
use crate::bench::{
    all_ids, event, events, fact, pairs, products, recent_ids, visitor, write, write_events,
    write_facts,
};

fn open(config: &PostgresConfig) -> PostgresEngine {
    PostgresEngine::open(config).unwrap()
}

pub(crate) fn an_older_schema_is_brought_up_to_date(bench: &PostgresBench) {
    let server = bench.server();
    let config = server.config();
    write(
        &open(&config),
        vec![event("1", "ann", 5)],
        vec![fact("cup", 5, "five")],
    );
    let first_version =
        "DROP FUNCTION write_batch; DROP INDEX events_refusing; UPDATE format SET version = 1";
    let mut client = server.client(&config);
    client.batch_execute(first_version).unwrap();
    let engine = open(&config);
    write_events(&engine, vec![event("2", "ann", 6)]);
    assert_eq!(recent_ids(&engine, "ann", 9), ["1", "2"]);
    assert_eq!(products(&engine), pairs([("cup", "five")]));
    let sql = "SELECT to_regclass('events_refusing') IS NOT NULL";
    assert!(client.query_one(sql, &[]).unwrap().get::<_, bool>(0));
}

pub(crate) fn a_newer_schema_is_refused(bench: &PostgresBench) {
    let server = bench.server();
    let config = server.config();
    drop(open(&config));
    let mut client = server.client(&config);
    client
        .batch_execute("UPDATE format SET version = 99")
        .unwrap();
    let answer = PostgresEngine::open(&config);
    assert!(
        matches!(answer, Err(StoreError::Newer { found: 99, .. })),
        "{answer:?}"
    );
}

pub(crate) fn what_was_altered_is_named_and_not_given_out(bench: &PostgresBench) {
    let server = bench.server();
    let config = server.config();
    let engine = open(&config);
    write_events(&engine, vec![event("1", "ann", 5), event("2", "bob", 5)]);
    write_facts(&engine, vec![fact("cup", 5, "five")]);
    let mut client = server.client(&config);
    let is_damaged = |alter: &str, reads: &[&dyn Fn() -> bool]| {
        let mut client = server.client(&config);
        client
            .batch_execute("CREATE TABLE e AS TABLE events; CREATE TABLE f AS TABLE facts")
            .unwrap();
        client.batch_execute(alter).unwrap();
        let verified = engine.verify();
        assert!(
            matches!(verified, Err(StoreError::Damaged { .. })),
            "{alter}: {verified:?}"
        );
        assert!(reads.iter().all(|read| read()), "{alter} was given out");
        let put_back =
            "TRUNCATE events, facts; INSERT INTO events TABLE e; INSERT INTO facts TABLE f;
                        DROP TABLE e, f";
        client.batch_execute(put_back).unwrap();
        engine.verify().unwrap();
    };
    let recent = || matches!(engine.recent("ann", 9), Err(StoreError::Damaged { .. }));
    let all = || {
        engine
            .events(Span::default())
            .unwrap()
            .any(|event| event.is_err())
    };
    let facts = || {
        engine
            .facts(Table::Product)
            .unwrap()
            .all(|fact| fact.is_err())
    };
    let changes = || {
        engine
            .changes(recommender_store::record::Position(0))
            .is_err()
    };
    let of_ann = "WHERE id = '1'";
    is_damaged(
        &format!("UPDATE events SET time = 6 {of_ann}"),
        &[&recent, &all],
    );
    is_damaged(
        &format!("UPDATE events SET id = '3' {of_ann}"),
        &[&recent, &all],
    );
    is_damaged(
        &format!("UPDATE events SET body = '{{}}' {of_ann}"),
        &[&recent, &all],
    );
    is_damaged(
        &format!("UPDATE events SET checksum = 0 {of_ann}"),
        &[&recent, &all],
    );
    is_damaged("UPDATE events SET visitor = 'eve' WHERE id = '2'", &[&all]);
    is_damaged("UPDATE facts SET value = 'six'", &[&facts, &changes]);
    is_damaged("UPDATE facts SET version = 6", &[&facts, &changes]);
    is_damaged("UPDATE facts SET value = NULL", &[&changes]);
    is_damaged("UPDATE facts SET fact_table = 99", &[&changes]);
    is_damaged("UPDATE facts SET position = 99", &[]);
    is_damaged("DELETE FROM events WHERE id = '2'", &[]);
    is_damaged("DELETE FROM facts", &[]);
    let lost_id = "DELETE FROM event_ids";
    client.batch_execute(lost_id).unwrap();
    assert!(engine.verify().is_err(), "{lost_id}");
}

pub(crate) fn no_byte_of_the_forgotten_is_left_in_the_tables(bench: &PostgresBench) {
    // Few other tables are searched on a server of its own.
    let server = bench.another_server();
    let config = server.config();
    let engine = open(&config);
    let secret = |n: usize| format!("{} {n}", config.schema) + "-of-ann-";
    let long = (0..2_000)
        .map(|n| format!("{}{n}", secret(4)))
        .collect::<String>();
    let of_ann = |n: i64| Event {
        session: Some(format!("{}{n}", secret(1))),
        attributes: [(
            "note".to_string(),
            if n == 7 { long.clone() } else { secret(2) },
        )]
        .into(),
        ..event(&format!("{}{n}", secret(3)), &secret(0), n)
    };
    for n in 0..50 {
        let other = event(&format!("o{n}"), &format!("other {n}"), n);
        write_events(&engine, vec![of_ann(n), other]);
    }
    let link = Fact {
        table: Table::Link,
        ..fact(&secret(5), 0, &secret(6))
    };
    write_facts(&engine, vec![link, fact("cup", 0, "cup")]);
    let mut client = server.client(&config);
    client
        .batch_execute("ANALYZE events, facts; CHECKPOINT")
        .unwrap();
    let left = || -> Vec<usize> {
        let count = |n: usize| occurrences(&server.files(), &secret(n));
        [0, 1, 2, 3, 5, 6].map(count).into()
    };
    assert!(
        left().iter().all(|&count| count > 0),
        "the search finds what is there: {:?}",
        left()
    );
    let oblivion = Oblivion {
        facts: vec![(Table::Link, secret(5))],
        ..visitor(&secret(0))
    };
    let forgotten = engine.forget(&oblivion).unwrap();
    assert_eq!((forgotten.events, forgotten.facts), (50, 1));
    client.batch_execute("CHECKPOINT").unwrap();
    assert_eq!(left(), [0; 6]);
    assert_eq!(all_ids(&engine).len(), 50);
}

pub(crate) fn an_interrupted_forgetting_is_ended_by_the_next(bench: &PostgresBench) {
    let server = bench.another_server();
    let config = server.config();
    let engine = open(&config);
    let secret = format!("{}-of-ann", config.schema);
    write_events(&engine, vec![event("1", &secret, 5), event("2", "bob", 5)]);
    let mut client = server.client(&config);
    // What is left when the process is killed between deleting and rewriting.
    let deleted =
        "INSERT INTO unswept SELECT tableoid::regclass::text, pg_current_xact_id() FROM events
                       WHERE id = '1';
                   DELETE FROM events WHERE id = '1';
                   DELETE FROM event_ids WHERE digest = digest_of('1');
                   UPDATE head SET events = events - 1;";
    client
        .batch_execute(&format!("BEGIN; {deleted} COMMIT; CHECKPOINT"))
        .unwrap();
    assert!(occurrences(&server.files(), &secret) > 0);
    drop(engine);
    let engine = open(&config);
    assert_eq!(engine.forget(&visitor(&secret)).unwrap().events, 0);
    client.batch_execute("CHECKPOINT").unwrap();
    assert_eq!(occurrences(&server.files(), &secret), 0);
    assert_eq!(engine.verify().unwrap().events, 1);
}

pub(crate) fn a_snapshot_that_was_altered_is_refused(bench: &PostgresBench) {
    let server = bench.server();
    let engine = open(&server.config());
    let many = (0..100).map(|n| event(&format!("{n}"), "ann", n));
    let facts = (0..100).map(|n| fact(&format!("{n}"), 0, "value"));
    write(&engine, many.collect(), facts.collect());
    let place = tempfile::tempdir().unwrap();
    let from = place.path().join("copy");
    engine.snapshot(&from).unwrap();
    let target = server.config();
    for name in ["events.jsonl.sz", "facts.jsonl.sz"] {
        let path = from.join(name);
        let good = fs::read(&path).unwrap();
        let mut cut = good.clone();
        cut.truncate(good.len() - 3);
        let spoilt = (0..good.len()).step_by(good.len() / 20 + 1).map(|at| {
            let mut bytes = good.clone();
            bytes[at] ^= 0x10;
            bytes
        });
        for bytes in spoilt.chain([cut, Vec::new()]) {
            fs::write(&path, bytes).unwrap();
            let answer = restore(&from, &target);
            let Err(StoreError::Damaged { path: named, .. }) = &answer else {
                panic!("{name}: {answer:?}");
            };
            assert_eq!(*named, path);
        }
        fs::write(&path, good).unwrap();
    }
    assert_eq!(
        all_ids(&open(&target)),
        [""; 0],
        "nothing of a refused snapshot is kept"
    );
    restore(&from, &target).unwrap();
    let restored = open(&target);
    assert_eq!(
        events(&restored, Span::default()),
        events(&engine, Span::default())
    );
    let again = restore(&from, &target);
    assert!(
        matches!(again, Err(StoreError::Invalid { .. })),
        "{again:?}"
    );
    refuses_the_manifest(&from, &server.config());
}

fn refuses_the_manifest(from: &std::path::Path, target: &PostgresConfig) {
    let path = from.join("manifest.json");
    let newer = fs::read_to_string(&path).unwrap();
    fs::write(&path, newer.replace("\"format\": 1", "\"format\": 2")).unwrap();
    let answer = restore(from, target);
    assert!(
        matches!(answer, Err(StoreError::Newer { found: 2, .. })),
        "{answer:?}"
    );
    fs::write(&path, "{}").unwrap();
    let answer = restore(from, target);
    assert!(
        matches!(answer, Err(StoreError::Damaged { .. })),
        "{answer:?}"
    );
    fs::remove_file(&path).unwrap();
    let answer = restore(from, target);
    assert!(matches!(answer, Err(StoreError::Io { .. })), "{answer:?}");
}
