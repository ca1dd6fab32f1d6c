//! House rules that no compiler checks, over all sources of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

/// A file this long hides more than one idea.
const MAX_LINES: usize = 500;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helpers", "misc", "types"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the workspace is readable") {
        let path = entry.expect("the workspace is readable").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            rust_files(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

fn all_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    rust_files(&workspace(), &mut files);
    assert!(files.len() > 30, "the sources were not found");
    files
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = all_files()
        .iter()
        .map(|path| (path, fs::read_to_string(path).unwrap().lines().count()))
        .filter(|&(_, lines)| lines > MAX_LINES)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn every_name_says_what_is_inside() {
    for path in all_files() {
        for part in path.strip_prefix(workspace()).unwrap().components() {
            let name = part.as_os_str().to_string_lossy();
            let name = name.trim_end_matches(".rs");
            assert!(!EMPTY_NAMES.contains(&name), "{}", path.display());
        }
    }
}

#[test]
fn only_the_service_knows_protobuf() {
    // The benches have a bare transport of their own, to measure the service beside it.
    for manifest in [
        "recommender-core",
        "recommender-files",
        "recommender-sequence",
        "recommender-store",
        "recommender-cli",
    ] {
        let text = fs::read_to_string(workspace().join(manifest).join("Cargo.toml")).unwrap();
        for name in ["prost", "tonic"] {
            assert!(
                !text.lines().any(|line| line.starts_with(name)),
                "{manifest} depends on {name}"
            );
        }
    }
}
