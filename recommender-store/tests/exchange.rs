//! Events into a store on disk, out of it, and into another: the same. Also through a snapshot.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use recommender_core::events::Event;
use recommender_store::embedded::restore;
use recommender_store::exchange::{ExportOptions, ImportOptions, export, import};
use recommender_store::record::Span;
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Engine};

fn open(directory: &Path) -> EmbeddedEngine {
    // Few events in memory, so that they also come from files.
    let config = EmbeddedConfig {
        memory_events: 1_000,
        ..EmbeddedConfig::default()
    };
    EmbeddedEngine::open(directory, config).unwrap()
}

fn events_of(engine: &dyn Engine) -> Vec<Event> {
    let events = engine.events(Span::default()).unwrap();
    events.map(|event| event.unwrap().event).collect()
}

#[test]
fn events_go_from_store_to_store_and_through_a_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut text = String::from("visitor,item,kind,time,price\n");
    for row in 0..10_000 {
        let (visitor, item) = (row * 7 % 501, row * row % 97);
        let time = 1_700_000_000 + row * 997;
        writeln!(text, "v{visitor},i{item},view,{time},{}", row % 100).unwrap();
    }
    fs::write(path("events.csv"), text).unwrap();
    let first = open(&path("first"));
    let options = ImportOptions {
        batch_events: 500,
        ..ImportOptions::default()
    };
    let report = import(&first, &[path("events.csv")], &options, &mut |_| Ok(())).unwrap();
    assert_eq!((report.rows.kept, report.rows.duplicates), (10_000, 0));
    let exported = export(&first, &path("out"), &ExportOptions::default()).unwrap();
    assert_eq!(exported.rows, 10_000);
    assert!(exported.files > 100);
    let second = open(&path("second"));
    import(&second, &[path("out")], &options, &mut |_| Ok(())).unwrap();
    assert_eq!(events_of(&second), events_of(&first));
    first.snapshot(&path("snapshot")).unwrap();
    drop(first);
    restore(&path("snapshot"), &path("third")).unwrap();
    let third = open(&path("third"));
    assert_eq!(events_of(&third), events_of(&second));
    // Ids stay known: what was imported before the snapshot counts once.
    let report = import(&third, &[path("events.csv")], &options, &mut |_| Ok(())).unwrap();
    assert_eq!((report.rows.kept, report.rows.duplicates), (0, 10_000));
    let nothing = export(&third, &path("out"), &ExportOptions::default()).unwrap();
    assert_eq!(nothing.rows, 0);
}
