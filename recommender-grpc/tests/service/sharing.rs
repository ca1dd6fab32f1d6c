//! Servers that share records, and what they do for each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use recommender_grpc::proto::model_service_client::ModelServiceClient;
use recommender_grpc::proto::{CreateModelRequest, GetModelRequest, Model, TrainingPolicy};
use recommender_grpc::{Drained, ServerBuilder};
use recommender_store::record::{Batch, Position, StoredFact, Written};
use recommender_store::store::Lease;
use recommender_store::{Engine, MemoryEngine, Result, Store, StoreConfig, StoreError, Ticket};
use tokio::task::spawn_blocking;

use crate::shop::{Running, settings};
use crate::stocked::{bought, store_over, write};

/// A server's way to records that others write to as well; it can be cut as far as news of them go.
#[derive(Debug, Default)]
pub(crate) struct Line {
    engine: Arc<MemoryEngine>,
    pub(crate) cut: AtomicBool,
}

impl Engine for Line {
    fn write(&self, batch: Batch) -> Result<Ticket<Written>> {
        self.engine.write(batch)
    }
    fn changes(&self, after: Position) -> Result<(Vec<StoredFact>, Position)> {
        if self.cut.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        self.engine.changes(after)
    }
    forward!(recent, events, forget, remainder);
}

/// A store that looks at what others write when it is asked to, and never by itself.
pub(crate) async fn on(line: &Arc<Line>) -> Store {
    let engine = Arc::clone(line) as Arc<dyn Engine>;
    let open = || Store::open(engine, StoreConfig::default());
    tokio::task::spawn_blocking(open).await.unwrap().unwrap()
}

/// Two servers' ways to the same records.
pub(crate) fn lines() -> [Arc<Line>; 2] {
    let one = Line::default();
    let other = Line {
        engine: Arc::clone(&one.engine),
        ..Line::default()
    };
    [one, other].map(Arc::new)
}

/// Whether another server would now be the one that trains.
async fn takes(lease: Lease, store: &Store) -> (Lease, bool) {
    let store = store.clone();
    let hold = move |mut lease: Lease| {
        let held = lease.hold(&store).unwrap();
        (lease, held)
    };
    spawn_blocking(move || hold(lease)).await.unwrap()
}

#[tokio::test]
async fn a_server_that_stops_leaves_its_schedules_to_the_next_at_once() {
    let [one, other] = lines();
    let store = store_over(one as Arc<dyn Engine>).await;
    write(
        &store,
        vec![bought("ann", "cup-1", 1), bought("bob", "cup-2", 1)],
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings("");
    settings.models_directory = Some(folder.path().join("models"));
    let server = ServerBuilder::new(settings).with_store(store).build();
    let running = Running::open(server.unwrap()).await;
    let mut models = ModelServiceClient::new(running.channel.clone());
    let model = Model {
        pipeline: "[[sources]]\nmodel = { kind = \"popularity\" }".into(),
        training_policy: Some(TrainingPolicy {
            after_events: 1,
            ..TrainingPolicy::default()
        }),
        ..Model::default()
    };
    let create = CreateModelRequest {
        parent: "catalogs/default".into(),
        model: Some(model),
        model_id: "daily".into(),
        ..CreateModelRequest::default()
    };
    let daily = models.create_model(create).await.unwrap().into_inner();
    let trained = async || {
        let get = GetModelRequest {
            name: daily.name.clone(),
        };
        let model = models.clone().get_model(get).await.unwrap().into_inner();
        model.last_training_time.is_some()
    };
    let start = Instant::now();
    while !trained().await {
        assert!(start.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let next = on(&other).await;
    let lease = Lease::new("training schedule", "next", Duration::from_secs(3600));
    let (lease, held) = takes(lease, &next).await;
    assert!(!held, "the first server runs");
    assert_eq!(running.stop().await.unwrap().unwrap(), Drained::Complete);
    assert!(takes(lease, &next).await.1);
}
