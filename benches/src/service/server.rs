//! The servers that are asked, each in a process of its own: the whole service, and one that only carries messages.

use std::future::pending;
use std::path::Path;
use std::sync::Arc;

use recommender_core::{Error, Result};
use recommender_grpc::proto::recommendation_service_server::{
    RecommendationService, RecommendationServiceServer,
};
use recommender_grpc::proto::{
    BatchRecommendRequest, BatchRecommendResponse, ExplainRecommendationRequest,
    ExplainRecommendationResponse, RankRequest, RankResponse, RecommendRequest, RecommendResponse,
    Result as Recommended, Source,
};
use recommender_grpc::settings::{RawSettings, Settings};
use recommender_grpc::{ServedModel, Server, ServerBuilder, server};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::service::shop::{self, Folders};

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::data("server", error.to_string())
}

/// The whole service, ready to be opened.
#[derive(Debug)]
pub struct Whole(Server);

impl Whole {
    /// The service of the shop below `dir`, with these settings in TOML.
    ///
    /// # Errors
    /// If it can't be opened.
    pub fn open(dir: &Path, toml: &str) -> Result<Self> {
        let folders = Folders::below(dir);
        let store = shop::open(&folders)?;
        let (engine, manifest) = recommender_files::load_engine(&folders.model)?;
        let model = ServedModel::new(Arc::new(engine), manifest.model_version());
        let builder = ServerBuilder::new(settings(toml, dir)?).with_store(store);
        Self::built(builder.with_model("home", model))
    }

    /// The service of the store below `dir`, which trains its model itself, with these settings in TOML.
    ///
    /// # Errors
    /// If it can't be opened.
    pub fn learning(dir: &Path, toml: &str) -> Result<Self> {
        let store = shop::open(&Folders::below(dir))?;
        let toml = format!("models_directory = 'models'\n{toml}");
        Self::built(ServerBuilder::new(settings(&toml, dir)?).with_store(store))
    }

    fn built(builder: ServerBuilder) -> Result<Self> {
        Ok(Self(builder.build().map_err(|error| failed(&error))?))
    }

    /// Serves, once `say` was told where.
    ///
    /// # Errors
    /// If it can't.
    pub async fn serve(self, say: impl FnOnce(&str)) -> Result<()> {
        let listener = listen().await?;
        say(&address(&listener)?);
        let running = self.0.serve_with_listener(listener, pending()).await;
        running.map(|_| ()).map_err(|error| failed(&error))
    }
}

fn settings(toml: &str, dir: &Path) -> Result<Settings> {
    let mut raw = RawSettings::default();
    raw.add_toml(toml, "bench", dir);
    raw.set("listen", "127.0.0.1:0", "bench");
    raw.resolve().map_err(|error| failed(&error))
}

async fn listen() -> Result<TcpListener> {
    let any = "127.0.0.1:0".parse().map_err(|error| failed(&error))?;
    server::bind(any).await.map_err(|error| failed(&error))
}

fn address(listener: &TcpListener) -> Result<String> {
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    Ok(address.to_string())
}

/// Why the bare transport refuses the other calls.
const SINGLE: &str = "only single answers are measured";

/// Gives everyone the same twenty products: what the transport takes, and nothing else.
#[derive(Debug)]
struct Bare(RecommendResponse);

#[tonic::async_trait]
impl RecommendationService for Bare {
    async fn recommend(
        &self,
        _: Request<RecommendRequest>,
    ) -> Result<Response<RecommendResponse>, Status> {
        Ok(Response::new(self.0.clone()))
    }

    async fn batch_recommend(
        &self,
        _: Request<BatchRecommendRequest>,
    ) -> Result<Response<BatchRecommendResponse>, Status> {
        Err(Status::unimplemented(SINGLE))
    }

    async fn rank(&self, _: Request<RankRequest>) -> Result<Response<RankResponse>, Status> {
        Err(Status::unimplemented(SINGLE))
    }

    async fn explain_recommendation(
        &self,
        _: Request<ExplainRecommendationRequest>,
    ) -> Result<Response<ExplainRecommendationResponse>, Status> {
        Err(Status::unimplemented(SINGLE))
    }
}

/// Serves the bare transport, once `say` was told where.
///
/// # Errors
/// If it can't.
pub async fn bare(say: impl FnOnce(&str)) -> Result<()> {
    let results = (1..=20).map(|position| Recommended {
        product_id: format!("item-{position:06}"),
        position,
        score: 1.0 / f64::from(position),
        source: Some(Source {
            model: "item_knn".into(),
            recommender: 1,
        }),
        ..Recommended::default()
    });
    let answer = RecommendResponse {
        results: results.collect(),
        attribution_token: "0123456789abcdef0123456789abcdef".into(),
        model_version: "1".into(),
        ..RecommendResponse::default()
    };
    let listener = listen().await?;
    say(&address(&listener)?);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    tonic::transport::Server::builder()
        .add_service(RecommendationServiceServer::new(Bare(answer)))
        .serve_with_incoming(incoming)
        .await
        .map_err(|error| failed(&error))
}
