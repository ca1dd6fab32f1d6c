//! What the store promises in figures: rates of writing, times of reading, opening after a kill, room on the disk.

pub mod eligibility;
pub mod filter;
pub mod ingest;
pub mod reading;
pub mod shared;
pub mod workload;
