//! What became of the rows of a file.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{InputError, Result};

/// What to do about a row that can't be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BadRows {
    /// The first one is an error that names file, row, field, what was expected and what was found.
    #[default]
    Refuse,
    /// They are left out, counted by reason, and the first few are kept as examples in the [`ReadReport`].
    Count,
}

/// What became of the rows of one or several files. Every row is counted in exactly one place:
/// `rows = kept + duplicates + refused_consent + without_item` + all of `dropped` + all of `bad`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ReadReport {
    /// Rows read. In an adjacency list, items.
    pub rows: u64,
    /// Rows that were taken.
    pub kept: u64,
    /// Events whose id had been seen before.
    pub duplicates: u64,
    /// Events whose person refused their use.
    pub refused_consent: u64,
    /// Events that name no item, such as searches.
    pub without_item: u64,
    /// Kept events without a time, because the file has none.
    pub without_time: u64,
    /// Rows left out by a rule, under the reason the rule gives.
    pub dropped: BTreeMap<String, u64>,
    /// Rows that could not be understood, by what was wrong.
    pub bad: BTreeMap<String, BadRowCount>,
}

/// How many rows were bad for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct BadRowCount {
    /// How many.
    pub rows: u64,
    /// The first few, with file, row, field, what was expected and what was found.
    pub examples: Vec<String>,
}

/// Examples kept per reason.
const EXAMPLES: usize = 3;

impl ReadReport {
    /// Rows left out by rules.
    #[must_use]
    pub fn dropped_rows(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Rows that could not be understood.
    #[must_use]
    pub fn bad_rows(&self) -> u64 {
        self.bad.values().map(|count| count.rows).sum()
    }

    /// Adds what became of another file's rows.
    pub fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.kept += other.kept;
        self.duplicates += other.duplicates;
        self.refused_consent += other.refused_consent;
        self.without_item += other.without_item;
        self.without_time += other.without_time;
        for (reason, rows) in other.dropped {
            *self.dropped.entry(reason).or_default() += rows;
        }
        for (reason, count) in other.bad {
            let total = self.bad.entry(reason).or_default();
            total.rows += count.rows;
            total.examples.extend(count.examples);
            total.examples.truncate(EXAMPLES);
        }
    }
}

/// Prints as `541909 rows: 524000 kept; dropped 2995 (postage) …; bad 2: …`.
impl fmt::Display for ReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows: {} kept", self.rows, self.kept)?;
        for (rows, what) in [
            (self.duplicates, "seen before"),
            (self.refused_consent, "without consent"),
            (self.without_item, "without an item"),
        ] {
            if rows > 0 {
                write!(f, ", {rows} {what}")?;
            }
        }
        for (reason, rows) in &self.dropped {
            write!(f, ", {rows} dropped ({reason})")?;
        }
        for (reason, count) in &self.bad {
            write!(f, ", {} bad ({reason})", count.rows)?;
        }
        Ok(())
    }
}

/// Counts rows while they are read, and refuses or counts the bad ones.
#[derive(Debug)]
pub(crate) struct Tally {
    bad_rows: BadRows,
    dropped: Vec<(String, u64)>,
    /// Everything but `dropped`, which [`Tally::finish`] adds.
    pub(crate) report: ReadReport,
}

impl Tally {
    /// Counts for rules with these reasons.
    pub(crate) fn new(bad_rows: BadRows, reasons: impl Iterator<Item = String>) -> Self {
        Self {
            bad_rows,
            dropped: reasons.map(|reason| (reason, 0)).collect(),
            report: ReadReport::default(),
        }
    }

    /// A row that rule number `rule` leaves out.
    pub(crate) fn drop_row(&mut self, rule: usize) {
        self.dropped[rule].1 += 1;
    }

    /// A row that can't be understood.
    ///
    /// # Errors
    /// The row's error, if bad rows are refused.
    pub(crate) fn bad_row(&mut self, error: InputError) -> Result<()> {
        if self.bad_rows == BadRows::Refuse {
            return Err(error.into());
        }
        let reason = match &error.field {
            Some(field) => format!("{field}: expected {}", error.expected),
            None => format!("expected {}", error.expected),
        };
        let count = self.report.bad.entry(reason).or_default();
        count.rows += 1;
        if count.examples.len() < EXAMPLES {
            count.examples.push(error.to_string());
        }
        Ok(())
    }

    /// The finished report. A rule that dropped nothing stands in it with 0.
    pub(crate) fn finish(self) -> ReadReport {
        let mut report = self.report;
        for (reason, rows) in self.dropped {
            *report.dropped.entry(reason).or_default() += rows;
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(row: u64) -> InputError {
        InputError::new("f", "a number", "\"x\"")
            .at_row(row)
            .in_field("price")
    }

    #[test]
    fn bad_rows_are_refused_or_counted_with_examples() {
        let mut strict = Tally::new(BadRows::Refuse, std::iter::empty());
        assert!(strict.bad_row(bad(2)).is_err());
        let mut lenient = Tally::new(BadRows::Count, ["fees".to_owned()].into_iter());
        for row in 1..=5 {
            lenient.bad_row(bad(row)).unwrap();
        }
        lenient.drop_row(0);
        let mut report = lenient.finish();
        report.merge(report.clone());
        assert_eq!((report.bad_rows(), report.dropped_rows()), (10, 2));
        let count = &report.bad["price: expected a number"];
        assert_eq!(count.examples.len(), EXAMPLES);
        assert!(
            report
                .to_string()
                .ends_with("2 dropped (fees), 10 bad (price: expected a number)")
        );
    }
}
