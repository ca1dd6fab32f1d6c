//! Files that are not what was written.

use std::fs;
use std::path::Path;

use recommender_store::{Engine, Result, StoreError};
use serde_json::Value;

use crate::directory::{batch, copy, files, fill, ids, open};

/// A directory with files of every sort, closed.
fn filled(dir: &Path) -> Vec<String> {
    let engine = open(dir).unwrap();
    fill(&engine, "a", 700);
    let read = ids(&engine);
    drop(engine);
    let sorts = ["manifest.json", ".journal", ".events", ".facts"];
    for sort in sorts {
        let named = |path: &std::path::PathBuf| path.to_string_lossy().ends_with(sort);
        assert!(files(dir).iter().any(named), "there is no {sort}");
    }
    read
}

pub(crate) fn a_journal_torn_at_any_byte_opens_with_all_that_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let engine = open(&data).unwrap();
    fill(&engine, "a", 5);
    drop(engine);
    let journal = files(&data)
        .into_iter()
        .find(|path| path.extension().is_some_and(|it| it == "journal"))
        .unwrap();
    let whole = fs::read(&journal).unwrap();
    for length in 16..whole.len() {
        let torn = dir.path().join(format!("torn at {length}"));
        copy(&data, &torn);
        fs::write(torn.join(journal.file_name().unwrap()), &whole[..length]).unwrap();
        let engine = open(&torn).unwrap();
        let left = ids(&engine).len();
        assert!(left.is_multiple_of(3) && left < 15, "{left} at {length}");
        engine.write(batch("b", 0)).unwrap().wait().unwrap();
        drop(engine);
        assert_eq!(ids(&open(&torn).unwrap()).len(), left + 3);
    }
}

/// Opens a directory, reads everything and checks everything.
fn read_all(dir: &Path, expected: &[String]) -> Result<()> {
    let engine = open(dir)?;
    let read: Result<Vec<String>> = engine
        .events(Default::default())?
        .map(|stored| Ok(stored?.event.id.unwrap_or_default()))
        .collect();
    if let Ok(read) = &read {
        assert!(read == expected, "something that was not written is served");
    }
    engine.verify().map(|_| ())
}

pub(crate) fn a_flipped_bit_in_any_file_is_named_and_never_served() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let expected = filled(&data);
    for file in files(&data) {
        let name = file.file_name().unwrap();
        let whole = fs::read(&file).unwrap();
        let step = (whole.len() / 40).max(1);
        for byte in (0..whole.len()).step_by(step) {
            let flipped = dir.path().join("flipped");
            copy(&data, &flipped);
            let mut bytes = whole.clone();
            bytes[byte] ^= 1 << (byte % 8);
            fs::write(flipped.join(name), bytes).unwrap();
            let read = read_all(&flipped, &expected);
            let error = read.expect_err("the damage is found").to_string();
            assert!(
                error.contains(&*name.to_string_lossy()),
                "byte {byte} of {}: {error}",
                file.display()
            );
            fs::remove_dir_all(&flipped).unwrap();
        }
    }
}

pub(crate) fn a_missing_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    filled(&data);
    for file in files(&data) {
        let name = file.file_name().unwrap();
        let less = dir.path().join("less");
        copy(&data, &less);
        fs::remove_file(less.join(name)).unwrap();
        match open(&less) {
            Err(StoreError::Damaged { path, .. } | StoreError::Io { path, .. }) => {
                assert_eq!(path.file_name().unwrap(), name);
            }
            other => panic!("{} is missing and {other:?}", file.display()),
        }
        fs::remove_dir_all(&less).unwrap();
    }
}

pub(crate) fn a_directory_of_format_1_is_upgraded_and_a_later_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    let expected = filled(dir.path());
    let path = dir.path().join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let files = manifest["files"].as_object_mut().unwrap();
    let journals = files.remove("journals").unwrap();
    files.insert("journal".into(), journals[0].clone());
    let checksum = crc32fast::hash(manifest["files"].to_string().as_bytes());
    manifest["format"] = 1.into();
    manifest["checksum"] = checksum.into();
    fs::write(&path, manifest.to_string()).unwrap();
    let engine = open(dir.path()).unwrap();
    assert_eq!(ids(&engine), expected);
    engine.write(batch("b", 0)).unwrap().wait().unwrap();
    drop(engine);
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(manifest["format"], 2);
    assert_eq!(ids(&open(dir.path()).unwrap()).len(), expected.len() + 3);

    manifest["format"] = 3.into();
    fs::write(&path, manifest.to_string()).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");
    assert!(error.to_string().contains("upgrade"), "{error}");
}
