//! Two servers on one engine, and one that opens afterwards, know the same.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::catalog::Stock;
use crate::identity::IdentityConfig;

const KEYS: usize = 5;

#[derive(Debug, Clone)]
enum Step {
    Link(usize, usize),
    Unlink(usize, usize),
    Stock(usize, i64, u8),
    Consent(usize, i64, bool),
    Refresh,
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let pair = || (0..KEYS, 0..KEYS).prop_filter("two", |(a, b)| a != b);
    let step = prop_oneof![
        3 => pair().prop_map(|(a, b)| Step::Link(a, b)),
        2 => pair().prop_map(|(a, b)| Step::Unlink(a, b)),
        3 => (0..KEYS, 0..9i64, 0..4u8).prop_map(|(item, time, quantity)| Step::Stock(item, time, quantity)),
        2 => (0..KEYS, 0..9i64, any::<bool>()).prop_map(|(of, time, granted)| Step::Consent(of, time, granted)),
        2 => Just(Step::Refresh),
    ];
    prop::collection::vec((any::<bool>(), step), 0..40)
}

fn name(number: usize) -> String {
    format!("cookie:{number}")
}

fn take(store: &Store, step: &Step) {
    match *step {
        Step::Link(a, b) => {
            store
                .link(vec![link(&name(a), &name(b))])
                .unwrap()
                .wait()
                .unwrap();
        }
        Step::Unlink(a, b) => {
            store
                .unlink(link(&name(a), &name(b)))
                .unwrap()
                .wait()
                .unwrap();
        }
        Step::Stock(item, time, quantity) => {
            let stock = Stock {
                place: Some("soho".into()),
                item: name(item),
                quantity: Some(f32::from(quantity)),
                price: None,
                set_time: Timestamp(time),
            };
            store.set_stock(&[stock]).unwrap().wait().unwrap();
        }
        Step::Consent(of, time, granted) => {
            let consent = if granted {
                Consent::Granted
            } else {
                Consent::Denied
            };
            consented(store, &name(of), said(consent, time));
        }
        Step::Refresh => {
            store.refresh().unwrap();
        }
    }
}

/// All that a store knows of the few keys there are.
fn knowledge(store: &Store) -> Vec<(Person, Consent, f32)> {
    let known = (0..KEYS).map(|number| {
        let of = identifier(&name(number));
        let quantity = store.quantity_at("soho", &name(number));
        (
            store.resolve(&of).unwrap(),
            store.consent(&of).unwrap(),
            quantity,
        )
    });
    known.collect()
}

fn lenient() -> StoreConfig {
    StoreConfig {
        identity: IdentityConfig {
            max_links: 100,
            ..IdentityConfig::default()
        },
        ..StoreConfig::default()
    }
}

proptest! {
    #[test]
    fn servers_that_heard_of_each_other_know_the_same(steps in steps()) {
        let engine = Arc::new(MemoryEngine::default());
        let servers = [opened(&engine, lenient()), opened(&engine, lenient())];
        for (second, step) in &steps {
            take(&servers[usize::from(*second)], step);
        }
        for server in &servers {
            server.refresh().unwrap();
        }
        let later = opened(&engine, lenient());
        prop_assert_eq!(knowledge(&servers[0]), knowledge(&later));
        prop_assert_eq!(knowledge(&servers[1]), knowledge(&later));
    }
}

#[test]
fn a_server_hears_of_another_in_the_background_until_it_is_closed() {
    let engine = Arc::new(MemoryEngine::default());
    let config = StoreConfig {
        refresh_ms: Some(1),
        ..StoreConfig::default()
    };
    let watching = opened(&engine, config);
    let writing = opened(&engine, StoreConfig::default());
    linked(&writing, "cookie:1", "account:1");
    let heard = || {
        watching
            .resolve(&identifier("cookie:1"))
            .unwrap()
            .identifiers
            .len()
            == 2
    };
    let rounds = (0..10_000).find(|_| {
        std::thread::sleep(Duration::from_millis(1));
        heard()
    });
    assert!(rounds.is_some(), "it never heard of the link");
    let shared = Arc::downgrade(&watching.0);
    drop(watching);
    let gone = (0..10_000).find(|_| {
        std::thread::sleep(Duration::from_millis(1));
        shared.upgrade().is_none()
    });
    assert!(gone.is_some(), "the thread keeps the store alive");
}
