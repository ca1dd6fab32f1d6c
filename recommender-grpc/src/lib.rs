//! The gRPC service over `recommender-core`: the contract `recommender.v1`, its server and its client.

pub mod client;
mod convert;
mod error;
mod health;
mod models;
pub mod proto;
pub mod server;
mod service;
mod serving_config;
pub mod settings;
mod status;
mod workers;

pub use error::ServeError;
pub use models::{Models, ServedModel};
pub use server::{Drained, Server, ServerBuilder};
pub use serving_config::ServingConfigName;
pub use status::ERROR_DOMAIN;
pub use workers::{Caller, WorkError, Workers};
