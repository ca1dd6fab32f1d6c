//! Reads the sources of a crate, and holds its rooms against a table of which may use which. Shared by the crates that
//! have such a table.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room of `src`, and the rooms it may use. Everyone may use `error`.
pub(crate) type MayUse = [(&'static str, &'static [&'static str])];

/// The shipped part of each source of a crate, by its path within `src`: without tests and comments.
pub(crate) fn sources(manifest_dir: &str) -> Vec<(String, String)> {
    let root = Path::new(manifest_dir).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    files.sort();
    let read = |file: PathBuf| {
        let path = file.strip_prefix(&root).expect("it is below the root");
        let text = fs::read_to_string(&file).expect("the sources are readable");
        (path.to_string_lossy().into_owned(), shipped(&text))
    };
    let sources: Vec<_> = files.into_iter().map(read).collect();
    assert!(sources.len() > 20, "the sources were not found");
    sources
}

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

fn shipped(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The room of a source.
pub(crate) fn room(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or_default()
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

/// Every use of a room by one that may not.
pub(crate) fn unallowed(manifest_dir: &str, may_use: &MayUse) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, code) in sources(manifest_dir) {
        if path == "lib.rs" {
            continue;
        }
        let line = may_use.iter().find(|(name, _)| *name == room(&path));
        let (_, allowed) =
            line.unwrap_or_else(|| panic!("{path}: a new room needs a line in this table"));
        for used in used_rooms(&code) {
            if used != "error" && used != room(&path) && !allowed.contains(&used) {
                wrong.push(format!("{path} uses {used}"));
            }
        }
    }
    wrong
}

/// Every two rooms that may use each other.
pub(crate) fn mutual(may_use: &MayUse) -> Vec<String> {
    let mut wrong = Vec::new();
    for (room, used) in may_use {
        for other in *used {
            let line = may_use.iter().find(|(name, _)| name == other);
            if room < other && line.is_some_and(|(_, used)| used.contains(room)) {
                wrong.push(format!("{room} and {other}"));
            }
        }
    }
    wrong
}
