//! A small shop with a store, and clients of its server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prost::{Message, Name};
use recommender_core::events::{Event, EventKind};
use recommender_core::{Product, Timestamp};
use recommender_grpc::proto::control_service_client::ControlServiceClient;
use recommender_grpc::proto::longrunning::operations_client::OperationsClient;
use recommender_grpc::proto::longrunning::{
    CancelOperationRequest, Operation, WaitOperationRequest, operation,
};
use recommender_grpc::proto::model_service_client::ModelServiceClient;
use recommender_grpc::proto::promotion_policy::{Always, Manual, Rule};
use recommender_grpc::proto::recommendation_service_client::RecommendationServiceClient;
use recommender_grpc::proto::serving_config_service_client::ServingConfigServiceClient;
use recommender_grpc::proto::{
    CreateModelRequest, CreateServingConfigRequest, GetModelRequest, Model, PromotionPolicy,
    RecommendContext, RecommendRequest, RecommendResponse, ServingConfig, TrainModelRequest,
    TrainModelResponse, TrainingPolicy,
};
use recommender_grpc::settings::RawSettings;
use recommender_grpc::{Drained, ServeError, ServerBuilder, server};
use recommender_store::catalog::ProductRecord;
use recommender_store::store::Submission;
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Store, StoreConfig};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

pub(crate) const CATALOG: &str = "catalogs/default";
/// The model that most tests train, and the serving config that it answers for.
pub(crate) const DAILY: &str = "catalogs/default/models/daily";
pub(crate) const HOME: &str = "catalogs/default/servingConfigs/home";

/// A recipe that learns what goes together, with bestsellers for strangers.
pub(crate) const TOGETHER: &str = r#"
    [[sources]]
    model = { kind = "item_knn" }
    [fallback]
    model = { kind = "popularity" }
"#;
/// A recipe that learns nothing.
pub(crate) const RANDOM: &str = r#"
    [[sources]]
    model = { kind = "random" }
"#;

/// A server on a store in a folder, and the store.
pub(crate) struct Running {
    pub(crate) channel: Channel,
    pub(crate) store: Store,
    pub(crate) folder: PathBuf,
    stop: oneshot::Sender<()>,
    done: JoinHandle<Result<Drained, ServeError>>,
}

/// Opens the store in `folder`.
pub(crate) async fn open_store(folder: &Path) -> Store {
    let data = folder.join("data");
    let opening = spawn_blocking(move || {
        let engine = EmbeddedEngine::open(&data, EmbeddedConfig::default()).unwrap();
        Store::open(Arc::new(engine), StoreConfig::default()).unwrap()
    });
    opening.await.unwrap()
}

impl Running {
    /// A server on the store in `folder`, with models beside it and these settings besides; it is ready.
    pub(crate) async fn open(folder: &Path, toml: &str) -> Self {
        let running = Self::begin(folder, toml).await;
        let mut health = HealthClient::new(running.channel.clone());
        let watch = health.watch(HealthCheckRequest::default()).await;
        let mut watch = watch.unwrap().into_inner();
        while watch.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
        running
    }

    /// As [`Running::open`], perhaps not ready yet.
    pub(crate) async fn begin(folder: &Path, toml: &str) -> Self {
        let store = open_store(folder).await;
        let mut raw = RawSettings::default();
        raw.add_toml(toml, "test", folder);
        raw.set("listen", "127.0.0.1:0", "test");
        let mut settings = raw.resolve().unwrap();
        settings.models_directory = Some(folder.join("models"));
        settings.training_threads = 1;
        let server = ServerBuilder::new(settings).with_store(store.clone());
        let server = server.build().unwrap();
        let listener = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { stopped.await.unwrap_or_default() };
        let done = tokio::spawn(server.serve_with_listener(listener, shutdown));
        Self {
            channel: Channel::from_shared(uri).unwrap().connect().await.unwrap(),
            store,
            folder: folder.to_owned(),
            stop,
            done,
        }
    }

    /// A shop that has sold, with the model "daily" of this recipe and policy behind the serving config "home".
    pub(crate) async fn with_model(folder: &Path, pipeline: &str, rule: Rule) -> Self {
        let running = Self::open(folder, "").await;
        running.sell(0..5).await;
        running
            .create_model("daily", pipeline, policy(rule))
            .await
            .unwrap();
        running.serve_by("home", ServingConfig::default()).await;
        running
    }

    /// Makes a serving config of the model "daily".
    pub(crate) async fn serve_by(&self, id: &str, config: ServingConfig) {
        let request = CreateServingConfigRequest {
            parent: CATALOG.into(),
            serving_config: Some(ServingConfig {
                model_id: "daily".into(),
                ..config
            }),
            serving_config_id: id.into(),
            ..CreateServingConfigRequest::default()
        };
        let made = self.configs().create_serving_config(request).await;
        made.unwrap();
    }

    /// Stops the server, and says how it ended.
    pub(crate) async fn stop(self) -> Drained {
        let _ = self.stop.send(());
        self.done.await.unwrap().unwrap()
    }

    pub(crate) fn configs(&self) -> ServingConfigServiceClient<Channel> {
        ServingConfigServiceClient::new(self.channel.clone())
    }

    pub(crate) fn controls(&self) -> ControlServiceClient<Channel> {
        ControlServiceClient::new(self.channel.clone())
    }

    pub(crate) fn models(&self) -> ModelServiceClient<Channel> {
        ModelServiceClient::new(self.channel.clone())
    }

    pub(crate) fn operations(&self) -> OperationsClient<Channel> {
        OperationsClient::new(self.channel.clone())
    }

    /// Writes the products, and what was bought on these days: twenty shoppers of each of three kinds buy one piece of their kind a day.
    pub(crate) async fn sell(&self, days: std::ops::Range<usize>) {
        let mut events = Vec::new();
        for (kind, name) in ["cup", "lamp", "rope"].iter().enumerate() {
            for buyer in 0..20 {
                for day in days.clone() {
                    let item = (buyer * (kind + 1) + day + day / 3) % 12;
                    events.push(Submission::from(Event {
                        id: Some(format!("{name}-{buyer}-{day}")),
                        visitor: format!("{name}-buyer-{buyer}"),
                        item: Some(format!("{name}-{item}")),
                        kind: EventKind::Purchase,
                        time: Some(Timestamp::from_seconds(
                            86_400 * i64::try_from(day).unwrap() + i64::try_from(buyer).unwrap(),
                        )),
                        quantity: 1.0,
                        ..Event::default()
                    }));
                }
            }
        }
        self.store.write_events(events).unwrap().await.unwrap();
        let kinds = ["cup", "lamp", "rope"].into_iter();
        let keys = kinds.flat_map(|name| (0..12).map(move |item| format!("{name}-{item}")));
        let products = keys.map(|key| {
            ProductRecord::from(Product {
                title: key.clone(),
                key,
                ..Product::default()
            })
        });
        let products: Vec<ProductRecord> = products.collect();
        self.store.put_products(&products).unwrap().await.unwrap();
    }

    pub(crate) async fn create_model(
        &self,
        id: &str,
        pipeline: &str,
        policy: TrainingPolicy,
    ) -> Result<Model, Status> {
        let request = CreateModelRequest {
            parent: CATALOG.into(),
            model: Some(Model {
                pipeline: pipeline.into(),
                training_policy: Some(policy),
                ..Model::default()
            }),
            model_id: id.into(),
            validate_only: false,
            ..CreateModelRequest::default()
        };
        let created = self.models().create_model(request).await?;
        Ok(created.into_inner())
    }

    pub(crate) async fn model(&self) -> Model {
        let request = GetModelRequest { name: DAILY.into() };
        self.models().get_model(request).await.unwrap().into_inner()
    }

    /// Trains the model "daily" to its end.
    pub(crate) async fn train(&self) -> TrainModelResponse {
        let request = TrainModelRequest {
            name: DAILY.into(),
            ..TrainModelRequest::default()
        };
        let begun = self.models().train_model(request).await.unwrap();
        response(&self.end(begun.into_inner()).await)
    }

    /// Has an operation stopped before its end, and sees that it is.
    pub(crate) async fn cancel(&self, begun: Operation) {
        let cancel = CancelOperationRequest {
            name: begun.name.clone(),
        };
        self.operations().cancel_operation(cancel).await.unwrap();
        let (code, _) = error(&self.end(begun).await);
        assert_eq!(code, i32::from(Code::Cancelled));
    }

    /// Waits for the end of an operation.
    pub(crate) async fn end(&self, mut operation: Operation) -> Operation {
        while !operation.done {
            let request = WaitOperationRequest {
                name: operation.name,
                timeout: Some(prost_types::Duration {
                    seconds: 5,
                    nanos: 0,
                }),
            };
            let mut request = tonic::Request::new(request);
            request.set_timeout(Duration::from_secs(20));
            let waited = self.operations().wait_operation(request).await;
            operation = waited.unwrap().into_inner();
        }
        operation
    }

    pub(crate) async fn ask(&self) -> Result<RecommendResponse, Status> {
        ask(self.channel.clone()).await
    }
}

/// Asks the serving config "home" for a shopper of lamps.
pub(crate) async fn ask(channel: Channel) -> Result<RecommendResponse, Status> {
    let request = RecommendRequest {
        serving_config: HOME.into(),
        context: Some(RecommendContext {
            visitor_id: "lamp-buyer-3".into(),
            ..RecommendContext::default()
        }),
        page_size: 5,
        ..RecommendRequest::default()
    };
    let mut client = RecommendationServiceClient::new(channel);
    Ok(client.recommend(request).await?.into_inner())
}

/// A policy of this rule, whose window is the last day of five.
pub(crate) fn policy(rule: Rule) -> TrainingPolicy {
    TrainingPolicy {
        promotion: Some(PromotionPolicy { rule: Some(rule) }),
        window_share: 0.2,
        ..TrainingPolicy::default()
    }
}

pub(crate) fn always() -> Rule {
    Rule::Always(Always {})
}

pub(crate) fn manual() -> Rule {
    Rule::Manual(Manual {})
}

/// What an operation that went well answered.
pub(crate) fn response<M: Message + Name + Default>(operation: &Operation) -> M {
    match operation.result.as_ref().unwrap() {
        operation::Result::Response(any) => any.to_msg().unwrap(),
        operation::Result::Error(status) => panic!("{status:?}"),
    }
}

/// Why an operation failed.
pub(crate) fn error(operation: &Operation) -> (i32, String) {
    match operation.result.as_ref().unwrap() {
        operation::Result::Error(status) => (status.code, status.message.clone()),
        operation::Result::Response(any) => panic!("{any:?}"),
    }
}

/// The one word of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    use tonic_types::StatusExt;
    let details = status.get_error_details();
    details.error_info().unwrap().reason.clone()
}

/// The wrong fields of a refusal.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    use tonic_types::StatusExt;
    let details = status.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    violations
        .iter()
        .map(|violation| violation.field.clone())
        .collect()
}
