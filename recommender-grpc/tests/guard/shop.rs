//! A small shop with a guarded door.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use prost::Message;
use prost_types::FileDescriptorSet;
use recommender_core::engine::Engine;
use recommender_core::events::{Event, EventKind, EventTable};
use recommender_core::pipeline::PipelineConfig;
use recommender_core::{Dataset, FitOptions};
use recommender_grpc::proto::{FILE_DESCRIPTOR_SET, RecommendContext, RecommendRequest};
use recommender_grpc::settings::{RawSettings, Settings};
use recommender_grpc::{ServedModel, ServerBuilder, server};
use ring::digest::{SHA256, digest};
use tokio::sync::oneshot;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

fn engine() -> Arc<Engine> {
    let mut table = EventTable::new();
    for (visitor, item) in [
        ("ann", "cup"),
        ("ann", "saucer"),
        ("bob", "cup"),
        ("bob", "saucer"),
    ] {
        table
            .push(&Event {
                visitor: visitor.into(),
                item: Some(item.into()),
                quantity: 1.0,
                kind: EventKind::Purchase,
                ..Event::default()
            })
            .unwrap();
    }
    let config = "sources = [{ model = { kind = 'popularity' } }]";
    let config = PipelineConfig::from_toml(config).unwrap();
    let dataset = Dataset::new(table, vec![], config.interactions.clone()).unwrap();
    Arc::new(Engine::fit(&config, &dataset, &FitOptions::default()).unwrap())
}

/// Settings that are the defaults but for `toml`, with paths that begin at `folder`.
pub(crate) fn settings(toml: &str, folder: &Path) -> Settings {
    let mut raw = RawSettings::default();
    raw.add_toml(toml, "test", folder);
    raw.resolve().unwrap()
}

/// The shop with these settings, not opened yet.
pub(crate) fn shop(toml: &str, folder: &Path) -> ServerBuilder {
    let model = ServedModel::new(engine(), "model-1");
    ServerBuilder::new(settings(toml, folder)).with_model("home", model)
}

/// A shop that is open until it is dropped.
pub(crate) struct Open {
    pub(crate) address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Open {
    pub(crate) async fn with(builder: ServerBuilder) -> Self {
        let server = builder.build().unwrap();
        let listener = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            let _ = stopped.await;
        };
        tokio::spawn(async move {
            server
                .serve_with_listener(listener, shutdown)
                .await
                .unwrap()
        });
        Self {
            address,
            _stop: stop,
        }
    }

    pub(crate) async fn shop(toml: &str) -> Self {
        Self::with(shop(toml, Path::new(""))).await
    }

    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.connect().await.unwrap()
    }
}

/// A port that nobody listens on at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A key of the credentials file whose secret is `secret of NAME`.
pub(crate) fn key(name: &str, roles: &[&str]) -> String {
    let secret = digest(&SHA256, format!("secret of {name}").as_bytes());
    let digits: String = secret
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("[[keys]]\nname = '{name}'\nsha256 = '{digits}'\nroles = {roles:?}\n")
}

/// Every role there is.
pub(crate) const ROLES: [&str; 5] = ["read", "write_events", "manage_catalogue", "admin", "erase"];

/// The methods of a set of descriptors, as requests name them.
pub(crate) fn methods(set: &[u8]) -> Vec<String> {
    let set = FileDescriptorSet::decode(set).unwrap();
    let services = set
        .file
        .iter()
        .flat_map(|file| file.service.iter().map(move |service| (file, service)));
    let methods = services.flat_map(|(file, service)| {
        let path = move |name: &str| format!("/{}.{}/{name}", file.package(), service.name());
        service.method.iter().map(move |method| path(method.name()))
    });
    methods.collect()
}

/// The methods of the contract.
pub(crate) fn contract() -> Vec<String> {
    methods(FILE_DESCRIPTOR_SET)
}

/// Sends an empty message to the method of this path.
pub(crate) async fn call(
    channel: &Channel,
    path: &str,
    metadata: MetadataMap,
) -> Result<Response<()>, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let mut request = Request::new(());
    *request.metadata_mut() = metadata;
    request.set_timeout(std::time::Duration::from_secs(10));
    grpc.unary(request, path.parse().unwrap(), codec).await
}

/// Metadata of one entry.
pub(crate) fn shown(name: &'static str, value: &str) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    metadata.insert(name, value.parse().unwrap());
    metadata
}

/// A question of a visitor that nobody knows.
pub(crate) fn question() -> RecommendRequest {
    RecommendRequest {
        serving_config: "catalogs/default/servingConfigs/home".to_owned(),
        context: Some(RecommendContext {
            visitor_id: "stranger".to_owned(),
            ..RecommendContext::default()
        }),
        ..RecommendRequest::default()
    }
}
