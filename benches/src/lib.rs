//! What the benchmarks share: data to run on, and the accuracy that makes two speeds comparable.

pub mod accuracy;
pub mod growth;
pub mod memory;
pub mod output;
pub mod peers;
pub mod plot;
pub mod reproduce;
pub mod service;
pub mod sessions;
pub mod split;
pub mod store;
pub mod synthetic;
pub mod words;
