//! A real client against a real server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batch;
mod bounds;
mod lifecycle;
mod loading;
mod recommend;
mod refusals;
mod shop;
