//! A person is forgotten: in the log, the facts, exports and artefacts, and even if it is interrupted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[macro_use]
#[path = "forwarding/mod.rs"]
mod forwarding;
#[path = "erasure/faltering.rs"]
mod faltering;
#[path = "erasure/shop.rs"]
mod shop;

use std::fs;
use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use recommender_core::{EngineRequest, FitOptions};
use recommender_files::load_engine;
use recommender_store::erasure::{Erasure, ErasureMethod, ErasureReceipt, ErasureRequest};
use recommender_store::identity::Identifier;
use recommender_store::record::Table;
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Engine, MemoryEngine, Store};

use faltering::Faltering;
use shop::{ANN, Shop, identifier};

/// Whether some file below `directory` holds `text`, or has it in its name.
fn holds(directory: &Path, text: &str) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = fs::read(&path).unwrap();
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}

fn erase(store: &Store, request: &ErasureRequest) -> recommender_store::Result<Erasure> {
    store.erase(request, &|old| store.retrain(old, &FitOptions::default()))
}

fn answers(artefact: &Path, user: &str) -> Vec<(String, f32)> {
    let (engine, _) = load_engine(artefact).unwrap();
    let request = EngineRequest {
        user: Some(user.into()),
        limit: 6,
        ..EngineRequest::default()
    };
    let answer = engine.recommend(&request).unwrap();
    answer
        .results
        .into_iter()
        .map(|found| (found.key, found.score))
        .collect()
}

fn assert_near(found: &[(String, f32)], expected: &[(String, f32)]) {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    for ((_, score), (_, near)) in found.iter().zip(expected) {
        assert!((score - near).abs() < 1e-3, "{found:?} {expected:?}");
    }
}

#[test]
fn nothing_of_a_person_is_left_in_any_file_and_models_are_as_if_she_never_was() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let engine: Arc<dyn Engine> =
        Arc::new(EmbeddedEngine::open(&data, EmbeddedConfig::default()).unwrap());
    let shop = Shop::open(engine, root.path());
    shop.fill();
    let request = shop.erasure_of_ann();
    for directory in [
        &data,
        &shop.exported(),
        &shop.artefact("linear"),
        &shop.artefact("placed"),
    ] {
        assert!(holds(directory, ANN), "{}", directory.display());
    }
    let erasure = erase(&shop.store, &request).unwrap();
    for directory in [
        &data,
        &shop.exported(),
        &shop.artefact("linear"),
        &shop.artefact("placed"),
    ] {
        assert!(!holds(directory, ANN), "{}", directory.display());
    }
    let methods: Vec<ErasureMethod> = erasure
        .receipt
        .models
        .iter()
        .map(|model| model.method)
        .collect();
    assert_eq!(
        methods,
        [ErasureMethod::Downdated, ErasureMethod::Retrained]
    );
    let never = Shop::open(
        Arc::new(MemoryEngine::default()),
        &root.path().join("never"),
    );
    never.fill_without_ann();
    for recipe in ["linear", "placed"] {
        for user in (0..20).map(|number| format!("visitor:v{number}")) {
            assert_near(
                &answers(&shop.artefact(recipe), &user),
                &answers(&never.artefact(recipe), &user),
            );
        }
    }
    let remaining = shop.store.engine().status().unwrap().contents.events;
    assert_eq!(
        remaining,
        never.store.engine().status().unwrap().contents.events
    );
}

#[test]
fn the_receipt_says_what_went_and_is_signed() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(Arc::new(MemoryEngine::default()), root.path());
    shop.fill();
    let Erasure { receipt, salt } = erase(&shop.store, &shop.erasure_of_ann()).unwrap();
    assert_eq!(
        (
            receipt.events_deleted,
            receipt.links_deleted,
            receipt.consents_deleted
        ),
        (9, 3, 1)
    );
    assert_eq!(
        receipt.audit_records_deleted, 6,
        "four links, one taken back, one consent"
    );
    assert_eq!((receipt.exports.len(), receipt.exports[0].events), (1, 9));
    assert_eq!(receipt.retained_backups, ["weekly-2026-11"]);
    let subject = identifier(&format!("account:{ANN}"));
    assert_eq!(
        receipt.subject_hash,
        ErasureReceipt::hash_of(&salt, &subject)
    );
    assert!(receipt.is_genuine() && receipt.signature.is_some());
    let altered = ErasureReceipt {
        events_deleted: 0,
        ..receipt.clone()
    };
    assert!(!altered.is_genuine());
    assert!(!serde_json::to_string(&receipt).unwrap().contains(ANN));
    assert_eq!(shop.store.erasure_receipts().unwrap(), [receipt]);
    assert_eq!(
        shop.store.engine().facts(Table::Erasure).unwrap().count(),
        1,
        "the plan is gone"
    );
}

#[test]
fn who_was_forgotten_begins_anew() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(Arc::new(MemoryEngine::default()), root.path());
    shop.fill();
    let other = Shop::beside(&shop);
    let account = identifier(&format!("account:{ANN}"));
    erase(&shop.store, &shop.erasure_of_ann()).unwrap();
    other.refresh().unwrap();
    for store in [&shop.store, &other] {
        assert_eq!(
            store.resolve(&account).unwrap().identifiers,
            slice::from_ref(&account)
        );
        assert!(
            store
                .history(slice::from_ref(&account), 50)
                .unwrap()
                .is_empty()
        );
        let visitor = identifier(&format!("visitor:{ANN}-web"));
        assert_eq!(
            store.consent(&visitor).unwrap(),
            recommender_core::events::Consent::Unspecified
        );
    }
    shop.buy(&format!("{ANN}-web"), 77);
    shop.link(&format!("visitor:{ANN}-web"), &format!("account:{ANN}"));
    other.refresh().unwrap();
    for store in [&shop.store, &other, &Shop::beside(&shop)] {
        assert_eq!(
            store.history(slice::from_ref(&account), 50).unwrap().len(),
            1
        );
    }
    let again = erase(&shop.store, &ErasureRequest::new(account, "support")).unwrap();
    assert_eq!(
        (again.receipt.events_deleted, again.receipt.links_deleted),
        (1, 1)
    );
    let stranger: Identifier = identifier("account:nobody");
    let nothing = erase(&shop.store, &ErasureRequest::new(stranger, "support")).unwrap();
    assert_eq!(nothing.receipt.events_deleted, 0);
    assert!(nothing.receipt.is_genuine());
}

#[test]
fn an_erasure_that_breaks_off_anywhere_is_finished_when_it_is_resumed() {
    let mut broken_off = 0;
    for steps in 0.. {
        let root = tempfile::tempdir().unwrap();
        let engine = Arc::new(Faltering::default());
        let shop = Shop::open(Arc::clone(&engine) as Arc<dyn Engine>, root.path());
        shop.fill();
        let request = shop.erasure_of_ann();
        engine.steps_left.store(steps, Ordering::Relaxed);
        let first = erase(&shop.store, &request);
        engine.steps_left.store(i64::MAX, Ordering::Relaxed);
        let later = Shop::beside(&shop);
        let resumed = later
            .resume_erasures(&|old| later.retrain(old, &FitOptions::default()))
            .unwrap();
        // Of one that never began nobody knows.
        let begun = first.is_ok() || !resumed.is_empty();
        let text = format!("{:?}", engine.engine);
        assert_eq!(text.contains(ANN), !begun, "after {steps} steps");
        for directory in [
            shop.exported(),
            shop.artefact("linear"),
            shop.artefact("placed"),
        ] {
            assert_eq!(holds(&directory, ANN), !begun, "after {steps} steps");
        }
        for erasure in first.iter().chain(&resumed) {
            assert_eq!(
                (erasure.receipt.events_deleted, erasure.receipt.models.len()),
                (9, 2)
            );
            assert!(erasure.receipt.is_genuine());
        }
        assert!(
            later
                .resume_erasures(&|old| later.retrain(old, &FitOptions::default()))
                .unwrap()
                .is_empty()
        );
        if first.is_ok() {
            break;
        }
        broken_off += 1;
    }
    assert!(broken_off >= 7, "{broken_off} steps");
}

#[test]
fn what_is_no_export_or_model_is_refused_before_anything_goes() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(Arc::new(MemoryEngine::default()), root.path());
    shop.fill();
    let wrong = [
        ErasureRequest {
            exports: vec![shop.exported(), root.path().join("exprot")],
            ..shop.erasure_of_ann()
        },
        ErasureRequest {
            artefacts: vec![shop.artefact("linear"), shop.exported()],
            ..shop.erasure_of_ann()
        },
    ];
    let before = format!("{:?}", shop.store.engine());
    for request in wrong {
        assert!(erase(&shop.store, &request).is_err(), "{request:?}");
    }
    assert_eq!(format!("{:?}", shop.store.engine()), before);
    let right = erase(&shop.store, &shop.erasure_of_ann()).unwrap();
    assert_eq!(right.receipt.events_deleted, 9);
}
