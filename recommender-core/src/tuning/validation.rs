//! The part that settings are chosen by.

use crate::error::{Error, Result};
use crate::evaluation::{Split, Splitter};
use crate::events::EventTable;

/// Share of the events that settings are chosen by.
const SHARE: f64 = 0.1;

/// The part that settings are chosen by, held out of the training rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Validation {
    /// Learned from and asked about, both within the training rows.
    pub split: Split,
    /// Whether the split is random because the events carry no times, so that the future is not kept out.
    pub without_times: bool,
}

impl Validation {
    /// Holds a part out of `rows` of `table`, which are all that may be learned from: no other row is looked at.
    /// By `splitter`; if there is none, the last tenth of the events by time, or a random tenth of each user's events
    /// where events carry no times.
    ///
    /// # Errors
    /// [`Error::Data`] if a part would be empty, [`Error::Config`] if the splitter is wrong.
    pub fn hold_out(
        table: &EventTable,
        rows: &[u32],
        splitter: Option<Splitter>,
        seed: u64,
    ) -> Result<Self> {
        if let Some(splitter) = splitter {
            let split = splitter.split_rows(table, rows, seed)?;
            return Ok(Self {
                split,
                without_times: false,
            });
        }
        let by_time = Splitter::TimeShare { train: 1.0 - SHARE };
        match by_time.split_rows(table, rows, seed) {
            Ok(split) => Ok(Self {
                split,
                without_times: false,
            }),
            Err(Error::Data { .. }) => Ok(Self {
                split: Splitter::Random { test: SHARE }.split_rows(table, rows, seed)?,
                without_times: true,
            }),
            Err(error) => Err(error),
        }
    }
}
