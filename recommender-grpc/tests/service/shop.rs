//! A small shop: what it sold, a model of that, and a server on a free port.

use std::sync::Arc;

use recommender_core::engine::{Engine, EngineRequest};
use recommender_core::events::{Channel as SalesChannel, Event, EventKind, EventTable};
use recommender_core::pipeline::PipelineConfig;
use recommender_core::{Dataset, FitOptions, Timestamp};
use recommender_grpc::client::{self, RecommendationServiceClient};
use recommender_grpc::proto::{ProductDetail, RecommendContext, RecommendRequest, UserEvent};
use recommender_grpc::settings::{RawSettings, Settings};
use recommender_grpc::{Drained, ServeError, ServedModel, Server, ServerBuilder, server};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

pub(crate) type Client = RecommendationServiceClient<Channel>;

/// The serving config that every test asks.
pub(crate) const HOME: &str = "catalogs/default/servingConfigs/home";
/// Items of each of the three kinds the shop sells.
pub(crate) const RANGE: usize = 12;
/// Its kinds; most shoppers buy of one only.
const KINDS: [&str; 3] = ["cup", "lamp", "rope"];

/// The pipeline behind [`HOME`].
const PIPELINE: &str = r#"
    [[sources]]
    name = "together"
    model = { kind = "item_knn" }
    [[sources]]
    model = { kind = "ease", regularization = 10.0 }
    [fallback]
    name = "bestsellers"
    model = { kind = "popularity", per_place = true }
"#;

/// An engine that learned from shoppers `cup-buyer-0` to `rope-buyer-19`, each of whom bought some of her range
/// in one of two stores.
pub(crate) fn engine() -> Arc<Engine> {
    let mut table = EventTable::new();
    for (kind, name) in KINDS.iter().enumerate() {
        for buyer in 0..20 {
            for turn in 0..6 {
                let item = (buyer * (kind + 1) + turn + turn / 3) % RANGE;
                let event = Event {
                    visitor: format!("{name}-buyer-{buyer}"),
                    item: Some(format!("{name}-{item}")),
                    kind: EventKind::Purchase,
                    channel: Some(SalesChannel::PointOfSale),
                    place: Some(["north", "south"][buyer % 2].to_owned()),
                    time: Some(Timestamp::from_seconds(
                        86_400 * i64::try_from(buyer + turn).unwrap(),
                    )),
                    quantity: 1.0,
                    ..Event::default()
                };
                table.push(&event).unwrap();
            }
        }
    }
    let config = PipelineConfig::from_toml(PIPELINE).unwrap();
    let dataset = Dataset::new(table, vec![], config.interactions.clone()).unwrap();
    Arc::new(Engine::fit(&config, &dataset, &FitOptions::default()).unwrap())
}

/// Settings that are the defaults but for `toml`.
pub(crate) fn settings(toml: &str) -> Settings {
    let mut raw = RawSettings::default();
    raw.add_toml(toml, "test", "".as_ref());
    raw.set("listen", "127.0.0.1:0", "test");
    raw.resolve().unwrap()
}

/// A server that serves [`engine`] as `home`.
pub(crate) fn shop(toml: &str) -> ServerBuilder {
    ServerBuilder::new(settings(toml)).with_model("home", ServedModel::new(engine(), "model-1"))
}

/// A server that runs, and a client of it.
pub(crate) struct Running {
    pub(crate) client: Client,
    pub(crate) channel: Channel,
    stop: oneshot::Sender<()>,
    done: JoinHandle<Result<Drained, ServeError>>,
}

impl Running {
    /// Opens `server` on a free port.
    pub(crate) async fn open(server: Server) -> Self {
        let listener = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let done = tokio::spawn(server.serve_with_listener(listener, shutdown));
        let uri = format!("http://{address}");
        Self {
            client: client::connect(address).await.unwrap(),
            channel: Channel::from_shared(uri).unwrap().connect().await.unwrap(),
            stop,
            done,
        }
    }

    /// The shop with these settings.
    pub(crate) async fn shop(toml: &str) -> Self {
        Self::open(shop(toml).build().unwrap()).await
    }

    /// Tells the server to stop; what the handle gives is how it ended.
    pub(crate) fn stop(self) -> JoinHandle<Result<Drained, ServeError>> {
        self.stop.send(()).unwrap();
        self.done
    }
}

/// A question of a visitor that nobody knows.
pub(crate) fn request() -> RecommendRequest {
    RecommendRequest {
        serving_config: HOME.to_owned(),
        context: Some(RecommendContext {
            visitor_id: "stranger".to_owned(),
            ..RecommendContext::default()
        }),
        ..RecommendRequest::default()
    }
}

/// A question with this context, of which the visitor need not be given.
pub(crate) fn request_in(context: RecommendContext) -> RecommendRequest {
    let visitor_id = if context.visitor_id.is_empty() {
        "stranger".to_owned()
    } else {
        context.visitor_id
    };
    RecommendRequest {
        context: Some(RecommendContext {
            visitor_id,
            ..context
        }),
        ..request()
    }
}

/// The same question, put to the library.
pub(crate) fn engine_request() -> EngineRequest {
    EngineRequest {
        user: Some("stranger".to_owned()),
        limit: 20,
        ..EngineRequest::default()
    }
}

pub(crate) fn product(key: &str) -> ProductDetail {
    ProductDetail {
        product_id: key.to_owned(),
        ..ProductDetail::default()
    }
}

/// That `key` was bought ten days after the shop opened.
pub(crate) fn purchase(key: &str) -> UserEvent {
    let mut event = UserEvent {
        product_details: vec![product(key)],
        event_time: Some(prost_types::Timestamp {
            seconds: 864_000,
            nanos: 0,
        }),
        ..UserEvent::default()
    };
    event.set_event_type(recommender_grpc::proto::EventType::Purchase);
    event
}

/// Keys of the results, in order.
pub(crate) fn keys(response: &recommender_grpc::proto::RecommendResponse) -> Vec<&str> {
    let results = response.results.iter();
    results.map(|result| &*result.product_id).collect()
}
