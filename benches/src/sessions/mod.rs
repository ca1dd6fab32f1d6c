//! Session models beside the crate `serenade`, and on public click sessions.
//!
//! [`Visits`] are sessions to learn from and prefixes to answer, [`accuracy`] says how well; [`Side`] is one of two
//! processes that index the same file and answer the same visits, ours and the peer's, and [`compare`] says where their
//! lists part; a [`Contest`] holds both.

pub mod accuracy;
mod agreement;
mod contest;
mod ours;
mod side;
mod synthetic;
mod visits;

pub use agreement::{Agreement, compare};
pub use contest::{Contest, Grounds, Outcome, Performance};
pub use ours::{IndexedFile, Request, resident_bytes, serve};
pub use side::{Answered, Built, List, Side, Work, processor_seconds};
pub use synthetic::{SyntheticSize, write_sessions, write_visits};
pub use visits::{Case, Visits};
