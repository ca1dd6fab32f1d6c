//! Durable facts: events, identity links, catalogue, stock and consent.
//!
//! An [`Engine`] keeps records: events, and facts under keys. There are two: [`embedded`] keeps them in a directory,
//! and [`postgres`] lets several servers share them. What the records mean is written once, above the engines.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod batch;
pub mod catalog;
pub mod embedded;
pub mod engine;
mod error;
pub mod exchange;
pub mod identity;
pub mod join;
mod memory;
pub mod postgres;
pub mod record;
mod stamp;
mod ticket;

pub use embedded::{EmbeddedConfig, EmbeddedEngine};
pub use engine::Engine;
pub use error::{Result, StoreError};
pub use memory::MemoryEngine;
pub use stamp::Stamp;
pub use ticket::{Pending, Ticket};
