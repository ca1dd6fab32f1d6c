//! Windows that slide over the data: several splits by time in place of one.

use std::fmt;
use std::str::FromStr;

use super::global_time::{refuse_untimed, written};
use super::{Parts, Split, all_rows};
use crate::error::{Error, Result};
use crate::events::EventTable;
use crate::time::Timestamp;

/// Splits of windows of one length, spread evenly from the beginning of the data to its end: each learns from
/// `train_days` and asks about the `test_days` behind them. Reads and prints as `windows:5:30:2`, five windows of 30 days
/// and 2.
///
/// One split by time says how a model does at one moment; the mean over windows is the protocol of Ludewig, Mauro, Latifi
/// and Jannach 2021, "Empirical analysis of session-based recommendation algorithms", section 4.1.
///
/// ```
/// use recommender_core::evaluation::SlidingWindows;
/// let windows: SlidingWindows = "windows:5:30:2".parse()?;
/// assert_eq!((windows.windows, windows.train_days), (5, 30.0));
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlidingWindows {
    /// How many windows, at least 1.
    pub windows: usize,
    /// Days to learn from, above 0.
    pub train_days: f64,
    /// Days to ask about, above 0.
    pub test_days: f64,
}

/// What [`SlidingWindows`] reads, for error messages.
const WORDS: &str = "windows:COUNT:TRAIN_DAYS:TEST_DAYS, such as windows:5:30:2";

impl SlidingWindows {
    /// The split of each window, the oldest first. With one window it is the last of the data.
    ///
    /// # Errors
    /// [`Error::Data`] if the table has no times, spans less than a window, or a window has no event on one side;
    /// [`Error::Config`] if a number is out of range.
    pub fn splits(&self, table: &EventTable) -> Result<Vec<Split>> {
        self.validate()?;
        refuse_untimed(table)?;
        let rows = all_rows(table);
        let times = || rows.iter().map(|&row| table.time(row as usize));
        let (Some(first), Some(last)) = (times().min(), times().max()) else {
            return Err(Error::data("split by windows", "there is no event"));
        };
        let window = self.train_days + self.test_days;
        let room = last.days_since(first) - window;
        if room < 0.0 {
            let reason = format!(
                "a window of {window} days does not fit between {} and {}",
                written(first),
                written(last)
            );
            return Err(Error::data("split by windows", reason));
        }
        (0..self.windows)
            .map(|number| {
                let place = match self.windows {
                    1 => 1.0,
                    windows => number as f64 / (windows - 1) as f64,
                };
                let begin = first.minus_days(-place * room);
                self.split(table, &rows, (number, begin))
            })
            .collect()
    }

    /// The split of the window that begins at `begin`.
    fn split(
        &self,
        table: &EventTable,
        rows: &[u32],
        (number, begin): (usize, Timestamp),
    ) -> Result<Split> {
        let moment = begin.minus_days(-self.train_days);
        let end = moment.minus_days(-self.test_days);
        let between = |from: Timestamp, to: Timestamp| {
            let inside = |row: &&u32| {
                let time = table.time(**row as usize);
                from <= time && time < to
            };
            rows.iter().filter(inside).copied().collect()
        };
        // The last event of the data ends the last window and belongs to it.
        let parts = Parts {
            train: between(begin, moment),
            test: between(moment, Timestamp(end.0.saturating_add(1))),
            time: Some(moment),
            ..Parts::default()
        };
        Split::checked(&format!("{self}#{}", number + 1), table.len(), parts)
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming what is out of range.
    pub fn validate(&self) -> Result<()> {
        let days = |days: f64| days.is_finite() && days > 0.0;
        if self.windows > 0 && days(self.train_days) && days(self.test_days) {
            return Ok(());
        }
        Err(Error::config("split", WORDS, self))
    }
}

impl FromStr for SlidingWindows {
    type Err = Error;

    fn from_str(words: &str) -> Result<Self> {
        let unknown = || Error::config("split", WORDS, format!("\"{words}\""));
        let numbers = words.trim().strip_prefix("windows:").ok_or_else(unknown)?;
        let numbers: Vec<&str> = numbers.split(':').collect();
        let [windows, train_days, test_days] = numbers[..] else {
            return Err(unknown());
        };
        let windows = Self {
            windows: windows.parse().map_err(|_| unknown())?,
            train_days: train_days.parse().map_err(|_| unknown())?,
            test_days: test_days.parse().map_err(|_| unknown())?,
        };
        windows.validate().map_err(|_| unknown())?;
        Ok(windows)
    }
}

impl fmt::Display for SlidingWindows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (train, test) = (self.train_days, self.test_days);
        write!(f, "windows:{}:{train}:{test}", self.windows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::split::tests::table;

    const DAY: i64 = 86_400;

    #[test]
    fn windows_reach_from_the_first_event_to_the_last() {
        let rows: Vec<(&str, &str, i64)> = (0..=10).map(|day| ("ann", "a", day * DAY)).collect();
        let table = table(&rows);
        let windows: SlidingWindows = "windows:3:4:2".parse().unwrap();
        let splits = windows.splits(&table).unwrap();
        let of = |split: &Split| (split.train().to_vec(), split.test().to_vec());
        assert_eq!(of(&splits[0]), (vec![0, 1, 2, 3], vec![4, 5, 6]));
        assert_eq!(of(&splits[1]), (vec![2, 3, 4, 5], vec![6, 7, 8]));
        assert_eq!(of(&splits[2]), (vec![4, 5, 6, 7], vec![8, 9, 10]));
        assert_eq!(splits[1].time(), Some(Timestamp::from_seconds(6 * DAY)));
        assert_eq!(splits[2].kind(), "windows:3:4:2#3");
        let last: SlidingWindows = "windows:1:4:2".parse().unwrap();
        assert_eq!(of(&last.splits(&table).unwrap()[0]), of(&splits[2]));
    }

    #[test]
    fn windows_that_do_not_fit_and_wrong_words_are_refused() {
        let table = table(&[("ann", "a", 0), ("ann", "b", 2 * DAY)]);
        let long: SlidingWindows = "windows:2:3:1".parse().unwrap();
        let error = long.splits(&table).unwrap_err().to_string();
        assert!(error.contains("does not fit"), "{error}");
        for words in [
            "windows:0:1:1",
            "windows:1:0:1",
            "windows:1:1",
            "windows:x:1:1",
            "time:1",
        ] {
            let error = words.parse::<SlidingWindows>().unwrap_err().to_string();
            assert!(
                error.contains("TEST_DAYS") && error.contains(words),
                "{error}"
            );
        }
    }
}
