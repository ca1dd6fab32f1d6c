//! One file for each command.

pub(crate) mod demo;
pub(crate) mod erase;
pub(crate) mod evaluate;
pub(crate) mod import;
pub(crate) mod persons;
pub(crate) mod recommend;
pub(crate) mod rules;
pub(crate) mod serve;
pub(crate) mod store;
pub(crate) mod train;
pub(crate) mod tune;
