//! A server with its guard up: who may call, how much is taken at once, what operators see.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod connections;
mod credentials;
mod figures;
mod overload;
mod shop;
mod tls;
mod web;
