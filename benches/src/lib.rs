//! What the benchmarks share: data to run on, and the accuracy that makes two speeds comparable.

pub mod accuracy;
pub mod memory;
pub mod peers;
pub mod split;
pub mod synthetic;
pub mod words;
