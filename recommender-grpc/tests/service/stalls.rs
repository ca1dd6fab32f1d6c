//! A store that is slow, or dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use recommender_grpc::proto::{PersonalizationTier, RecommendRequest};
use recommender_store::record::{Batch, StoredEvent, Written};
use recommender_store::{Engine, MemoryEngine, Result, StoreError, Ticket};
use tonic::Code;

use crate::stocked::{ask, ask_twice, at, bought, of, open, store_over, write};

/// An engine whose reads of events take so many milliseconds, or fail if that is all of them.
#[derive(Debug)]
struct Stalling {
    engine: MemoryEngine,
    millis: AtomicU64,
    asked: AtomicUsize,
}

/// Reads fail.
const DEAD: u64 = u64::MAX;

impl Engine for Stalling {
    fn write(&self, batch: Batch) -> Result<Ticket<Written>> {
        self.engine.write(batch)
    }
    fn recent(&self, visitor: &str, limit: usize) -> Result<Vec<StoredEvent>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.millis.load(Ordering::SeqCst) {
            DEAD => Err(StoreError::Closed),
            millis => {
                std::thread::sleep(Duration::from_millis(millis));
                self.engine.recent(visitor, limit)
            }
        }
    }
    forward!(events, forget, rest);
}

async fn stalling() -> (Arc<Stalling>, recommender_store::Store) {
    let engine = Arc::new(Stalling {
        engine: MemoryEngine::default(),
        millis: AtomicU64::new(0),
        asked: AtomicUsize::new(0),
    });
    let store = store_over(Arc::clone(&engine) as Arc<dyn Engine>).await;
    write(&store, vec![bought("ann", "lamp-3", 1)]).await;
    (engine, store)
}

#[tokio::test]
async fn a_slow_store_costs_its_share_of_the_time_and_the_answer_says_so() {
    let (engine, store) = stalling().await;
    let mut shop = open(&store).await;
    let whole = ask(&mut shop, at("ann", "south")).await;
    assert_eq!(whole.tier(), PersonalizationTier::Personal);
    assert!(!whole.degraded);
    engine.millis.store(2_000, Ordering::SeqCst);
    let mut request = tonic::Request::new(at("ann", "south"));
    request.set_timeout(Duration::from_millis(400));
    let start = Instant::now();
    let response = shop.client.recommend(request).await.unwrap().into_inner();
    assert!(start.elapsed() < Duration::from_millis(400));
    assert!(response.degraded && response.degraded_reason.contains("in time"));
    assert_eq!(response.tier(), PersonalizationTier::PlacePopular);
    assert!(!response.results.is_empty());
    for result in &response.results {
        assert!(store.quantity_at("south", &result.product_id) > 0.0);
    }
}

#[tokio::test]
async fn a_dead_store_is_left_alone_and_answers_go_on() {
    let (engine, store) = stalling().await;
    let mut shop = open(&store).await;
    engine.millis.store(DEAD, Ordering::SeqCst);
    for _ in 0..50 {
        let response = ask(&mut shop, of("ann")).await;
        assert!(response.degraded && !response.results.is_empty());
        assert!(!response.degraded_reason.is_empty());
    }
    let asked = engine.asked.load(Ordering::SeqCst);
    assert!(asked < 15, "asked {asked} times");
    for answer in ask_twice(&mut shop, "ann").await {
        assert!(answer.degraded);
    }
    let fresh = RecommendRequest {
        min_freshness: format!("{:x}", store.seen().0),
        ..of("ann")
    };
    let status = shop.client.recommend(fresh).await.unwrap_err();
    assert_eq!(
        status.code(),
        Code::Unavailable,
        "it may not have seen the write"
    );
    engine.millis.store(0, Ordering::SeqCst);
    let back = Instant::now();
    while ask(&mut shop, of("ann")).await.degraded {
        assert!(back.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
