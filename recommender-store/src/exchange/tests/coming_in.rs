//! Imports: any file, bad rows, interruptions.

use std::fmt::Write as _;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use recommender_core::events::{Consent, Event};
use recommender_core::rows::BadRows;
use recommender_files::EventOptions;

use super::flaky::Flaky;
use super::{events_of, odd_events, store_of, take_in};
use crate::exchange::{Admission, ExportManifest, ExportOptions, ImportOptions, export, import};
use crate::record::{Span, Table};
use crate::{Engine, MemoryEngine, StoreError};

/// Rows without ids, of which number 31 of 60 is bad.
fn csv() -> String {
    let mut text = String::from("visitor,item,time,price\n");
    for row in 1..=60 {
        let price = if row == 31 { "free" } else { "1.5" };
        writeln!(
            text,
            "v{},i{},{},{price}",
            row % 4,
            row % 7,
            1_700_000_000 + row
        )
        .unwrap();
    }
    text
}

fn lenient() -> ImportOptions<'static> {
    ImportOptions {
        reading: EventOptions {
            bad_rows: BadRows::Count,
            ..EventOptions::default()
        },
        batch_events: 7,
        ..ImportOptions::default()
    }
}

fn left_over(engine: &dyn Engine) -> usize {
    engine.facts(Table::Transfer).unwrap().count()
}

#[test]
fn a_file_with_a_bad_row_is_refused_whole_or_read_around_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.csv");
    fs::write(&path, csv()).unwrap();
    let engine = MemoryEngine::default();
    let error = take_in(&engine, &path).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "row 32, field \"price\": expected a finite number of at least 0, found \"free\""
        ),
        "{error}"
    );
    assert!(events_of(&engine).is_empty());
    let mut told = Vec::new();
    let report = import(&engine, &[path], &lenient(), &mut |error| {
        told.push(error.row);
        Ok(())
    });
    let rows = report.unwrap().rows;
    assert_eq!((rows.rows, rows.kept, rows.bad_rows()), (60, 59, 1));
    assert_eq!(told, [Some(32)]);
    assert_eq!(events_of(&engine).len(), 59);
}

#[test]
fn a_file_imported_twice_counts_once_whatever_its_name_and_equal_rows_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let text = "visitor,item,time\nann,cup,1\nann,cup,1\nbob,pot,2\n";
    let engine = MemoryEngine::default();
    for (name, kept) in [("a.csv", 3), ("b.csv", 0)] {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let rows = take_in(&engine, &path).unwrap().rows;
        assert_eq!((rows.kept, rows.duplicates), (kept, 3 - kept));
    }
    let rows = take_in(&engine, folder.path()).unwrap();
    assert_eq!(
        (rows.files, rows.rows.rows, rows.rows.duplicates),
        (2, 6, 6)
    );
    assert_eq!(left_over(&engine), 0);
}

#[test]
fn an_import_that_fails_anywhere_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.csv");
    fs::write(&path, csv()).unwrap();
    let whole = MemoryEngine::default();
    import(&whole, std::slice::from_ref(&path), &lenient(), &mut |_| {
        Ok(())
    })
    .unwrap();
    for writes in 0..9 {
        let engine = MemoryEngine::default();
        let flaky = Flaky {
            writes,
            ..Flaky::new(&engine)
        };
        let error = import(&flaky, std::slice::from_ref(&path), &lenient(), &mut |_| {
            Ok(())
        });
        assert!(
            matches!(error, Err(StoreError::Unavailable { .. })),
            "{error:?}"
        );
        let stored = events_of(&engine).len() as u64;
        let report = import(
            &engine,
            std::slice::from_ref(&path),
            &lenient(),
            &mut |_| Ok(()),
        );
        let report = report.unwrap();
        assert_eq!(
            report.kept_before,
            writes * 7,
            "what settled before the failure is not done again"
        );
        assert_eq!(report.rows.kept + report.rows.duplicates, 59);
        assert!(report.rows.duplicates <= stored - report.kept_before);
        assert_eq!(events_of(&engine), events_of(&whole));
        assert_eq!(left_over(&engine), 0);
    }
}

#[test]
fn a_stopped_import_is_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.csv");
    fs::write(&path, csv()).unwrap();
    let (engine, stop) = (MemoryEngine::default(), AtomicBool::new(false));
    let progress = |done| stop.store(done >= 20, Ordering::Relaxed);
    let options = ImportOptions {
        progress: Some(&progress),
        cancel: Some(&stop),
        ..lenient()
    };
    let stopped = import(&engine, std::slice::from_ref(&path), &options, &mut |_| {
        Ok(())
    });
    assert!(matches!(
        stopped,
        Err(StoreError::Core(recommender_core::Error::Cancelled))
    ));
    assert_eq!(left_over(&engine), 1);
    let known = events_of(&engine).len() as u64;
    assert!((20..59).contains(&known), "{known}");
    // Read in another way, it is another file; its rows are the same.
    let mut other = lenient();
    other.reading.map.assign("=price").unwrap();
    let rows = import(
        &engine,
        std::slice::from_ref(&path),
        &other,
        &mut |_| Ok(()),
    )
    .unwrap()
    .rows;
    assert_eq!((rows.kept, rows.duplicates), (60 - known, known));
    let report = import(&engine, &[path], &lenient(), &mut |_| Ok(())).unwrap();
    assert_eq!((report.kept_before, report.rows.kept), (known, known));
    assert_eq!(
        (report.rows.duplicates, left_over(&engine)),
        (59 - known, 0)
    );
}

#[test]
fn a_truncated_or_changed_file_of_an_export_is_named_and_nothing_of_it_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let source = store_of(&odd_events());
    export(&source, folder.path(), &ExportOptions::default()).unwrap();
    let manifest = ExportManifest::read(folder.path()).unwrap().unwrap();
    let path = folder.path().join(&manifest.files[3].path);
    let bytes = fs::read(&path).unwrap();
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 4;
    for wrong in [
        &bytes[..bytes.len() / 2],
        &bytes[..bytes.len() - 1],
        &flipped,
    ] {
        fs::write(&path, wrong).unwrap();
        let engine = MemoryEngine::default();
        let error = take_in(&engine, folder.path()).unwrap_err();
        assert!(
            matches!(&error, StoreError::Damaged { path: named, .. } if *named == path),
            "{error}"
        );
        let rows: u64 = manifest.files[..3].iter().map(|file| file.rows).sum();
        assert_eq!(
            events_of(&engine).len() as u64,
            rows,
            "only the files before it"
        );
    }
    // Without a manifest the Parquet reader finds it.
    let alone = folder.path().join("alone.parquet");
    fs::write(&alone, &bytes[..bytes.len() - 7]).unwrap();
    let error = take_in(&MemoryEngine::default(), &alone)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("alone.parquet: expected a Parquet file"),
        "{error}"
    );
    fs::write(&path, &bytes).unwrap();
    assert_eq!(
        take_in(&MemoryEngine::default(), folder.path())
            .unwrap()
            .rows
            .kept,
        200
    );
}

#[test]
fn the_door_decides_and_what_was_refused_never_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let text = "{\"visitor\":\"ann\",\"item\":\"cup\",\"time\":1,\"consent\":\"denied\"}\n\
                {\"visitor\":\"bob\",\"item\":\"cup\",\"time\":2}\n\
                {\"visitor\":\"eve\",\"item\":null,\"time\":3,\"kind\":\"search\",\"attributes\":{\"words\":\"red cup\"}}\n";
    fs::write(&path, text).unwrap();
    let door = |event: &mut Event| {
        if event.visitor == "bob" {
            return Admission::Refused;
        }
        event.visitor.insert(0, '#');
        Admission::Admitted
    };
    let options = ImportOptions {
        admit: Some(&door),
        ..ImportOptions::default()
    };
    let engine = MemoryEngine::default();
    let rows = import(&engine, &[path], &options, &mut |_| Ok(()))
        .unwrap()
        .rows;
    assert_eq!((rows.kept, rows.refused_consent), (1, 2));
    let kept = &events_of(&engine)[0];
    assert_eq!(
        (kept.visitor.as_str(), kept.item.as_deref()),
        ("#eve", None)
    );
    assert_eq!(kept.attributes["words"], "red cup");
    assert_ne!(kept.consent, Consent::Denied);
    let visitors = engine.events(Span::default()).unwrap().count();
    assert_eq!(visitors, 1);
}

#[test]
fn rows_that_a_log_can_not_keep_are_bad_rows() {
    let folder = tempfile::tempdir().unwrap();
    let engine = MemoryEngine::default();
    let path = folder.path().join("lists.txt");
    fs::write(&path, "ann cup pot\n").unwrap();
    let error = take_in(&engine, &path).unwrap_err().to_string();
    assert!(
        error.contains("row 1, field \"time\": expected a time, found none"),
        "{error}"
    );
    let path = folder.path().join("long.csv");
    fs::write(
        &path,
        format!(
            "visitor,item,time\nann,{},1\nbob,a\0b,1\n",
            "x".repeat(2_000)
        ),
    )
    .unwrap();
    let rows = import(&engine, &[path], &lenient(), &mut |_| Ok(()))
        .unwrap()
        .rows;
    assert_eq!((rows.kept, rows.bad_rows()), (0, 2));
    for path in ["missing.csv", "."] {
        let path = folder.path().join("none").join(path);
        fs::create_dir_all(folder.path().join("none")).unwrap();
        let error = take_in(&engine, &path).unwrap_err();
        assert!(
            matches!(error, StoreError::Core(recommender_core::Error::Input(_))),
            "{error}"
        );
    }
}
