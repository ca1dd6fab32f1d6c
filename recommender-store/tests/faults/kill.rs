//! Processes killed without warning.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_store::record::EventOutcome;
use recommender_store::{Engine, StoreError};

use crate::CHILD;
use crate::directory::{batch, ids, open};

/// How often the writing process is killed.
const KILLS: usize = 200;

/// Threads of the process that is killed.
const WRITERS: usize = 4;

/// Starts this program again with other work.
pub(crate) fn child(work: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([CHILD, work])
        .arg(dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Writes and says of each batch that it was told to be on disk.
pub(crate) fn write_until_killed(dir: &Path) {
    let engine = Arc::new(open(dir).unwrap());
    let life = std::process::id();
    println!("open");
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let engine = Arc::clone(&engine);
            thread::spawn(move || {
                let name = format!("{life}-{writer}");
                for number in 0.. {
                    let written = engine.write(batch(&name, number)).unwrap().wait().unwrap();
                    assert_eq!(written.events, [EventOutcome::Stored; 3]);
                    println!("{name}/{number}");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
}

/// Opens a directory and keeps it.
pub(crate) fn hold_until_killed(dir: &Path) {
    let _engine = open(dir).unwrap();
    println!("open");
    thread::sleep(Duration::from_mins(10));
}

/// Waits until a child has opened its directory.
pub(crate) fn until_open(child: &mut Child) -> BufReader<std::process::ChildStdout> {
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "open\n");
    output
}

pub(crate) fn two_hundred_kills_lose_nothing_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut told: BTreeSet<String> = BTreeSet::new();
    for kill in 0..KILLS {
        let mut child = child("write", &data);
        let mut output = until_open(&mut child);
        thread::sleep(Duration::from_micros(random.random_range(0..40_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut lines = String::new();
        output.read_to_string(&mut lines).unwrap();
        // The last line may have been cut by the kill itself.
        let whole = lines.rsplit_once('\n').map_or("", |(whole, _)| whole);
        told.extend(whole.lines().map(str::to_owned));
        if kill % 10 == 9 {
            check(&data, &told);
        }
    }
    assert!(told.len() > 10 * KILLS, "only {} batches", told.len());
}

/// All batches of which it was told are there as a whole, no event is twice, and no batch is there in part.
fn check(data: &Path, told: &BTreeSet<String>) {
    let engine = open(data).unwrap();
    let all = ids(&engine);
    let distinct: BTreeSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "an event is there twice");
    for batch in told {
        for part in 0..3 {
            let id = format!("{batch}/{part}");
            assert!(distinct.contains(&id), "{id} was acknowledged and is gone");
        }
    }
    let batches: BTreeSet<&str> = all
        .iter()
        .map(|id| id.rsplit_once('/').unwrap().0)
        .collect();
    assert_eq!(batches.len() * 3, all.len(), "a batch is there in part");
    engine.verify().unwrap();
    if let Some(known) = told.first() {
        let (writer, number) = known.rsplit_once('/').unwrap();
        let again = engine.write(batch(writer, number.parse().unwrap()));
        let outcomes = again.unwrap().wait().unwrap().events;
        assert_eq!(outcomes, [EventOutcome::Duplicate; 3]);
    }
}

pub(crate) fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = child("hold", dir.path());
    let _output = until_open(&mut child);
    let refused = open(dir.path());
    assert!(
        matches!(&refused, Err(StoreError::InUse { path }) if path == dir.path()),
        "{refused:?}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    open(dir.path()).unwrap();
}
