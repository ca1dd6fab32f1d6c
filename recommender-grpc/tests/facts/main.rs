//! What shoppers did and who they are, taken down, listed and forgotten by a real server with a store in a folder.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod erasing;
mod importing;
mod longrunning;
mod persons;
mod purging;
mod shop;
mod streaming;
mod writing;
