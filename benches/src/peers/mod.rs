//! Our models beside those of other packages: one data set, the same threads, taking turns, accuracy of both.
//!
//! A [`Contest`] names our model, its peer and the ratios aimed at; [`Duel`] holds it. A peer runs in a process of its
//! own, started from a script under `benches/peers/`, and obeys the lines of its `protocol.py`. A [`MiningContest`] does
//! the same for association rules.

mod contest;
mod cut;
mod duel;
mod ladder;
mod mining;
mod process;
mod side;

pub use contest::{Contest, Kind, contests};
pub use cut::{Cut, write_cut};
pub use duel::{Duel, Outcome, Ratio};
pub use ladder::{Rung, seconds_to_reach};
pub use mining::{MiningContest, MiningOutcome, basket_lines, online_retail};
pub use process::{Peer, Reply, Seat};
pub use side::{Side, median};
