//! Artefacts on disk: they come back, replace each other whole, and say which file is damaged.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use recommender_core::artifact::Facts;
use recommender_core::events::{Event, EventKind, EventTable};
use recommender_core::{Dataset, Engine, EngineRequest, FitOptions, PipelineConfig, Product};
use recommender_files::{load_engine, save_engine};

const RECIPE: &str = r#"
    [[sources]]
    model = { kind = "item_knn" }
    [[sources]]
    model = { kind = "content" }
    [fallback]
    model = { kind = "popularity" }
"#;

fn engine(users: u32) -> Engine {
    let config = PipelineConfig::from_toml(RECIPE).unwrap();
    let mut table = EventTable::new();
    for user in 0..users {
        for item in [user % 5, user % 3, 7] {
            let event = Event {
                visitor: format!("user {user}"),
                item: Some(format!("item {item}")),
                kind: EventKind::Purchase,
                quantity: 1.0,
                ..Event::default()
            };
            table.push(&event).unwrap();
        }
    }
    let product = |item: u32| Product {
        key: format!("item {item}"),
        title: format!("{} lamp", ["red", "blue"][item as usize % 2]),
        ..Product::default()
    };
    let products = (0..9).map(product).collect();
    let dataset = Dataset::new(table, products, config.interactions.clone()).unwrap();
    Engine::fit(&config, &dataset, &FitOptions::default()).unwrap()
}

fn request() -> EngineRequest {
    EngineRequest {
        user: Some("user 4".into()),
        limit: 10,
        ..EngineRequest::default()
    }
}

/// Every file below `directory`.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn refusal(directory: &Path) -> String {
    load_engine(directory).unwrap_err().to_string()
}

#[test]
fn an_engine_comes_back_from_its_directory() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("model");
    let engine = engine(20);
    let saved = save_engine(&engine, &Facts::new(), &directory).unwrap();
    let (loaded, manifest) = load_engine(&directory).unwrap();
    assert_eq!(manifest, saved);
    let answer = loaded.recommend(&request()).unwrap();
    assert_eq!(answer, engine.recommend(&request()).unwrap());
    assert!(!answer.results.is_empty());
    assert_eq!(files(&directory).len(), 8);
}

#[test]
fn an_artefact_is_replaced_whole_and_nothing_else_is_left() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("model");
    save_engine(&engine(20), &Facts::new(), &directory).unwrap();
    let (old, before) = load_engine(&directory).unwrap();
    save_engine(&engine(30), &Facts::new(), &directory).unwrap();
    let (new, after) = load_engine(&directory).unwrap();
    assert_ne!(before.model_version(), after.model_version());
    assert_eq!((old.users().len(), new.users().len()), (20, 30));
    assert!(!old.recommend(&request()).unwrap().results.is_empty());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn what_is_no_artefact_is_not_replaced() {
    let place = tempfile::tempdir().unwrap();
    let own = place.path().join("letters.txt");
    fs::write(&own, "mine").unwrap();
    let error = save_engine(&engine(5), &Facts::new(), place.path()).unwrap_err();
    assert!(
        error.to_string().contains("found something else"),
        "{error}"
    );
    assert!(save_engine(&engine(5), &Facts::new(), &own).is_err());
    assert_eq!(fs::read(&own).unwrap(), b"mine");
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    save_engine(&engine(5), &Facts::new(), &empty).unwrap();
    assert!(save_engine(&engine(5), &Facts::new(), Path::new("..")).is_err());
    let nowhere = place.path().join("no/such/parent");
    assert!(save_engine(&engine(5), &Facts::new(), &nowhere).is_err());
}

#[test]
fn damage_is_refused_with_the_path_of_the_file() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("model");
    save_engine(&engine(20), &Facts::new(), &directory).unwrap();
    for path in files(&directory) {
        let whole = fs::read(&path).unwrap();
        let mut altered = whole.clone();
        altered[whole.len() / 2] ^= 1;
        for damaged in [&whole[..whole.len() - 1], &[], &altered] {
            fs::write(&path, damaged).unwrap();
            let error = refusal(&directory);
            assert!(error.starts_with(&*path.to_string_lossy()), "{error}");
        }
        fs::remove_file(&path).unwrap();
        let error = refusal(&directory);
        assert!(error.starts_with(&*path.to_string_lossy()), "{error}");
        fs::write(&path, whole).unwrap();
    }
    load_engine(&directory).unwrap();
    fs::write(directory.join("models/old.safetensors"), "").unwrap();
    assert!(refusal(&directory).contains("models/old.safetensors"));
}

#[test]
fn what_is_no_directory_is_refused() {
    let place = tempfile::tempdir().unwrap();
    assert!(refusal(&place.path().join("nowhere")).contains("found nothing"));
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(refusal(&file).contains("found a file"));
    assert!(refusal(place.path()).contains("manifest.json"));
}
