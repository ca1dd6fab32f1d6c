//! Persons taken out of exports.

use std::fs;
use std::path::Path;

use super::{add, events_of, exported, odd_events, store_of, take_in};
use crate::exchange::{Erased, ExportManifest, ExportOptions, erase, export};
use crate::record::Oblivion;
use crate::{Engine, MemoryEngine, StoreError};

/// Whether a file below `directory` has `words` in it, as they stand or within a text that does not repeat.
fn holds(directory: &Path, words: &str) -> bool {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return holds(&path, words);
        }
        let bytes = fs::read(&path).unwrap();
        bytes
            .windows(words.len())
            .any(|window| window == words.as_bytes())
    })
}

fn visitor() -> String {
    " v\u{e9}3 ".into()
}

/// The store of all the events without those of the visitor.
fn without(engine: &MemoryEngine) {
    let oblivion = Oblivion {
        visitors: vec![visitor()],
        facts: vec![],
    };
    engine.forget(&oblivion).unwrap();
}

#[test]
fn nothing_of_a_person_is_left_and_everything_of_the_others() {
    let engine = store_of(&odd_events());
    let folder = tempfile::tempdir().unwrap();
    let options = ExportOptions {
        buffer_bytes: 1_000,
        ..ExportOptions::default()
    };
    export(&engine, folder.path(), &options).unwrap();
    assert!(holds(folder.path(), &visitor()));
    let before = ExportManifest::read(folder.path()).unwrap().unwrap();
    let erased = erase(folder.path(), &[visitor(), "nobody".into()]).unwrap();
    let hers = odd_events()
        .iter()
        .filter(|event| event.visitor == visitor())
        .count() as u64;
    assert_eq!(erased.events, hers);
    assert!(!holds(folder.path(), &visitor()));
    without(&engine);
    assert_eq!(exported(folder.path()), events_of(&engine));
    let after = ExportManifest::read(folder.path()).unwrap().unwrap();
    assert_eq!(after.rows() + hers, before.rows());
    assert!(
        erased
            .files
            .iter()
            .all(|name| !folder.path().join(name).exists())
    );
    let again = erase(folder.path(), &[visitor()]).unwrap();
    assert_eq!(again, Erased::default());
    // The export goes on behind it.
    let late = odd_events().into_iter().map(|mut event| {
        event.id = event.id.map(|id| format!("late-{id}"));
        event
    });
    add(&engine, &late.collect::<Vec<_>>());
    export(&engine, folder.path(), &options).unwrap();
    assert_eq!(exported(folder.path()), events_of(&engine));
}

#[test]
fn a_file_of_her_alone_goes_and_an_interrupted_erasure_is_taken_up_again() {
    let hers: Vec<_> = odd_events()
        .into_iter()
        .filter(|event| event.visitor == visitor())
        .collect();
    let engine = store_of(&hers);
    let folder = tempfile::tempdir().unwrap();
    export(&engine, folder.path(), &ExportOptions::default()).unwrap();
    let before = ExportManifest::read(folder.path()).unwrap().unwrap();
    // A process that was killed between the manifest and the removal of the file before.
    let old = folder.path().join(&before.files[0].path);
    let bytes = fs::read(&old).unwrap();
    let erased = erase(folder.path(), &[visitor()]).unwrap();
    assert_eq!(erased.files.len(), before.files.len());
    fs::write(&old, bytes).unwrap();
    assert_eq!(erase(folder.path(), &[visitor()]).unwrap().events, 0);
    assert!(!old.exists());
    assert!(!holds(folder.path(), &visitor()));
    let nothing = take_in(&MemoryEngine::default(), folder.path());
    assert!(nothing.unwrap_err().to_string().contains("found none"));
}

#[test]
fn what_is_no_export_is_refused_and_a_broken_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = erase(folder.path(), &[visitor()]).unwrap_err();
    assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    export(
        &store_of(&odd_events()),
        folder.path(),
        &ExportOptions::default(),
    )
    .unwrap();
    let manifest = ExportManifest::read(folder.path()).unwrap().unwrap();
    let path = folder.path().join(&manifest.files[2].path);
    fs::write(&path, "half").unwrap();
    let error = erase(folder.path(), &[visitor()]).unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged { path: named, .. } if *named == path),
        "{error}"
    );
}
