//! A server with an embedded store in a directory of its own, and its clients.

use std::path::PathBuf;
use std::sync::Arc;

use prost::Message;
use recommender_core::engine::Engine;
use recommender_core::events::{Event, EventKind, EventTable};
use recommender_core::{Dataset, FitOptions, PipelineConfig, Timestamp};
use recommender_grpc::client::RecommendationServiceClient;
use recommender_grpc::proto::admin_service_client::AdminServiceClient;
use recommender_grpc::proto::longrunning::operation::Result as Ending;
use recommender_grpc::proto::longrunning::operations_client::OperationsClient;
use recommender_grpc::proto::longrunning::{Operation, WaitOperationRequest};
use recommender_grpc::proto::place_service_client::PlaceServiceClient;
use recommender_grpc::proto::product_service_client::ProductServiceClient;
use recommender_grpc::proto::{LocalInventory, Product};
use recommender_grpc::settings::RawSettings;
use recommender_grpc::{ServedModel, ServerBuilder, server};
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Store, StoreConfig};
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

/// The catalogue.
pub(crate) const PARENT: &str = "catalogs/default";

const PIPELINE: &str = r#"
    [[sources]]
    model = { kind = "item_knn" }
    [fallback]
    model = { kind = "popularity" }
"#;

/// What forty shoppers bought of `item-0` to `item-9`.
pub(crate) fn events() -> Vec<Event> {
    let bought = (0..40).flat_map(|buyer| (0..4).map(move |turn| (buyer, (buyer * 3 + turn) % 10)));
    let events = bought.map(|(buyer, item)| Event {
        id: Some(format!("{buyer}/{item}")),
        visitor: format!("buyer-{buyer}"),
        item: Some(format!("item-{item}")),
        kind: EventKind::Purchase,
        time: Some(Timestamp::from_seconds(86_400 * (buyer + item))),
        quantity: 1.0,
        ..Event::default()
    });
    events.collect()
}

/// An engine that learned from [`events`].
pub(crate) fn engine() -> Engine {
    let mut table = EventTable::new();
    for event in events() {
        table.push(&event).unwrap();
    }
    let config = PipelineConfig::from_toml(PIPELINE).unwrap();
    let dataset = Dataset::new(table, vec![], config.interactions.clone()).unwrap();
    Engine::fit(&config, &dataset, &FitOptions::default()).unwrap()
}

/// A store in a directory.
pub(crate) fn open_store(directory: &std::path::Path) -> Store {
    let engine = EmbeddedEngine::open(directory, EmbeddedConfig::default()).unwrap();
    Store::open(Arc::new(engine), StoreConfig::default()).unwrap()
}

/// A server and its clients.
pub(crate) struct Shop {
    pub(crate) products: ProductServiceClient<Channel>,
    pub(crate) places: PlaceServiceClient<Channel>,
    pub(crate) admin: AdminServiceClient<Channel>,
    pub(crate) operations: OperationsClient<Channel>,
    pub(crate) recommendations: RecommendationServiceClient<Channel>,
    /// To the port that everyone may use.
    pub(crate) channel: Channel,
    pub(crate) store: Store,
    uri: String,
    dir: TempDir,
}

impl Shop {
    /// A server that runs as long as the test does, without any product yet.
    pub(crate) async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["imports", "exports", "snapshots"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let root = dir.path().join("store");
        let opened = tokio::task::spawn_blocking(move || (open_store(&root), engine()));
        let (store, engine) = opened.await.unwrap();
        let mut raw = RawSettings::default();
        let toml = "import_directory = 'imports'\nexport_directory = 'exports'\nsnapshot_directory = 'snapshots'
            memory_budget_bytes = 1073741824";
        raw.add_toml(toml, "test", dir.path());
        let (listener, admin) = (free_port().await, free_port().await);
        let addresses = [&listener, &admin].map(|it| it.local_addr().unwrap());
        let server = ServerBuilder::new(raw.resolve().unwrap())
            .with_store(store.clone())
            .with_model("home", ServedModel::new(Arc::new(engine), "model-1"))
            .build()
            .unwrap()
            .with_admin_listener(admin);
        tokio::spawn(server.serve_with_listener(listener, std::future::pending()));
        let [uri, admin] = addresses.map(|address| format!("http://{address}"));
        let main = connect(&uri).await;
        Self {
            products: ProductServiceClient::new(main.clone()),
            places: PlaceServiceClient::new(main.clone()),
            admin: AdminServiceClient::new(connect(&admin).await),
            operations: OperationsClient::new(main.clone()),
            recommendations: RecommendationServiceClient::new(main.clone()),
            channel: main,
            uri,
            store,
            dir,
        }
    }

    /// A connection of its own.
    pub(crate) async fn connect(&self) -> Channel {
        connect(&self.uri).await
    }

    /// A file or directory of the server.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes products with these keys.
    pub(crate) async fn put(&mut self, keys: &[&str]) {
        let products = keys.iter().map(|key| product(key)).collect();
        let request = recommender_grpc::proto::BatchUpsertProductsRequest {
            parent: PARENT.to_owned(),
            products,
            ..Default::default()
        };
        let response = self.products.batch_upsert_products(request).await.unwrap();
        for result in response.into_inner().results {
            assert_eq!(result.status.unwrap().code, 0);
        }
    }

    /// What an operation answers once it has ended.
    pub(crate) async fn answer<R: Message + Default>(
        &mut self,
        begun: Response<Operation>,
    ) -> Result<R, tonic_types::Status> {
        let request = WaitOperationRequest {
            name: begun.into_inner().name,
            timeout: None,
        };
        let ended = self.operations.wait_operation(request).await.unwrap();
        let ended = ended.into_inner();
        assert!(ended.done, "{ended:?}");
        match ended.result.unwrap() {
            Ending::Response(any) => Ok(R::decode(&*any.value).unwrap()),
            Ending::Error(status) => Err(status),
        }
    }
}

async fn connect(uri: &str) -> Channel {
    let endpoint = Channel::from_shared(uri.to_owned()).unwrap();
    endpoint.connect().await.unwrap()
}

async fn free_port() -> tokio::net::TcpListener {
    server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

/// The name of a product.
pub(crate) fn name(key: &str) -> String {
    format!("{PARENT}/products/{key}")
}

/// A product with nothing but a name and a title.
pub(crate) fn product(key: &str) -> Product {
    Product {
        name: name(key),
        title: format!("The {key}"),
        ..Product::default()
    }
}

/// So many pieces at a place.
pub(crate) fn at(place: &str, quantity: f32) -> LocalInventory {
    LocalInventory {
        place_id: place.to_owned(),
        available_quantity: Some(quantity),
        price: None,
    }
}

/// That the call was refused because of this field.
#[track_caller]
pub(crate) fn assert_wrong<T: std::fmt::Debug>(result: Result<T, Status>, field: &str) {
    let status = result.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_error_details();
    let named: Vec<&str> = details
        .bad_request()
        .unwrap()
        .field_violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert!(named.contains(&field), "{field} is not among {named:?}");
}
