//! What a command says when it can't do its work, and the exit status it leaves.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use recommender_core::Error;
use recommender_store::StoreError;

/// Exit status when the work failed.
const FAILED: u8 = 1;
/// Exit status when the call or the input is wrong.
const WRONG_INPUT: u8 = 2;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    /// The call is wrong.
    pub(crate) fn call(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            status: WRONG_INPUT,
        }
    }

    /// A file of the call is wrong or can't be read.
    pub(crate) fn file(path: &Path, error: &dyn fmt::Display) -> Self {
        Self::call(format!("{}: {error}", path.display()))
    }

    /// The work failed.
    pub(crate) fn work(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            status: FAILED,
        }
    }

    /// The same, saying of what.
    pub(crate) fn within(self, what: &str) -> Self {
        let message = format!("{what}: {}", self.message);
        Self { message, ..self }
    }

    /// Tells the user, and the shell.
    pub(crate) fn report(&self) -> ExitCode {
        // Nobody is left to tell if standard error is closed.
        let _ = writeln!(io::stderr(), "error: {}", self.message);
        ExitCode::from(self.status)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let wrong_input = matches!(error, Error::Input(_) | Error::Config(_));
        let status = if wrong_input { WRONG_INPUT } else { FAILED };
        Self {
            message: error.to_string(),
            status,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Core(error) => error.into(),
            StoreError::Invalid { .. } => Self::call(error.to_string()),
            StoreError::Busy { .. }
            | StoreError::Full { .. }
            | StoreError::Damaged { .. }
            | StoreError::Newer { .. }
            | StoreError::InUse { .. }
            | StoreError::Unavailable { .. }
            | StoreError::Io { .. }
            | StoreError::Closed => Self::work(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::work(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_input_and_failed_work_leave_different_statuses() {
        let input: Failure = Error::config("limit", "a number", "none").into();
        let work: Failure = Error::data("ease", "too large").into();
        assert_eq!((input.status, work.status), (WRONG_INPUT, FAILED));
    }
}
