//! The library's own rules, checked on its sources: which room may know which, and what none may touch.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room of `src`, and the rooms it may use. Everyone may use `error`.
const MAY_USE: &[(&str, &[&str])] = &[
    (
        "artifact",
        &[
            "buffer",
            "catalog",
            "engine",
            "events",
            "histories",
            "ids",
            "pipeline",
            "sparse",
            "time",
        ],
    ),
    (
        "baskets",
        &["dataset", "events", "ids", "interactions", "query", "time"],
    ),
    ("buffer", &[]),
    (
        "catalog",
        &["buffer", "events", "ids", "rows", "sparse", "time"],
    ),
    (
        "dataset",
        &["catalog", "events", "ids", "interactions", "query", "time"],
    ),
    (
        "engine",
        &[
            "catalog",
            "dataset",
            "events",
            "histories",
            "ids",
            "interactions",
            "pipeline",
            "query",
            "ranked",
            "recommender",
            "time",
        ],
    ),
    ("error", &[]),
    (
        "evaluation",
        &[
            "baskets",
            "catalog",
            "dataset",
            "events",
            "ids",
            "interactions",
            "query",
            "ranked",
            "recommender",
            "sparse",
            "time",
        ],
    ),
    ("events", &["ids", "rows", "time"]),
    ("factors", &["artifact", "buffer", "ids", "query", "ranked"]),
    (
        "histories",
        &[
            "artifact",
            "buffer",
            "dataset",
            "events",
            "ids",
            "interactions",
            "time",
        ],
    ),
    ("ids", &[]),
    (
        "interactions",
        &["events", "ids", "query", "sparse", "time"],
    ),
    (
        "models",
        &[
            "artifact",
            "baskets",
            "buffer",
            "catalog",
            "dataset",
            "events",
            "factors",
            "ids",
            "interactions",
            "query",
            "ranked",
            "recommender",
            "rules",
            "sessions",
            "sparse",
            "time",
        ],
    ),
    (
        "pipeline",
        &[
            "artifact",
            "catalog",
            "dataset",
            "ids",
            "interactions",
            "models",
            "query",
            "ranked",
            "recommender",
        ],
    ),
    ("query", &["events", "ids", "time"]),
    ("ranked", &["ids", "query"]),
    ("recommender", &["query", "ranked"]),
    ("rows", &["time"]),
    (
        "rules",
        &[
            "baskets",
            "dataset",
            "events",
            "ids",
            "interactions",
            "query",
            "recommender",
            "time",
        ],
    ),
    (
        "sessions",
        &[
            "artifact",
            "buffer",
            "dataset",
            "events",
            "ids",
            "interactions",
            "time",
        ],
    ),
    ("sparse", &["buffer"]),
    ("time", &[]),
    (
        "tuning",
        &[
            "catalog",
            "dataset",
            "evaluation",
            "events",
            "ids",
            "interactions",
            "models",
            "pipeline",
            "query",
            "ranked",
            "recommender",
            "sparse",
        ],
    ),
];

/// What a library of pure computation never names.
const FORBIDDEN: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "SystemTime",
    "Instant::now",
    "thread_rng",
    "rand::rng()",
    "OsRng",
    "from_os_rng",
    "from_entropy",
    "async fn",
    "tokio",
    "tonic",
    "prost",
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the sources are readable") {
        let path = entry.expect("the sources are readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    paths.sort();
    let relative = |path: &PathBuf| {
        path.strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .into_owned()
    };
    paths
        .iter()
        .map(|path| (relative(path), fs::read_to_string(path).unwrap()))
        .collect()
}

/// The part of a source that is shipped: without its tests and its comments.
fn shipped(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn room(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or_default()
}

/// The rooms a source names after `crate::`.
fn used_rooms(code: &str) -> BTreeSet<&str> {
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .next()
                .unwrap_or_default()
        })
        .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let mut wrong = Vec::new();
    for (path, text) in all_sources() {
        if path == "lib.rs" {
            continue;
        }
        let (_, allowed) = MAY_USE
            .iter()
            .find(|(name, _)| *name == room(&path))
            .unwrap_or_else(|| panic!("{path}: a new room needs a line in this table"));
        let code = shipped(&text);
        for used in used_rooms(&code) {
            if used != "error" && used != room(&path) && !allowed.contains(&used) {
                wrong.push(format!("{path} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_touches_files_network_clock_or_global_randomness() {
    let mut wrong = Vec::new();
    for (path, text) in all_sources() {
        let code = shipped(&text);
        wrong.extend(
            FORBIDDEN
                .iter()
                .filter(|word| code.contains(*word))
                .map(|word| format!("{path}: {word}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_evaluator_names_no_model() {
    for (path, text) in all_sources() {
        if room(&path) == "evaluation" {
            assert!(
                !shipped(&text).contains("crate::models"),
                "{path} names a model"
            );
        }
    }
}
