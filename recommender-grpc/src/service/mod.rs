//! The services of the contract, one room each: check, convert, have it worked out, convert back.

pub(crate) mod admin;
pub(crate) mod controls;
pub(crate) mod deadline;
pub(crate) mod evaluations;
pub(crate) mod event_ids;
pub(crate) mod files;
pub(crate) mod models;
pub(crate) mod operations;
pub(crate) mod places;
pub(crate) mod products;
pub(crate) mod recommendation;
pub(crate) mod replays;
pub(crate) mod room;
pub(crate) mod serving_configs;
pub(crate) mod turns;
pub(crate) mod unique_keys;
pub(crate) mod user_events;
pub(crate) mod users;
