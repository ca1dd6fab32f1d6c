//! Serving configs, controls and models: kept, trained, judged and swapped by a real server, asked by a real client.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod configs;
mod controls;
mod evaluations;
mod faults;
mod policies;
mod shop;
mod swap;
mod training;
mod transfer;
mod tuning;
