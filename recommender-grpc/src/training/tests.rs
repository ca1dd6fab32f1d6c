//! A person is forgotten while models are in service and while one is trained; servers that share models.

mod sharing;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use recommender_core::Timestamp;
use recommender_core::events::{Event, EventKind};
use recommender_store::erasure::ErasureRequest;
use recommender_store::identity::Identifier;
use recommender_store::store::Submission;
use recommender_store::{MemoryEngine, Store, StoreConfig};

use super::document::{ModelDocument, Promotion};
use super::{ModelsDirectory, Registry, Surroundings};
use crate::health::Health;
use crate::models::Models;
use crate::operations::{Operations, Progress};
use crate::status::Refusal;

const RECIPE: &str = "[[sources]]\nmodel = { kind = \"item_knn\" }\n";

fn store() -> Store {
    let store = Store::open(Arc::new(MemoryEngine::default()), StoreConfig::default()).unwrap();
    sell(&store);
    store
}

/// Ten purchases of four shoppers.
fn sell(store: &Store) {
    let mut events = Vec::new();
    for (number, visitor) in ["ann", "bob", "eve", "zoe"].iter().enumerate() {
        for (at, item) in ["cup", "pot", "lid"].iter().enumerate().skip(number % 2) {
            events.push(Submission::from(Event {
                id: Some(format!("{visitor}-{item}")),
                visitor: (*visitor).into(),
                item: Some((*item).into()),
                kind: EventKind::Purchase,
                time: Some(Timestamp::from_seconds(
                    i64::try_from(number + 10 * at).unwrap(),
                )),
                quantity: 1.0,
                ..Event::default()
            }));
        }
    }
    store.write_events(events).unwrap().wait().unwrap();
}

fn registry(store: &Store, folder: &Path) -> Registry {
    Registry::new(Surroundings {
        catalog: "default".into(),
        store: Some(store.clone()),
        directory: Some(ModelsDirectory::new(folder)),
        models: Models::new(Vec::new(), Health::new(&[])),
        operations: Operations::new(),
        threads: 1,
        given: BTreeMap::new(),
    })
}

/// A registry with the model "daily", which was trained and is in service.
fn trained(store: &Store, folder: &Path) -> Registry {
    let registry = registry(store, folder);
    let mut model = ModelDocument::new("daily", store.now());
    model.pipeline = RECIPE.into();
    model.policy.promotion = Promotion::Always;
    registry.create(&model).unwrap();
    registry.train("daily", &Progress::default()).unwrap();
    registry
}

#[test]
fn who_is_forgotten_is_in_no_version_and_in_no_answer() {
    let (store, folder) = (store(), tempfile::tempdir().unwrap());
    let registry = trained(&store, folder.path());
    let (_, before) = registry.answering("daily").unwrap();
    let erasing = registry.begin_erasure().unwrap();
    assert_eq!(erasing.artefacts().len(), 1);
    let request = ErasureRequest {
        artefacts: erasing.artefacts().to_vec(),
        ..ErasureRequest::new(Identifier::visitor("eve").unwrap(), "a test")
    };
    let erased = store.erase(&request, &|old| erasing.retrain(old)).unwrap();
    assert_eq!(erased.receipt.models.len(), 1);
    erasing.finish(&erased.receipt.models).unwrap();
    drop(erasing);
    let (version, after) = registry.answering("daily").unwrap();
    assert_eq!(
        (version, after.as_str()),
        (1, erased.receipt.models[0].new_version.as_str())
    );
    assert_ne!(before, after);
    let document = registry.found("daily").unwrap();
    assert_eq!(document.versions[0].made.model_digest, after);
    let path = &erased.receipt.models[0].artefact;
    let (engine, _) = recommender_files::load_engine(path).unwrap();
    assert!(engine.users().get("visitor:eve").is_none());
    assert!(engine.users().get("visitor:ann").is_some());
}

#[test]
fn a_training_that_read_her_before_is_not_published_after() {
    let (store, folder) = (store(), tempfile::tempdir().unwrap());
    let registry = trained(&store, folder.path());
    let progress = Progress::default();
    let material = registry.material("daily", &progress).unwrap();
    drop(registry.begin_erasure().unwrap());
    assert!(registry.version_of(&material, &progress).unwrap().is_none());
    assert_eq!(registry.found("daily").unwrap().versions.len(), 1);
    assert!(!folder.path().join("daily/2").exists());
    let again = registry.material("daily", &progress).unwrap();
    assert!(registry.version_of(&again, &progress).unwrap().is_some());
}

#[test]
fn one_training_runs_at_a_time() {
    let (store, folder) = (store(), tempfile::tempdir().unwrap());
    let registry = trained(&store, folder.path());
    let turn = registry.turn("daily").unwrap();
    assert!(matches!(
        registry.turn("weekly"),
        Err(Refusal::Precondition { .. })
    ));
    assert!(registry.is_training("daily"));
    drop(turn);
    assert!(registry.turn("weekly").is_ok());
}
