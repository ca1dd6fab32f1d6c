//! What was acknowledged is in the very next answer, whatever else is being written.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use recommender_core::events::Event;
use recommender_core::{ItemIx, Timestamp, Vocabulary};
use recommender_store::catalog::{EligibilityView, Offer, ProductRecord, Stock};
use recommender_store::identity::{Identifier, Link};
use recommender_store::store::Submission;
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Store, StoreConfig};

const WRITERS: usize = 16;
const ROUNDS: usize = 60;

/// Writes of one kind, each asked for at once; counts those that were not there.
struct Writer<'a> {
    store: &'a Store,
    view: &'a EligibilityView,
    number: usize,
    stale: &'a AtomicUsize,
}

impl Writer<'_> {
    fn expect(&self, there: bool) {
        self.stale.fetch_add(usize::from(!there), Ordering::Relaxed);
    }

    fn event(&self, round: usize) {
        let visitor = format!("visitor {}", self.number);
        let event = Event {
            id: Some(format!("{visitor} {round}")),
            visitor: visitor.clone(),
            item: Some("cup".into()),
            quantity: 1.0,
            ..Event::default()
        };
        let id = event.id.clone();
        let writing = self.store.write_events(vec![Submission::from(event)]);
        writing.unwrap().wait().unwrap();
        let history = self
            .store
            .history(&[Identifier::visitor(&visitor).unwrap()], 1);
        let latest = history.unwrap().pop().map(|stored| stored.event.id);
        self.expect(latest == Some(id));
    }

    fn link(&self, round: usize) {
        let account: Identifier = format!("account:{}", self.number).parse().unwrap();
        let cookie: Identifier = format!("cookie:{} {round}", self.number).parse().unwrap();
        let link = Link {
            a: cookie.clone(),
            b: account.clone(),
            evidence: String::new(),
            since: Timestamp(0),
            by: "test".into(),
        };
        self.store.link(vec![link]).unwrap().wait().unwrap();
        self.expect(self.store.resolve(&cookie).unwrap().key == account);
    }

    fn stock(&self, round: usize) {
        let item = format!("item {}", self.number);
        let there = round.is_multiple_of(2);
        let stock = Stock {
            place: Some("soho".into()),
            item: item.clone(),
            quantity: Some(f32::from(u8::from(there))),
            price: None,
            set_time: Timestamp(round as i64),
        };
        self.store.set_stock(&[stock]).unwrap().wait().unwrap();
        let places = ["soho".to_owned()];
        let offer = Offer {
            places: &places,
            ..Offer::default()
        };
        let allowed = self.store.allowed(self.view, &offer);
        let item = self.view.items().get(&item).unwrap();
        self.expect(allowed.contains(item) == there);
    }
}

#[test]
fn every_write_is_in_the_next_answer_under_load() {
    let directory = tempfile::tempdir().unwrap();
    let engine = EmbeddedEngine::open(directory.path(), EmbeddedConfig::default()).unwrap();
    let store = Store::open(Arc::new(engine), StoreConfig::default()).unwrap();
    let mut items = Vocabulary::<ItemIx>::new();
    let products: Vec<ProductRecord> = (0..WRITERS)
        .map(|number| ProductRecord {
            key: format!("item {number}"),
            ..ProductRecord::default()
        })
        .collect();
    for product in &products {
        items.insert(&product.key).unwrap();
    }
    store.put_products(&products).unwrap().wait().unwrap();
    let view = store.eligibility(Arc::new(items));
    let stale = AtomicUsize::new(0);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let store = &store;
                let writer = Writer {
                    store,
                    view: &view,
                    number,
                    stale: &stale,
                };
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        writer.event(round);
                        writer.link(round);
                        writer.stock(round);
                        if round.is_multiple_of(10) {
                            store.refresh().unwrap();
                        }
                    }
                })
            })
            .collect();
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
    });
    assert_eq!(stale.load(Ordering::Relaxed), 0);
}
