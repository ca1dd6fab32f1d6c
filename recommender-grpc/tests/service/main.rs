//! A real client against a real server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[macro_use]
#[path = "../../../recommender-store/tests/forwarding/mod.rs"]
mod forwarding;

mod batch;
mod bounds;
mod controls;
mod erased;
mod explain;
mod exploring;
mod given;
mod lifecycle;
mod loading;
mod manner;
mod offered;
mod persons;
mod rank;
mod recommend;
mod refusals;
mod sharing;
mod shop;
mod stalls;
mod stocked;
mod unwanted;
