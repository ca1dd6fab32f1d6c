//! Cross-validation over users: several splits in place of one.

use std::fmt;
use std::str::FromStr;

use super::users::{USER_DRAW, hold_out};
use super::{Parts, Split, all_rows, rows_of_users, shuffle_first};
use crate::error::{Error, Result};
use crate::events::EventTable;

/// Splits that hold out each user with two events or more exactly once: the users are dealt at random into so many
/// folds, and each split learns from the users of the others. Reads and prints as `folds:5`.
///
/// A held-out user is asked with four fifths of her events, the earliest, or random ones in a table without times: strong
/// generalisation, as [`Splitter::Users`](super::Splitter::Users), over all of the users.
///
/// ```
/// use recommender_core::evaluation::UserFolds;
/// let folds: UserFolds = "folds:5".parse()?;
/// assert_eq!(folds.folds, 5);
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserFolds {
    /// How many folds, 2 to 20.
    pub folds: usize,
}

/// What [`UserFolds`] reads, for error messages.
const WORDS: &str = "folds:COUNT, a COUNT from 2 to 20";

/// Share of a held-out user's events that is her history.
const FOLD_IN: f64 = 0.8;

impl UserFolds {
    /// The split of each fold.
    ///
    /// # Errors
    /// [`Error::Data`] if there are fewer users with two events than folds; [`Error::Config`] if their number is out of
    /// range.
    pub fn splits(&self, table: &EventTable, seed: u64) -> Result<Vec<Split>> {
        self.validate()?;
        let (mut users, rest): (Vec<_>, Vec<_>) = rows_of_users(table, &all_rows(table))
            .into_iter()
            .partition(|(_, rows)| rows.len() > 1);
        let rest: Vec<u32> = rest.into_iter().flat_map(|(_, rows)| rows).collect();
        let count = users.len();
        shuffle_first(&mut users, count, seed, USER_DRAW);
        let split = |fold: usize| {
            let mut parts = Parts {
                train: rest.clone(),
                ..Parts::default()
            };
            for (position, (user, rows)) in users.iter().enumerate() {
                if position % self.folds == fold {
                    let order = (!table.has_times()).then_some((seed, *user));
                    hold_out(&mut parts, rows.clone(), FOLD_IN, order);
                } else {
                    parts.train.extend_from_slice(rows);
                }
            }
            Split::checked(&format!("{self}#{}", fold + 1), table.len(), parts)
        };
        (0..self.folds).map(split).collect()
    }

    /// Checks the range.
    ///
    /// # Errors
    /// [`Error::Config`] naming what is out of range.
    pub fn validate(&self) -> Result<()> {
        match (2..=20).contains(&self.folds) {
            true => Ok(()),
            false => Err(Error::config("split", WORDS, self)),
        }
    }
}

impl FromStr for UserFolds {
    type Err = Error;

    fn from_str(words: &str) -> Result<Self> {
        let count = words.trim().strip_prefix("folds:");
        let folds = count.and_then(|count| count.parse().ok());
        let unknown = || Error::config("split", WORDS, format!("\"{words}\""));
        let folds = folds.map(|folds| Self { folds }).ok_or_else(unknown)?;
        folds.validate().map_err(|_| unknown())?;
        Ok(folds)
    }
}

impl fmt::Display for UserFolds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "folds:{}", self.folds)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::evaluation::split::tests::table;

    #[test]
    fn every_user_with_two_events_is_held_out_once() {
        let visitors = ["ann", "bob", "cat", "dan", "eve"];
        let mut rows = Vec::new();
        for visitor in visitors {
            rows.extend((0..5).map(|second| (visitor, "item", second)));
        }
        rows.push(("zoe", "item", 9));
        let table = table(&rows);
        let splits = UserFolds { folds: 2 }.splits(&table, 7).unwrap();
        let mut held_out: BTreeMap<u32, usize> = BTreeMap::new();
        for split in &splits {
            let parts = [split.train(), split.fold_in(), split.test()];
            assert_eq!(parts.concat().len(), table.len());
            assert!(
                split.train().contains(&25),
                "who has one event is learned from"
            );
            for &row in split.test() {
                let user = table.user(row as usize);
                *held_out.entry(user.0).or_default() += 1;
                assert!(
                    split
                        .train()
                        .iter()
                        .all(|&row| table.user(row as usize) != user)
                );
            }
        }
        assert_eq!(held_out.into_values().collect::<Vec<_>>(), [1; 5]);
        assert_eq!(splits[0].kind(), "folds:2#1");
        assert_ne!(splits, UserFolds { folds: 2 }.splits(&table, 8).unwrap());
    }

    #[test]
    fn too_few_users_and_wrong_words_are_refused() {
        let few = table(&[("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1)]);
        assert!(UserFolds { folds: 2 }.splits(&few, 0).is_err());
        for words in ["folds", "folds:1", "folds:21", "folds:x", "fold:5"] {
            let error = words.parse::<UserFolds>().unwrap_err().to_string();
            assert!(
                error.contains("folds:COUNT") && error.contains(words),
                "{error}"
            );
        }
    }
}
