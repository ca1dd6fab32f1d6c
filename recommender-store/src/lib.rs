//! Durable facts: events, identity links, catalogue, stock and consent.
//!
//! An [`Engine`] keeps records: events, and facts under keys. There are two: [`embedded`] keeps them in a directory,
//! and [`postgres`] lets several servers share them. What the records mean is written once, above the engines.
#![warn(clippy::print_stdout, clippy::print_stderr)]

#[cfg(test)]
extern crate self as recommender_store;

#[cfg(test)]
#[macro_use]
#[path = "../tests/forwarding/mod.rs"]
mod forwarding;

pub mod audit;
mod batch;
pub mod catalog;
mod clock;
mod day;
mod digits;
mod disk;
pub mod embedded;
pub mod engine;
pub mod erasure;
mod error;
pub mod exchange;
pub mod filter;
pub mod identity;
pub mod join;
mod memory;
mod portable;
pub mod postgres;
pub mod privacy;
pub mod record;
mod stamp;
pub mod stances;
pub mod store;
mod ticket;

pub use clock::{Clock, SystemClock};
pub use embedded::{EmbeddedConfig, EmbeddedEngine};
pub use engine::Engine;
pub use error::{Result, StoreError};
pub use memory::MemoryEngine;
pub use stamp::Stamp;
pub use store::{Store, StoreConfig};
pub use ticket::{Pending, Ticket};
