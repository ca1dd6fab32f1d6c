//! The splitters by name.

use std::fmt;
use std::str::FromStr;

use super::{Split, all_rows, global_time, leave_last, random, users};
use crate::error::{Error, Result};
use crate::events::EventTable;
use crate::time::Timestamp;

/// How to split a table. Reads and prints as on the command line.
///
/// | words | meaning |
/// |---|---|
/// | `time:0.8` | all users at one moment: the first 80 % of events are learned from |
/// | `time:2011-09-01`, `time:2011-09-01T12:00:00Z`, `time:1314835200` | at this moment (a date means its start in UTC, a whole number seconds since 1970) |
/// | `leave-last:1` | each user's last events are asked about |
/// | `leave-last-basket:1` | each user's last baskets are asked about: of one session key, or less than an hour apart |
/// | `users:0.1` | strong generalisation: a tenth of the users is held out entirely |
/// | `random:0.2` | a random fifth of each user's events is asked about |
///
/// Only a split by global time keeps the future out of training; the others are for comparison with published figures
/// (Ji et al., "A critical study on data leakage in recommender system offline evaluation", 2010.11060).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Splitter {
    /// One moment for all: the first `train` of the events are learned from. Events at the moment itself are
    /// asked about, so equal times never stand on both sides.
    TimeShare {
        /// Share of events to learn from, above 0 and below 1.
        train: f64,
    },
    /// One moment for all, given.
    Time {
        /// Events before it are learned from.
        at: Timestamp,
    },
    /// Each user's last events, by time and then row, are asked about. A user with no more events than that
    /// stays in the training part whole. Without times the order of rows counts.
    LeaveLast {
        /// How many, at least 1.
        events: usize,
    },
    /// Each user's last baskets, by session key or, where rows have none, cut by an hour without an event, are asked
    /// about. A user with no more baskets than that stays in the training part whole.
    LeaveLastBasket {
        /// How many, at least 1.
        baskets: usize,
    },
    /// Strong generalisation (Liang et al. 2018, "Variational autoencoders for collaborative filtering", section 4.1):
    /// random users are held out entirely; a part of their events is the history they are asked with.
    Users {
        /// Share of the users with two events or more to hold out, above 0 and below 1.
        held_out: f64,
        /// Share of a held-out user's events that is her history, above 0 and below 1.
        fold_in: f64,
        /// Which of her events come first.
        order: FoldInOrder,
    },
    /// A random share of the events of each user with two or more is asked about.
    Random {
        /// Share to ask about, above 0 and below 1; at least one event of a user and never all.
        test: f64,
    },
}

/// Which events of a held-out user make her history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FoldInOrder {
    /// The earliest; random ones in a table without times.
    #[default]
    Time,
    /// Random ones, as in the published protocol.
    Random,
}

/// What [`Splitter`] reads, for error messages.
const WORDS: &str = "time:SHARE or time:MOMENT (such as time:0.8, time:2011-09-01), leave-last:N, leave-last-basket:N, users:SHARE or random:SHARE, shares above 0 and below 1";

/// Share of a held-out user's events that is her history, unless said otherwise.
const FOLD_IN: f64 = 0.8;

impl Splitter {
    /// Splits the whole of `table`. The same table, splitter and seed give the same split.
    ///
    /// # Errors
    /// [`Error::Data`] if a part would be empty, or for a split by time of a table without times;
    /// [`Error::Config`] if a share or number is out of range.
    pub fn split(&self, table: &EventTable, seed: u64) -> Result<Split> {
        self.split_rows(table, &all_rows(table), seed)
    }

    /// Splits some rows of `table`.
    ///
    /// # Errors
    /// As [`Splitter::split`].
    pub fn split_rows(&self, table: &EventTable, rows: &[u32], seed: u64) -> Result<Split> {
        self.validate()?;
        let parts = match *self {
            Self::TimeShare { train } => global_time::by_share(table, rows, train)?,
            Self::Time { at } => global_time::at(table, rows, at)?,
            Self::LeaveLast { events } => leave_last::parts(table, rows, events),
            Self::LeaveLastBasket { baskets } => leave_last::basket_parts(table, rows, baskets),
            Self::Users {
                held_out,
                fold_in,
                order,
            } => {
                let users = users::HeldOutUsers {
                    held_out,
                    fold_in,
                    order,
                };
                users.parts(table, rows, seed)
            }
            Self::Random { test } => random::parts(table, rows, test, seed),
        };
        Split::checked(&self.to_string(), table.len(), parts)
    }

    /// Checks shares and numbers.
    ///
    /// # Errors
    /// [`Error::Config`] naming what is out of range.
    pub fn validate(&self) -> Result<()> {
        let shares = match *self {
            Self::TimeShare { train } => [train, train],
            Self::Users {
                held_out, fold_in, ..
            } => [held_out, fold_in],
            Self::Random { test } => [test, test],
            Self::LeaveLast { events: 0 } | Self::LeaveLastBasket { baskets: 0 } => {
                return Err(Error::config("split", "leave-last of at least 1", 0));
            }
            Self::Time { .. } | Self::LeaveLast { .. } | Self::LeaveLastBasket { .. } => {
                return Ok(());
            }
        };
        match shares.iter().find(|share| !is_share(**share)) {
            Some(share) => Err(Error::config("split", "a share above 0 and below 1", share)),
            None => Ok(()),
        }
    }
}

fn is_share(share: f64) -> bool {
    share > 0.0 && share < 1.0
}

impl FromStr for Splitter {
    type Err = Error;

    fn from_str(words: &str) -> Result<Self> {
        let unknown = || Error::config("split", WORDS, format!("\"{words}\""));
        let (name, value) = words.trim().split_once(':').ok_or_else(unknown)?;
        let share = value.parse::<f64>().ok();
        let splitter = match (name, share) {
            ("time", Some(train)) if is_share(train) => Some(Self::TimeShare { train }),
            ("time", _) => global_time::moment(value).map(|at| Self::Time { at }),
            ("leave-last", _) => value.parse().ok().map(|events| Self::LeaveLast { events }),
            ("leave-last-basket", _) => {
                let baskets = value.parse().ok();
                baskets.map(|baskets| Self::LeaveLastBasket { baskets })
            }
            ("users", Some(held_out)) => Some(Self::Users {
                held_out,
                fold_in: FOLD_IN,
                order: FoldInOrder::default(),
            }),
            ("random", Some(test)) => Some(Self::Random { test }),
            _ => None,
        };
        let splitter = splitter.ok_or_else(unknown)?;
        splitter.validate().map_err(|_| unknown())?;
        Ok(splitter)
    }
}

impl fmt::Display for Splitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeShare { train } => write!(f, "time:{train}"),
            Self::Time { at } => write!(f, "time:{}", global_time::written(*at)),
            Self::LeaveLast { events } => write!(f, "leave-last:{events}"),
            Self::LeaveLastBasket { baskets } => write!(f, "leave-last-basket:{baskets}"),
            Self::Users { held_out, .. } => write!(f, "users:{held_out}"),
            Self::Random { test } => write!(f, "random:{test}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for words in [
            "time:0.8",
            "leave-last:2",
            "leave-last-basket:2",
            "users:0.1",
            "random:0.2",
            "time:2011-09-01T00:00:00Z",
        ] {
            let splitter: Splitter = words.parse().unwrap();
            assert_eq!(splitter.to_string(), words);
        }
        let date: Splitter = "time:2011-09-01".parse().unwrap();
        assert_eq!(date, "time:1314835200".parse().unwrap());
    }

    #[test]
    fn wrong_words_say_what_exists() {
        for words in [
            "time",
            "time:yesterday",
            "time:1.5",
            "leave-last:0",
            "leave-last-basket:0",
            "leave-last:-1",
            "users:1",
            "random:NaN",
            "weekly:2",
        ] {
            let error = words.parse::<Splitter>().unwrap_err().to_string();
            assert!(
                error.contains("leave-last:N") && error.contains(words),
                "{error}"
            );
        }
    }
}
