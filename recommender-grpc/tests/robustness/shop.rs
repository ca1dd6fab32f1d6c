//! A shop with a store, and a server of it.

use std::sync::Arc;

use prost_reflect::MethodDescriptor;
use recommender_core::engine::Engine;
use recommender_core::events::{Event, EventKind, EventTable};
use recommender_core::{Dataset, FitOptions, PipelineConfig, Timestamp};
use recommender_grpc::client::RecommendationServiceClient;
use recommender_grpc::proto::{RecommendContext, RecommendRequest};
use recommender_grpc::settings::RawSettings;
use recommender_grpc::{ServedModel, ServerBuilder, server};
use recommender_store::catalog::{Place, ProductRecord, Stock};
use recommender_store::store::Submission;
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Store, StoreConfig};
use tempfile::TempDir;
use tonic::transport::Channel;

/// Kinds of products; most shoppers buy of one only.
pub(crate) const KINDS: [&str; 3] = ["cup", "lamp", "rope"];

/// Products of each kind.
pub(crate) const RANGE: usize = 12;

/// The stores.
pub(crate) const PLACES: [&str; 2] = ["north", "south"];

const PIPELINE: &str = r#"
    [[sources]]
    model = { kind = "item_knn" }
    [fallback]
    model = { kind = "popularity", per_place = true }
"#;

/// What was bought, by twenty buyers of each kind.
fn events() -> Vec<Event> {
    let mut events = Vec::new();
    for (kind, name) in KINDS.iter().enumerate() {
        for buyer in 0..20 {
            for turn in 0..6 {
                let item = (buyer * (kind + 1) + turn + turn / 3) % RANGE;
                let day = i64::try_from(buyer + turn).unwrap();
                events.push(Event {
                    id: Some(format!("{name}/{buyer}/{turn}")),
                    visitor: format!("{name}-buyer-{buyer}"),
                    item: Some(format!("{name}-{item}")),
                    kind: EventKind::Purchase,
                    place: Some(PLACES[buyer % 2].to_owned()),
                    time: Some(Timestamp::from_seconds(86_400 * day)),
                    quantity: 1.0,
                    ..Event::default()
                });
            }
        }
    }
    events
}

/// Keys of all products.
pub(crate) fn products() -> Vec<String> {
    let keys = KINDS
        .iter()
        .flat_map(|kind| (0..RANGE).map(move |item| format!("{kind}-{item}")));
    keys.collect()
}

/// A store with the shop's events, products and stock: everything is everywhere.
pub(crate) fn store(dir: &TempDir) -> Store {
    let engine = EmbeddedEngine::open(&dir.path().join("store"), EmbeddedConfig::default());
    let store = Store::open(Arc::new(engine.unwrap()), StoreConfig::default()).unwrap();
    let submissions = events().into_iter().map(Submission::from).collect();
    store.write_events(submissions).unwrap().wait().unwrap();
    let records: Vec<ProductRecord> = products()
        .into_iter()
        .map(|key| ProductRecord {
            title: key.clone(),
            categories: vec![vec![key.split('-').next().unwrap_or_default().to_owned()]],
            key,
            ..ProductRecord::default()
        })
        .collect();
    store.put_products(&records).unwrap().wait().unwrap();
    let places = PLACES.map(|key| Place {
        key: key.to_owned(),
        ..Place::default()
    });
    store.put_places(&places).unwrap().wait().unwrap();
    let mut levels = Vec::new();
    for place in PLACES {
        levels.extend(products().into_iter().map(|item| Stock {
            place: Some(place.to_owned()),
            item,
            quantity: Some(3.0),
            price: None,
            set_time: Timestamp(0),
        }));
    }
    store.set_stock(&levels).unwrap().wait().unwrap();
    store
}

/// An engine that learned from the shop's events.
pub(crate) fn engine() -> Arc<Engine> {
    let mut table = EventTable::new();
    for event in events() {
        table.push(&event).unwrap();
    }
    let config = PipelineConfig::from_toml(PIPELINE).unwrap();
    let dataset = Dataset::new(table, vec![], config.interactions.clone()).unwrap();
    Arc::new(Engine::fit(&config, &dataset, &FitOptions::default()).unwrap())
}

/// A server of the shop that runs until this is dropped.
pub(crate) struct Open {
    pub(crate) channel: Channel,
    /// `host:port`.
    pub(crate) address: String,
    _dir: TempDir,
}

impl Open {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = tokio::task::spawn_blocking(move || (store(&dir), engine(), dir));
        let (store, engine, dir) = made.await.unwrap();
        let mut raw = RawSettings::default();
        raw.set("listen", "127.0.0.1:0", "test");
        let server = ServerBuilder::new(raw.resolve().unwrap())
            .with_store(store)
            .with_model("home", ServedModel::new(engine, "1"))
            .build()
            .unwrap();
        let listener = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(server.serve_with_listener(listener, std::future::pending()));
        let uri = format!("http://{address}");
        let channel = Channel::from_shared(uri).unwrap().connect().await.unwrap();
        Self {
            channel,
            address: address.to_string(),
            _dir: dir,
        }
    }

    /// The port on which a method is served.
    pub(crate) fn channel_of(&self, _method: &MethodDescriptor) -> &Channel {
        &self.channel
    }

    /// It answers as if nothing had been.
    pub(crate) async fn must_serve(&self) {
        let request = RecommendRequest {
            serving_config: "catalogs/default/servingConfigs/home".to_owned(),
            context: Some(RecommendContext {
                visitor_id: "stranger".to_owned(),
                ..RecommendContext::default()
            }),
            ..RecommendRequest::default()
        };
        let mut client = RecommendationServiceClient::new(self.channel.clone());
        client.recommend(request).await.unwrap();
    }
}
