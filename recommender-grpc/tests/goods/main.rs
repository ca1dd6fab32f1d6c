//! Products, stock, places and the port of those who operate the server: a real client against a real server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod files;
mod inventory;
mod places;
mod products;
mod shop;
mod sizes;
mod stream;
