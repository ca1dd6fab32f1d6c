//! Two servers with one store and one directory of models.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use recommender_core::Timestamp;
use recommender_core::events::{Event, EventKind};
use recommender_store::record::{Batch, Written};
use recommender_store::store::{Submission, Surroundings};
use recommender_store::{Clock, Engine, MemoryEngine, Store, StoreConfig, Ticket};

use super::{RECIPE, registry, sell};
use crate::proto::TrainModelResponse;
use crate::training::Registry;
use crate::training::document::{ModelDocument, Promotion, Version};
use crate::training::schedule::Watch;

#[macro_use]
#[path = "../../../../recommender-store/tests/forwarding/mod.rs"]
mod forwarding;

/// Records that others may write to as well.
#[derive(Debug, Default)]
struct Shared {
    engine: MemoryEngine,
}

impl Engine for Shared {
    fn write(&self, batch: Batch) -> recommender_store::Result<Ticket<Written>> {
        self.engine.write(batch)
    }

    forward!(recent, events, forget, rest);
}

#[derive(Debug, Clone, Default)]
struct StandingClock(Arc<AtomicI64>);

impl StandingClock {
    fn pass(&self, seconds: i64) {
        self.0.fetch_add(1000 * seconds, Ordering::SeqCst);
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Two servers, and the clock of both.
fn servers(folder: &Path) -> ([Registry; 2], Store, StandingClock) {
    let (engine, clock) = (Arc::new(Shared::default()), StandingClock::default());
    clock.pass(1000);
    let open = || {
        let around = Surroundings {
            clock: Arc::new(clock.clone()),
            ..Surroundings::default()
        };
        let engine = Arc::clone(&engine) as Arc<dyn Engine>;
        Store::open_with(engine, StoreConfig::default(), around).unwrap()
    };
    let (one, other) = (open(), open());
    sell(&one);
    let servers = [&one, &other].map(|store| registry(store, folder));
    (servers, one, clock)
}

fn trained(_: &Version, promoted: bool) -> TrainModelResponse {
    TrainModelResponse {
        promoted,
        ..TrainModelResponse::default()
    }
}

/// Lets a server take in what the other wrote and look whether anything is due, and waits for what it began.
fn look(server: &Registry, watch: &mut Watch) {
    server.store().unwrap().refresh().unwrap();
    server.tick(trained, watch).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let operations = &server.0.around.operations;
    runtime.unwrap().block_on(operations.idle());
}

fn versions(server: &Registry) -> Vec<u64> {
    let versions = server.found("daily").unwrap().versions;
    versions.iter().map(|version| version.number).collect()
}

#[test]
fn what_is_due_is_trained_by_one_server_and_by_the_other_when_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let ([one, other], store, clock) = servers(folder.path());
    let (mut first, mut second) = (Watch::new(), Watch::new());
    let mut model = ModelDocument::new("daily", store.now());
    model.pipeline = RECIPE.into();
    model.policy.promotion = Promotion::Always;
    model.policy.after_events = Some(1);
    one.create(&model).unwrap();
    for _ in 0..5 {
        look(&one, &mut first);
        look(&other, &mut second);
        clock.pass(1);
    }
    assert_eq!(versions(&one), [1]);
    assert_eq!(other.answering("daily").unwrap().0, 1);

    // Something is due again, and the first server is not heard of any more.
    let late = Event {
        id: Some("late".into()),
        visitor: "ann".into(),
        item: Some("lid".into()),
        kind: EventKind::Purchase,
        time: Some(Timestamp::from_seconds(900)),
        quantity: 1.0,
        ..Event::default()
    };
    let written = store.write_events(vec![Submission::from(late)]);
    written.unwrap().wait().unwrap();
    for _ in 0..2 {
        look(&other, &mut second);
        assert_eq!(versions(&other), [1]);
        clock.pass(20);
    }
    look(&other, &mut second);
    assert_eq!(versions(&other), [1, 2]);
    // It was only slow: it finds that another took its place, and what that made.
    look(&one, &mut first);
    look(&one, &mut first);
    assert_eq!(versions(&one), [1, 2]);
    assert_eq!(one.answering("daily").unwrap().0, 2);
}

#[test]
fn schedules_are_read_when_they_change_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let ([one, other], store, _) = servers(folder.path());
    let mut watch = Watch::new();
    let mut model = ModelDocument::new("daily", store.now());
    model.policy.after_events = Some(100);
    one.create(&model).unwrap();
    let first = one_read(&one, &mut watch);
    assert_eq!(first.1, ["daily"]);
    assert_eq!(one_read(&one, &mut watch), first, "the very same documents");
    model.id = "weekly".into();
    other.create(&model).unwrap();
    assert_eq!(
        one_read(&one, &mut watch),
        first,
        "nobody knows of it here yet"
    );
    store.refresh().unwrap();
    assert_eq!(one_read(&one, &mut watch).1, ["daily", "weekly"]);
    other.store().unwrap().refresh().unwrap();
    other.delete("daily").unwrap();
    store.refresh().unwrap();
    assert_eq!(one_read(&one, &mut watch).1, ["weekly"]);
}

/// Where the models with a schedule lie in memory, and their ids.
fn one_read(server: &Registry, watch: &mut Watch) -> (*const ModelDocument, Vec<String>) {
    let scheduled = watch.scheduled(server).unwrap();
    let ids = scheduled.iter().map(|model| model.id.clone());
    (scheduled.as_ptr(), ids.collect())
}
