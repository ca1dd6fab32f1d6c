//! Who is forgotten by one server is forgotten by all.

use std::slice;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};

use recommender_core::FitOptions;
use recommender_core::events::Consent;
use recommender_store::erasure::{Erasure, ErasureRequest};
use recommender_store::identity::Identifier;
use recommender_store::record::Table;
use recommender_store::store::ErasureWatcher;
use recommender_store::{Engine, Result, Store};

use crate::faltering::Faltering;
use crate::ground::Ground;
use crate::shop::{ANN, Shop, identifier};

fn erase(store: &Store, request: &ErasureRequest) -> Result<Erasure> {
    store.erase(request, &|old| store.retrain(old, &FitOptions::default()))
}

fn resume(store: &Store) -> Result<Vec<Erasure>> {
    store.resume_erasures(&|old| store.retrain(old, &FitOptions::default()))
}

pub(crate) fn who_was_forgotten_is_unknown_to_every_server(ground: &dyn Ground) {
    let servers = ground.open();
    let [one, other] = servers.engines.clone();
    let (shop, other) = (
        Shop::open(one, servers.root()),
        Shop::open(other, servers.root()).store,
    );
    shop.fill();
    other.refresh().unwrap();
    let account = identifier(&format!("account:{ANN}"));
    assert_eq!(other.resolve(&account).unwrap().identifiers.len(), 4);
    assert!(servers.occurrences(ANN) > 0);
    let erasure = erase(&shop.store, &shop.erasure_of_ann()).unwrap();
    assert_eq!(
        (
            erasure.receipt.events_deleted,
            erasure.receipt.links_deleted,
            erasure.receipt.consents_deleted
        ),
        (9, 3, 1)
    );
    assert_eq!(servers.occurrences(ANN), 0);
    other.refresh().unwrap();
    assert_eq!(
        other.resolve(&account).unwrap().identifiers,
        slice::from_ref(&account)
    );
    assert_eq!(other.consent(&account).unwrap(), Consent::Unspecified);
    let visitor = identifier(&format!("visitor:{ANN}-web"));
    assert!(other.history(&[visitor], 50).unwrap().is_empty());
    assert_eq!(other.erasure_receipts().unwrap(), [erasure.receipt]);
    // What comes of her afterwards is a new person's, on every server.
    shop.buy(&format!("{ANN}-web"), 77);
    shop.link(&format!("visitor:{ANN}-web"), &format!("account:{ANN}"));
    other.refresh().unwrap();
    assert_eq!(other.history(&[account], 50).unwrap().len(), 1);
}

/// Whom an [`ErasureWatcher`] was told of: whether she was named.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<bool>>);

impl Heard {
    fn of(store: &Store) -> Arc<Self> {
        let heard = Arc::new(Self::default());
        let watcher: Weak<Self> = Arc::downgrade(&heard);
        store.watch_erasures(watcher);
        heard
    }

    fn taken(&self) -> Vec<bool> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl ErasureWatcher for Heard {
    fn erased(&self, hers: Option<&[Identifier]>) {
        let account = identifier(&format!("account:{ANN}"));
        let is_named = hers.is_some_and(|hers| hers.len() == 4 && hers.contains(&account));
        self.0.lock().unwrap().push(is_named);
    }
}

pub(crate) fn whoever_keeps_something_of_a_person_hears_that_she_was_erased(ground: &dyn Ground) {
    // The other server looks while she is still being erased, or not.
    for looks in [false, true] {
        let servers = ground.open();
        let [one, other] = servers.engines.clone();
        let faltering = Arc::new(Faltering::over(one));
        let shop = Shop::open(Arc::clone(&faltering) as Arc<dyn Engine>, servers.root());
        shop.fill();
        let other = Shop::open(other, servers.root()).store;
        let (here, there) = (Heard::of(&shop.store), Heard::of(&other));
        faltering.steps_left.store(4, Ordering::Relaxed);
        assert!(erase(&shop.store, &shop.erasure_of_ann()).is_err());
        if looks {
            other.refresh().unwrap();
        }
        assert!(here.taken().is_empty() && there.taken().is_empty());
        faltering.steps_left.store(i64::MAX, Ordering::Relaxed);
        assert_eq!(resume(&shop.store).unwrap().len(), 1);
        assert_eq!(here.taken(), [true]);
        for expected in [&[looks][..], &[]] {
            other.refresh().unwrap();
            shop.store.refresh().unwrap();
            assert_eq!(there.taken(), expected, "{looks}");
            assert!(here.taken().is_empty(), "{looks}");
        }
    }
}

pub(crate) fn an_erasure_that_broke_off_is_finished_by_another_server(ground: &dyn Ground) {
    // Before she is forgotten, in the midst of what else holds her, and before the plan is forgotten that names her.
    for steps in [1, 4, 7] {
        let servers = ground.open();
        let [one, other] = servers.engines.clone();
        let faltering = Arc::new(Faltering::over(one));
        let shop = Shop::open(Arc::clone(&faltering) as Arc<dyn Engine>, servers.root());
        shop.fill();
        let other = Shop::open(other, servers.root()).store;
        faltering.steps_left.store(steps, Ordering::Relaxed);
        let first = erase(&shop.store, &shop.erasure_of_ann());
        assert!(first.is_err(), "after {steps} steps");
        let plans = servers.engines[0].facts(Table::Erasure).unwrap().count();
        assert!(plans > 0, "after {steps} steps");
        let resumed = resume(&other).unwrap();
        assert_eq!(servers.occurrences(ANN), 0, "after {steps} steps");
        let [Erasure { receipt, .. }] = &resumed[..] else {
            panic!("after {steps} steps: {resumed:?}");
        };
        assert_eq!((receipt.events_deleted, receipt.models.len()), (9, 2));
        assert!(receipt.is_genuine(), "after {steps} steps");
        assert!(resume(&other).unwrap().is_empty(), "after {steps} steps");
        let account = identifier(&format!("account:{ANN}"));
        let known = other.resolve(&account).unwrap().identifiers;
        assert_eq!(known, [account], "after {steps} steps");
    }
}
