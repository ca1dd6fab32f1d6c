//! Directories with files of all sorts, and what the tests write into them.

use std::fs;
use std::path::{Path, PathBuf};

use recommender_core::Timestamp;
use recommender_core::events::{Event, EventKind};
use recommender_store::record::{Batch, Fact, Span, Table};
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Engine, Result};

/// Files so small that a test meets journals, merges and several files of facts.
pub(crate) fn config() -> EmbeddedConfig {
    EmbeddedConfig {
        memory_events: 300,
        journal_bytes: 32 << 10,
        ..EmbeddedConfig::default()
    }
}

pub(crate) fn open(dir: &Path) -> Result<EmbeddedEngine> {
    EmbeddedEngine::open(dir, config())
}

/// Batch `number` of a writer: an event of each of three visitors, and a fact that counts the batches.
pub(crate) fn batch(writer: &str, number: u64) -> Batch {
    let event = |part: u64| Event {
        id: Some(format!("{writer}/{number}/{part}")),
        visitor: format!("visitor {}", (number * 3 + part) % 50),
        item: Some(format!("item {}", number % 20)),
        kind: EventKind::Purchase,
        time: Some(Timestamp(number.cast_signed() * 1000)),
        quantity: 1.0,
        ..Event::default()
    };
    Batch {
        events: (0..3).map(event).collect(),
        facts: vec![Fact {
            table: Table::Product,
            key: format!("counter {writer}"),
            version: 0,
            value: Some(number.to_string().into_bytes()),
        }],
    }
}

/// Writes `batches` batches of a writer, many on their way at once.
pub(crate) fn fill(engine: &EmbeddedEngine, writer: &str, batches: u64) {
    let numbers: Vec<u64> = (0..batches).collect();
    for few in numbers.chunks(100) {
        let tickets: Vec<_> = few
            .iter()
            .map(|&number| engine.write(batch(writer, number)).unwrap())
            .collect();
        for ticket in tickets {
            ticket.wait().unwrap();
        }
    }
}

/// The ids of all events, in the order they are read.
pub(crate) fn ids(engine: &EmbeddedEngine) -> Vec<String> {
    let events = engine.events(Span::default()).unwrap();
    events
        .map(|stored| stored.unwrap().event.id.unwrap())
        .collect()
}

/// The files of a directory but the lock, by name.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| !path.ends_with("lock")).collect();
    files.sort();
    files
}

/// A copy of a directory's files.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in files(from) {
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}
