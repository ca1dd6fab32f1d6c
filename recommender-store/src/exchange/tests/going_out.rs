//! Exports: whole, interrupted, taken up again, added to.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use recommender_core::Timestamp;

use super::flaky::Flaky;
use super::{add, events_of, exported, odd_events, sorted, store_of};
use crate::StoreError;
use crate::engine::Engine;
use crate::exchange::{ExportManifest, ExportOptions, export};
use crate::record::{Position, Span};

fn names(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for day in fs::read_dir(directory).unwrap() {
        let day = day.unwrap();
        if day.path().is_dir() {
            for file in fs::read_dir(day.path()).unwrap() {
                let file = file.unwrap().file_name();
                names.push(format!("{}/{}", day.file_name().display(), file.display()));
            }
        }
    }
    names.sort();
    names
}

#[test]
fn what_is_exported_and_imported_again_is_equal_in_every_field() {
    let engine = store_of(&odd_events());
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("out");
    for (buffer_bytes, open_files) in [(1, 1), (2_000, 3), (1 << 20, 128)] {
        let options = ExportOptions {
            buffer_bytes,
            open_files,
            ..ExportOptions::default()
        };
        let report = export(&engine, &directory, &options).unwrap();
        assert_eq!((report.rows, report.files), (200, 11));
        assert_eq!(report.position, engine.position());
        assert_eq!(exported(&directory), events_of(&engine));
        let manifest = ExportManifest::read(&directory).unwrap().unwrap();
        let mut files: Vec<&str> = manifest
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        assert!(
            files.contains(&"day=1969-12-29/part-00000.parquet"),
            "{files:?}"
        );
        assert!(
            files.contains(&"day=1970-01-08/part-00000.parquet"),
            "{files:?}"
        );
        assert!(files.is_sorted());
        files.sort_unstable();
        assert_eq!(names(&directory), files);
        fs::remove_dir_all(&directory).unwrap();
    }
}

#[test]
fn an_export_interrupted_anywhere_is_taken_up_again() {
    let engine = store_of(&odd_events());
    let options = ExportOptions {
        buffer_bytes: 1_500,
        open_files: 3,
        ..ExportOptions::default()
    };
    let mut broken = 0;
    for reads in (0..=203).step_by(17) {
        let folder = tempfile::tempdir().unwrap();
        let flaky = Flaky {
            reads,
            ..Flaky::new(&engine)
        };
        // What a killed process leaves: files that no manifest knows.
        let stray = folder.path().join("day=1970-01-02");
        let interrupted = export(&flaky, folder.path(), &options);
        broken += u32::from(interrupted.is_err());
        fs::create_dir_all(&stray).unwrap();
        fs::write(stray.join("part-00007.parquet"), "half").unwrap();
        fs::write(stray.join(".part-00000.parquet.new"), "half").unwrap();
        let added = odd_events().into_iter().map(|mut event| {
            event.id = event.id.map(|id| format!("late-{id}"));
            event
        });
        let later = store_of(&odd_events());
        add(&later, &added.collect::<Vec<_>>());
        if interrupted.is_err() {
            assert!(super::take_in(&engine, folder.path()).is_err());
            // Taken up again, it is the export that was begun: what came since is left to the next.
            let report = export(&later, folder.path(), &options).unwrap();
            assert_eq!(report.position, engine.position());
        } else {
            export(&engine, folder.path(), &options).unwrap();
        }
        assert_eq!(exported(folder.path()), sorted(odd_events()));
        assert!(!stray.join("part-00007.parquet").exists());
        export(&later, folder.path(), &options).unwrap();
        assert_eq!(exported(folder.path()), events_of(&later));
    }
    assert!(broken > 9, "{broken}");
}

#[test]
fn an_export_stopped_at_any_of_its_files_is_taken_up_again() {
    let engine = store_of(&odd_events());
    for stop_at in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let (stop, looks) = (AtomicBool::new(false), std::sync::atomic::AtomicU32::new(0));
        let progress = |_| {
            let look = looks.fetch_add(1, Ordering::Relaxed);
            stop.store(look == stop_at, Ordering::Relaxed);
        };
        let options = ExportOptions {
            open_files: 3,
            progress: Some(&progress),
            cancel: Some(&stop),
            ..ExportOptions::default()
        };
        let stopped = export(&engine, folder.path(), &options);
        let cancelled = StoreError::Core(recommender_core::Error::Cancelled).to_string();
        assert_eq!(
            stopped.err().map(|error| error.to_string()),
            (stop_at < 7).then_some(cancelled)
        );
        export(&engine, folder.path(), &ExportOptions::default()).unwrap();
        assert_eq!(exported(folder.path()), events_of(&engine));
    }
}

#[test]
fn what_came_since_is_added_as_further_parts() {
    let events = odd_events();
    let engine = store_of(&events[..120]);
    let folder = tempfile::tempdir().unwrap();
    let first = export(&engine, folder.path(), &ExportOptions::default()).unwrap();
    let nothing = export(&engine, folder.path(), &ExportOptions::default()).unwrap();
    assert_eq!((first.rows, nothing.rows, nothing.files), (120, 0, 0));
    add(&engine, &events[120..]);
    let options = ExportOptions {
        after: Some(first.position),
        ..ExportOptions::default()
    };
    let second = export(&engine, folder.path(), &options).unwrap();
    assert_eq!((second.rows, second.files), (80, 11));
    assert_eq!(exported(folder.path()), events_of(&engine));
    assert!(names(folder.path()).contains(&"day=1970-01-01/part-00001.parquet".to_owned()));
    let other = folder.path().join("since");
    export(&engine, &other, &options).unwrap();
    assert_eq!(exported(&other), sorted(events[120..].to_vec()));
}

#[test]
fn only_the_times_that_were_asked_for_are_exported() {
    let engine = store_of(&odd_events());
    let folder = tempfile::tempdir().unwrap();
    let span = Span {
        from: Some(Timestamp(0)),
        until: Some(Timestamp(86_400_000)),
    };
    let options = ExportOptions {
        span,
        ..ExportOptions::default()
    };
    export(&engine, folder.path(), &options).unwrap();
    let files = names(folder.path());
    assert_eq!(files, ["day=1970-01-01/part-00000.parquet"]);
    let times = exported(folder.path());
    assert!(!times.is_empty());
    assert!(times.iter().all(|event| span.contains(event.time.unwrap())));
}

#[test]
fn directories_that_hold_something_else_are_refused() {
    let engine = store_of(&odd_events()[..3]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
    let refused = |options: ExportOptions<'_>, directory: &Path| {
        let refused = export(&engine, directory, &options).unwrap_err();
        assert!(matches!(refused, StoreError::Invalid { .. }), "{refused}");
    };
    refused(ExportOptions::default(), folder.path());
    let directory = folder.path().join("out");
    export(&engine, &directory, &ExportOptions::default()).unwrap();
    let elsewhere = ExportOptions {
        after: Some(Position(1)),
        ..ExportOptions::default()
    };
    refused(elsewhere, &directory);
    let none = ExportOptions {
        open_files: 0,
        ..ExportOptions::default()
    };
    refused(none, &directory);
    // A store that does not reach as far as the export is another.
    let other = store_of(&[]);
    let wrong = export(&other, &directory, &ExportOptions::default()).unwrap_err();
    assert!(matches!(wrong, StoreError::Invalid { .. }), "{wrong}");
    let newer = fs::read_to_string(directory.join("_manifest.json")).unwrap();
    let newer = newer.replace("\"format\": 1", "\"format\": 9");
    fs::write(directory.join("_manifest.json"), newer).unwrap();
    let wrong = export(&engine, &directory, &ExportOptions::default()).unwrap_err();
    assert!(
        matches!(wrong, StoreError::Newer { found: 9, .. }),
        "{wrong}"
    );
}
