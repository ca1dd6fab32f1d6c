//! Persons forgotten for good.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::Timestamp;
use recommender_core::events::Event;
use recommender_store::record::{Batch, Fact, Oblivion, Table};
use recommender_store::{EmbeddedEngine, Engine};

use crate::directory::{files, fill, ids, open};
use crate::kill;

/// A key that stands in the files as it is, and what belongs to it.
const PERSON: &str = "4qX7-marie.curie@sorbonne.example";

fn hers(number: usize) -> Event {
    Event {
        id: Some(format!("{PERSON} {number}")),
        visitor: PERSON.into(),
        item: Some("radium".into()),
        session: Some(format!("session of {PERSON}")),
        attributes: [("note".into(), format!("for {PERSON}"))].into(),
        time: Some(Timestamp(number as i64)),
        quantity: 1.0,
        ..Event::default()
    }
}

fn oblivion() -> Oblivion {
    Oblivion {
        visitors: vec![PERSON.into()],
        facts: vec![(Table::Link, PERSON.into())],
    }
}

/// Files of all sorts, in which she stands again and again.
fn filled(dir: &Path) -> EmbeddedEngine {
    let engine = open(dir).unwrap();
    for number in 0..20 {
        fill(&engine, &format!("part {number}"), 60);
        let batch = Batch {
            events: vec![hers(2 * number), hers(2 * number + 1)],
            facts: vec![Fact {
                table: Table::Link,
                key: PERSON.into(),
                version: 0,
                value: Some(format!("{PERSON} is {number}").into_bytes()),
            }],
        };
        engine.write(batch).unwrap().wait().unwrap();
    }
    engine
}

/// The files in which some of her bytes stand.
fn naming_her(dir: &Path) -> Vec<String> {
    loop {
        // A merge beside this may put another file in the place of one that was listed.
        match read_for_her(dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => (),
            read => return read.unwrap(),
        }
    }
}

fn read_for_her(dir: &Path) -> io::Result<Vec<String>> {
    // Compression may cut a long text, so any eight bytes of her key count.
    let pieces: Vec<&[u8]> = PERSON.as_bytes().windows(8).collect();
    let named = |bytes: &[u8]| bytes.windows(8).any(|piece| pieces.contains(&piece));
    let mut naming = Vec::new();
    for file in files(dir) {
        if named(&fs::read(&file)?) {
            naming.push(file.display().to_string());
        }
    }
    Ok(naming)
}

pub(crate) fn no_byte_of_a_forgotten_person_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let engine = filled(dir.path());
    let others = ids(&engine).len() - 40;
    let before = naming_her(dir.path()).join(" ");
    for sort in [".journal", ".events", ".facts"] {
        assert!(before.contains(sort), "she stands in no {sort}: {before}");
    }
    let forgotten = engine.forget(&oblivion()).unwrap();
    assert_eq!((forgotten.events, forgotten.facts), (40, 1));
    assert_eq!(naming_her(dir.path()), Vec::<String>::new());
    assert_eq!(ids(&engine).len(), others, "nobody else lost anything");
    assert!(engine.recent(PERSON, 50).unwrap().is_empty());
    assert_eq!(engine.facts(Table::Link).unwrap().count(), 0);
    drop(engine);
    let engine = open(dir.path()).unwrap();
    assert_eq!(naming_her(dir.path()), Vec::<String>::new());
    assert_eq!(ids(&engine).len(), others);
    engine.verify().unwrap();
}

/// Begins to forget her.
pub(crate) fn forget_until_killed(dir: &Path) {
    let engine = open(dir).unwrap();
    println!("open");
    engine.forget(&oblivion()).unwrap();
    thread::sleep(Duration::from_mins(10));
}

pub(crate) fn a_killed_erasure_is_finished_by_the_next() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..15 {
        let dir = tempfile::tempdir().unwrap();
        let engine = filled(dir.path());
        let others = ids(&engine).len() - 40;
        drop(engine);
        let mut child = kill::child("forget", dir.path());
        let _output = kill::until_open(&mut child);
        thread::sleep(Duration::from_micros(random.random_range(0..20_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let engine = open(dir.path()).unwrap();
        engine.forget(&oblivion()).unwrap();
        assert_eq!(naming_her(dir.path()), Vec::<String>::new());
        assert_eq!(ids(&engine).len(), others, "nobody else lost anything");
        engine.verify().unwrap();
    }
}
