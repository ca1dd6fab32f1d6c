//! The store's rooms and which of them may use which.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room of `src`, and the rooms it may use. Everyone may use `error`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("audit", &["digits", "identity", "record"]),
    ("batch", &["record"]),
    ("catalog", &["record", "stamp"]),
    ("clock", &[]),
    ("day", &[]),
    ("digits", &[]),
    ("disk", &[]),
    ("embedded", &["disk", "engine", "record", "ticket"]),
    ("engine", &["record", "ticket"]),
    ("erasure", &["digits", "identity", "record"]),
    ("error", &[]),
    (
        "exchange",
        &[
            "batch", "catalog", "day", "disk", "engine", "record", "ticket",
        ],
    ),
    ("filter", &["catalog", "day"]),
    ("identity", &["stamp"]),
    ("join", &["engine", "exchange", "identity", "record"]),
    ("memory", &["engine", "portable", "record", "ticket"]),
    ("portable", &["disk", "engine", "record"]),
    ("postgres", &["engine", "portable", "record", "ticket"]),
    ("privacy", &["audit", "digits", "identity", "stamp"]),
    ("record", &[]),
    ("stamp", &["record"]),
    (
        "store",
        &[
            "audit", "batch", "catalog", "clock", "engine", "erasure", "exchange", "filter",
            "identity", "join", "privacy", "record", "stamp", "ticket",
        ],
    ),
    ("ticket", &[]),
];

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the sources are readable") {
        let path = entry.expect("the sources are readable").path();
        if path.is_dir() && !path.ends_with("tests") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The part of a source that is shipped: without its tests and its comments.
fn shipped(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The rooms a source names after `crate::`.
fn used_rooms(code: &str) -> BTreeSet<&str> {
    let names = code.split("crate::").skip(1).map(|rest| {
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default()
    });
    names
        .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    rust_files(&source, &mut files);
    assert!(files.len() > 50, "the sources were not found");
    for file in files {
        let path = file.strip_prefix(&source).unwrap().to_string_lossy();
        let room = path.split(['/', '.']).next().unwrap_or_default();
        if room == "lib" {
            continue;
        }
        let line = MAY_USE.iter().find(|(name, _)| *name == room);
        let (_, allowed) =
            line.unwrap_or_else(|| panic!("{path}: a new room needs a line in this table"));
        let code = shipped(&fs::read_to_string(&file).unwrap());
        for used in used_rooms(&code) {
            if used != "error" && used != room && !allowed.contains(&used) {
                wrong.push(format!("{path} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_two_rooms_use_each_other() {
    for (room, used) in MAY_USE {
        for other in *used {
            let (_, back) = MAY_USE.iter().find(|(name, _)| name == other).unwrap();
            assert!(!back.contains(room), "{room} and {other}");
        }
    }
}
