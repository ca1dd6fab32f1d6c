//! What is wrong with the text of a filter, and where.

use crate::error::StoreError;

/// Most characters of a text that a message repeats.
const SHOWN: usize = 40;

/// What is wrong with the text of a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, column {column}: expected {expected}, found {found}")]
pub struct FilterError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What would have been right.
    pub expected: String,
    /// What was there.
    pub found: String,
}

impl FilterError {
    /// An error at a byte of `text`.
    pub(super) fn at(
        text: &str,
        byte: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            column: text[..byte].chars().count() + 1,
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// An error about a part of `text`, which the message repeats.
    pub(super) fn of(
        text: &str,
        part: std::ops::Range<usize>,
        expected: impl Into<String>,
    ) -> Self {
        let found = &text[part.clone()];
        let mut shown: String = found.chars().take(SHOWN).collect();
        if shown.len() < found.len() {
            shown.push_str("...");
        }
        let found = if shown.is_empty() {
            "the end".to_owned()
        } else {
            shown
        };
        Self::at(text, part.start, expected, found)
    }
}

impl From<FilterError> for StoreError {
    fn from(error: FilterError) -> Self {
        let what = format!("filter, column {}", error.column);
        Self::invalid(what, error.expected, error.found)
    }
}
