//! The gRPC service over `recommender-core`: the contract `recommender.v1`, its server and its client.

pub mod client;
mod error;
mod health;
pub mod proto;
mod service;
pub mod settings;
mod status;
mod workers;

pub use error::ServeError;
pub use status::ERROR_DOMAIN;
pub use workers::{Caller, WorkError, Workers};
