//! Visits: the events of a dataset cut into sessions, and an index of them that finds the latest sessions sharing an item.
//!
//! [`Sessions`] holds sessions as they were, [`SessionIndex`] what session models ask: the latest sessions that hold any
//! of a few items. Both number sessions by recency.

mod cut;
mod draft;
mod index;
mod matches;
mod part;

pub use cut::{SessionConfig, Sessions};
pub use index::{IndexConfig, SessionIndex};
pub(crate) use matches::{MOST_WANTED, Match, Wanted};

#[cfg(test)]
mod tests;
