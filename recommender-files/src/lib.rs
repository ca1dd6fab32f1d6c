//! Files and directories for [`recommender_core`]: paths live here, the work is done there.
#![deny(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod artifact;
mod random;
mod read;
mod rules;

pub use artifact::{load_engine, save_engine};
pub use read::{
    EventOptions, ProductOptions, read_event_map, read_events, read_product_map, read_products,
};
pub use rules::{RuleFile, RuleFormat};
