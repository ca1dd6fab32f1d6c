//! A small shop with a store in a folder of its own, and a server of it.

use std::path::Path;
use std::sync::Arc;

use prost_types::Timestamp;
use recommender_core::engine::Engine;
use recommender_core::events::{Event, EventKind, EventTable};
use recommender_core::pipeline::PipelineConfig;
use recommender_core::{Dataset, FitOptions};
use recommender_grpc::proto::longrunning::operations_client::OperationsClient;
use recommender_grpc::proto::longrunning::{Operation, WaitOperationRequest, operation};
use recommender_grpc::proto::user_event_service_client::UserEventServiceClient;
use recommender_grpc::proto::user_service_client::UserServiceClient;
use recommender_grpc::proto::{
    EventType, ExternalId, ListUserEventsRequest, ProductDetail, UserEvent, WriteUserEventRequest,
    WriteUserEventResponse,
};
use recommender_grpc::settings::RawSettings;
use recommender_grpc::{Drained, ServeError, ServedModel, ServerBuilder, server};
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Store, StoreConfig};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

pub(crate) const CATALOG: &str = "catalogs/default";

pub(crate) const PIPELINE: &str = "sources = [{ model = { kind = 'item_knn' } }]
    [fallback]
    model = { kind = 'popularity' }";

/// An engine that learned from a handful of purchases of nobody in particular.
pub(crate) fn engine() -> Arc<Engine> {
    let mut table = EventTable::new();
    for (visitor, item) in [
        ("1", "cup"),
        ("1", "pot"),
        ("2", "cup"),
        ("2", "pot"),
        ("3", "pan"),
    ] {
        let event = Event {
            visitor: visitor.into(),
            item: Some(item.into()),
            kind: EventKind::Purchase,
            time: Some(recommender_core::Timestamp(0)),
            quantity: 1.0,
            ..Event::default()
        };
        table.push(&event).unwrap();
    }
    let config = PipelineConfig::from_toml(PIPELINE).unwrap();
    let dataset = Dataset::new(table, vec![], config.interactions.clone()).unwrap();
    Arc::new(Engine::fit(&config, &dataset, &FitOptions::default()).unwrap())
}

/// Does `work`, which may block, away from the threads of the runtime.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

/// A store in `folder`, which signs its receipts.
pub(crate) fn store(folder: &Path) -> Store {
    let config = StoreConfig {
        receipt_key_file: Some(folder.join("key")),
        ..StoreConfig::default()
    };
    let data = folder.join("data");
    apart(|| {
        let engine = EmbeddedEngine::open(&data, EmbeddedConfig::default()).unwrap();
        Store::open(Arc::new(engine), config).unwrap()
    })
}

/// A server that runs, with clients of it.
pub(crate) struct Running {
    pub(crate) folder: Arc<TempDir>,
    pub(crate) store: Option<Store>,
    pub(crate) channel: Channel,
    pub(crate) events: UserEventServiceClient<Channel>,
    pub(crate) users: UserServiceClient<Channel>,
    pub(crate) operations: OperationsClient<Channel>,
    stop: oneshot::Sender<()>,
    done: JoinHandle<Result<Drained, ServeError>>,
}

impl Running {
    /// A server of a new store, with these settings. Paths in them are relative to the store's folder.
    pub(crate) async fn with_settings(toml: &str) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let store = store(folder.path());
        Self::open(folder, Some(store), toml).await
    }

    pub(crate) async fn new() -> Self {
        Self::with_settings("").await
    }

    /// A server of this store. A model is served under `home`, unless the settings name one.
    pub(crate) async fn open(folder: Arc<TempDir>, store: Option<Store>, toml: &str) -> Self {
        let mut raw = RawSettings::default();
        raw.add_toml(toml, "test", folder.path());
        raw.set("listen", "127.0.0.1:0", "test");
        let mut builder = ServerBuilder::new(raw.resolve().unwrap());
        if !toml.contains("serving_configs") {
            builder = builder.with_model("home", ServedModel::new(engine(), "model-1"));
        }
        if let Some(store) = &store {
            builder = builder.with_store(store.clone());
        }
        let server = builder.build().unwrap();
        let listener = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let done = tokio::spawn(server.serve_with_listener(listener, shutdown));
        // As clients in most languages have it.
        let endpoint = Channel::from_shared(uri)
            .unwrap()
            .initial_stream_window_size(65_535);
        let channel = endpoint.connect().await.unwrap();
        Self {
            folder,
            store,
            events: UserEventServiceClient::new(channel.clone()),
            users: UserServiceClient::new(channel.clone()),
            operations: OperationsClient::new(channel.clone()),
            channel,
            stop,
            done,
        }
    }

    /// Tells the server to stop; what the handle gives is how it ended.
    pub(crate) fn stop(self) -> JoinHandle<Result<Drained, ServeError>> {
        self.stop.send(()).unwrap();
        self.done
    }

    pub(crate) async fn write(&mut self, event: UserEvent) -> WriteUserEventResponse {
        let request = WriteUserEventRequest {
            parent: CATALOG.into(),
            user_event: Some(event),
            ..WriteUserEventRequest::default()
        };
        self.events
            .write_user_event(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Keys of the events of a person, the latest first.
    pub(crate) async fn listed(&mut self, person: ExternalId) -> Vec<String> {
        let request = ListUserEventsRequest {
            parent: CATALOG.into(),
            person: Some(person),
            ..ListUserEventsRequest::default()
        };
        let listed = self
            .events
            .list_user_events(request)
            .await
            .unwrap()
            .into_inner();
        let events = listed.user_events.into_iter();
        events.map(|event| event.event_id).collect()
    }

    /// An operation once it has ended.
    pub(crate) async fn ended(&mut self, operation: Operation) -> Operation {
        let request = WaitOperationRequest {
            name: operation.name,
            timeout: Some(prost_types::Duration {
                seconds: 60,
                nanos: 0,
            }),
        };
        let mut request = tonic::Request::new(request);
        request.set_timeout(std::time::Duration::from_secs(60));
        let ended = self
            .operations
            .wait_operation(request)
            .await
            .unwrap()
            .into_inner();
        assert!(ended.done, "{ended:?}");
        ended
    }

    /// What an operation answers.
    pub(crate) async fn answer<M: prost::Name + Default>(&mut self, operation: Operation) -> M {
        let ended = self.ended(operation).await;
        match ended.result.unwrap() {
            operation::Result::Response(response) => response.to_msg().unwrap(),
            operation::Result::Error(status) => panic!("{status:?}"),
        }
    }

    /// Why an operation failed.
    pub(crate) async fn failure(&mut self, operation: Operation) -> tonic_types::Status {
        let ended = self.ended(operation).await;
        match ended.result.unwrap() {
            operation::Result::Error(status) => status,
            operation::Result::Response(response) => panic!("{response:?}"),
        }
    }
}

pub(crate) fn id(namespace: &str, value: &str) -> ExternalId {
    ExternalId {
        namespace: namespace.into(),
        value: value.into(),
    }
}

pub(crate) fn visitor(key: &str) -> ExternalId {
    id("visitor", key)
}

pub(crate) fn product(key: &str) -> ProductDetail {
    ProductDetail {
        product_id: key.into(),
        ..ProductDetail::default()
    }
}

/// That a visitor bought a product in the second `second` of 2026.
pub(crate) fn purchase(key: &str, visitor: &str, item: &str, second: i64) -> UserEvent {
    let mut event = UserEvent {
        event_id: key.into(),
        visitor_id: visitor.into(),
        product_details: vec![product(item)],
        event_time: Some(Timestamp {
            seconds: 1_767_225_600 + second,
            nanos: 0,
        }),
        ..UserEvent::default()
    };
    event.set_event_type(EventType::Purchase);
    event
}
