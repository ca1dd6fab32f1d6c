//! What one server at a time may do.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use recommender_core::Timestamp;
use recommender_store::store::{Lease, Surroundings};
use recommender_store::{Clock, Store, StoreConfig};

use crate::ground::{Ground, Servers};

/// A clock that stands until it is told to go on.
#[derive(Debug, Clone, Default)]
struct Watch(Arc<AtomicI64>);

impl Watch {
    fn pass(&self, seconds: i64) {
        self.0.fetch_add(1000 * seconds, Ordering::SeqCst);
    }
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Two servers whose clocks are an hour apart.
fn open(servers: &Servers) -> ([Store; 2], [Watch; 2]) {
    let watches = [Watch::default(), Watch::default()];
    watches[1].pass(3600);
    let [one, other] = [0, 1].map(|server| {
        let around = Surroundings {
            clock: Arc::new(watches[server].clone()),
            ..Surroundings::default()
        };
        let engine = Arc::clone(&servers.engines[server]);
        Store::open_with(engine, StoreConfig::default(), around).unwrap()
    });
    ([one, other], watches)
}

fn lease(holder: &str) -> Lease {
    Lease::new("training", holder, Duration::from_secs(30))
}

pub(crate) fn one_server_at_a_time_has_a_lease_and_the_dead_lose_it(ground: &dyn Ground) {
    let servers = ground.open();
    let ([one, other], watches) = open(&servers);
    let pass = |seconds| watches.iter().for_each(|watch| watch.pass(seconds));
    let (mut first, mut second) = (lease("one"), lease("other"));
    for _ in 0..10 {
        assert!(first.hold(&one).unwrap());
        assert!(!second.hold(&other).unwrap());
        pass(20);
    }
    // The first one died after its last word, 20 seconds ago: nothing is seen of it for the whole duration.
    assert!(!second.hold(&other).unwrap());
    pass(9);
    assert!(!second.hold(&other).unwrap());
    pass(1);
    assert!(second.hold(&other).unwrap());
    // It was only slow, and learns that it is not the holder any more.
    assert!(!first.hold(&one).unwrap());
    second.release(&other).unwrap();
    assert!(first.hold(&one).unwrap() && !second.hold(&other).unwrap());
}

pub(crate) fn of_all_who_bid_for_a_lease_at_once_one_gets_it(ground: &dyn Ground) {
    let servers = ground.open();
    let (stores, _) = open(&servers);
    for round in 0..20 {
        let start = Barrier::new(4);
        let name = format!("round {round}");
        let bid = |bidder: usize| {
            let mut lease = Lease::new(&name, &bidder.to_string(), Duration::from_secs(30));
            start.wait();
            lease.hold(&stores[bidder % 2]).unwrap()
        };
        let won = thread::scope(|scope| {
            let bids = [0, 1, 2, 3].map(|bidder| scope.spawn(move || bid(bidder)));
            bids.map(|bid| bid.join().unwrap())
        });
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    }
}
