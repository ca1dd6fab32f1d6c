//! The service under load from another process: what an answer costs, how long it takes, and what happens when there
//! is too much of it.

pub mod learning;
pub mod load;
pub mod process;
pub mod scenario;
pub mod server;
pub mod shop;
pub mod shoppers;
pub mod writers;
