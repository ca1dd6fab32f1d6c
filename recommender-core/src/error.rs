//! What can go wrong, grouped by who has to act on it.

use std::fmt;

/// Result of every fallible operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error, grouped by who has to act: the owner of the input, of the configuration, of the data,
/// the caller who cancelled, or the authors of this crate. The groups are complete: whoever maps them to exit
/// statuses or codes of a protocol names each, and the compiler says when one is added.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file, stream or request is wrong: its owner must mend it.
    #[error(transparent)]
    Input(Box<InputError>),
    /// A setting is wrong: whoever wrote the configuration must mend it.
    #[error(transparent)]
    Config(Box<ConfigError>),
    /// The input is well formed, but the work can't be done with it (nothing to learn from, too large).
    #[error("{what}: {reason}")]
    Data {
        /// The work that was attempted, for example `"ease"`.
        what: String,
        /// Why it can't be done, and what would help.
        reason: String,
    },
    /// The caller asked for the work to stop.
    #[error("cancelled")]
    Cancelled,
    /// A promise of this crate was broken: a bug to report.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// An [`Error::Data`] naming the work and the reason.
    pub fn data(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Data {
            what: what.into(),
            reason: reason.into(),
        }
    }

    /// An [`Error::Config`] for `field`, with what was expected and what was found there.
    pub fn config(
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl fmt::Display,
    ) -> Self {
        ConfigError {
            field: field.into(),
            expected: expected.into(),
            found: found.to_string(),
        }
        .into()
    }
}

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        Self::Input(Box::new(error))
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}

/// Where an input is wrong, what was expected there and what was found.
///
/// Prints as `events.csv, row 17, field "price": expected a finite number, found "NaN"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// The file or stream, as the caller named it.
    pub origin: String,
    /// 1-based row, counting the header line of a file that has one.
    pub row: Option<u64>,
    /// The column or field.
    pub field: Option<String>,
    /// What would have been right.
    pub expected: String,
    /// What was there.
    pub found: String,
}

impl InputError {
    /// An error about the whole of `origin`; add a place with [`InputError::at_row`] and [`InputError::in_field`].
    pub fn new(
        origin: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            origin: origin.into(),
            row: None,
            field: None,
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// Names the row (1-based).
    #[must_use]
    pub fn at_row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }

    /// Names the field.
    #[must_use]
    pub fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", field \"{field}\"")?;
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)
    }
}

impl std::error::Error for InputError {}

/// Which setting is wrong, what was expected there and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting, with its path, for example `ease.regularization`.
    pub field: String,
    /// What would have been right, with the range.
    pub expected: String,
    /// What was there.
    pub found: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "setting \"{}\": expected {}, found {}",
            self.field, self.expected, self.found
        )
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_error_names_file_row_and_field() {
        let error: Error = InputError::new("events.csv", "a finite number", "\"NaN\"")
            .at_row(17)
            .in_field("price")
            .into();
        assert_eq!(
            error.to_string(),
            "events.csv, row 17, field \"price\": expected a finite number, found \"NaN\""
        );
    }
}
