//! The gRPC service over `recommender-core`: the contract `recommender.v1`, its server and its client.
//!
//! A server holds one fitted engine for each serving config. It answers what the library answers, item by item
//! and score by score, and adds what a service owes its callers: bounds, deadlines, health, draining, and errors
//! that say which field was wrong.
//!
//! ```
//! use std::sync::Arc;
//! use recommender_core::{Dataset, FitOptions, engine::Engine, pipeline::PipelineConfig};
//! use recommender_core::events::{Event, EventKind, EventTable};
//! use recommender_grpc::proto::{ProductDetail, RecommendContext, RecommendRequest};
//! use recommender_grpc::{ServedModel, ServerBuilder, client, server, settings::Settings};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Three shoppers' purchases, and a model of what goes with what.
//! let mut table = EventTable::new();
//! for (visitor, item) in [("ann", "cup"), ("ann", "saucer"), ("bob", "cup"), ("bob", "saucer"), ("eve", "rope")] {
//!     table.push(&Event { visitor: visitor.into(), item: Some(item.into()), quantity: 1.0,
//!                         kind: EventKind::Purchase, ..Event::default() })?;
//! }
//! let config = PipelineConfig::from_toml("sources = [{ model = { kind = 'item_knn' } }]")?;
//! let dataset = Dataset::new(table, vec![], config.interactions.clone())?;
//! let engine = Engine::fit(&config, &dataset, &FitOptions::default())?;
//!
//! // A server on a free port, and a client of it.
//! let server = ServerBuilder::new(Settings::default())
//!     .with_model("detail-page", ServedModel::new(Arc::new(engine), "2026-11-21"))
//!     .build()?;
//! let listener = server::bind("127.0.0.1:0".parse()?).await?;
//! let address = listener.local_addr()?.to_string();
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! let running = tokio::spawn(server.serve_with_listener(listener, async move { stopped.await.unwrap_or_default() }));
//! let mut client = client::connect(address).await?;
//!
//! // A stranger looks at the cup.
//! let response = client.recommend(RecommendRequest {
//!     serving_config: "catalogs/default/servingConfigs/detail-page".into(),
//!     context: Some(RecommendContext {
//!         visitor_id: "stranger".into(),
//!         product_details: vec![ProductDetail { product_id: "cup".into(), ..ProductDetail::default() }],
//!         ..RecommendContext::default()
//!     }),
//!     page_size: 3,
//!     ..RecommendRequest::default()
//! }).await?.into_inner();
//! assert_eq!(response.results[0].product_id, "saucer");
//! assert_eq!(response.model_version, "2026-11-21");
//!
//! stop.send(()).expect("the server still runs");
//! running.await??;
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! | module | what |
//! |---|---|
//! | [`proto`] | the generated types of the contract, and its descriptors |
//! | [`client`] | the generated client, and the usual way to connect it |
//! | [`settings`] | settings from a file and the environment |
//! | [`server`] | [`ServerBuilder`], [`Server`]: put together, opened, drained |
//! | [`Models`], [`ServedModel`] | the engines behind the serving configs, swapped whole while requests go on |
//! | [`Workers`] | the bounded pool that computes, away from the threads that talk to clients |
//!
//! Only `convert/` knows both the wire and the engine; only `status.rs` turns errors into gRPC statuses.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod answering;
pub mod client;
mod convert;
mod digits;
mod entrance;
mod error;
mod health;
mod layers;
mod list;
mod loading;
mod models;
mod operations;
mod page;
pub mod proto;
mod resilience;
mod resource;
mod security;
pub mod server;
mod service;
pub mod serving;
pub mod settings;
mod shop;
mod sizing;
mod status;
mod telemetry;
mod training;
mod warming;
mod wire_faults;
mod workers;

pub use error::ServeError;
pub use models::{Models, ServedModel};
pub use server::{Drained, Server, ServerBuilder};
pub use serving::ServingConfigName;
pub use status::ERROR_DOMAIN;
pub use workers::{Caller, WorkError, Workers};
