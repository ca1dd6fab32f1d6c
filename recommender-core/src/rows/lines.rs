//! Lines of a text, numbered, whatever ends them.

use std::io::BufRead;

use crate::error::{InputError, Result};
use crate::rows::input::{Text, read_error};

/// Lines of a text: `\n`, `\r\n`, or both mixed.
pub(super) struct Lines<'r> {
    origin: String,
    text: Text<'r>,
    line: Vec<u8>,
    number: u64,
}

impl<'r> Lines<'r> {
    /// Lines of `text`.
    pub(super) fn new(origin: &str, text: Text<'r>) -> Self {
        Self {
            origin: origin.into(),
            text,
            line: Vec::new(),
            number: 0,
        }
    }

    /// Goes to the next line that holds more than blanks; false at the end.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the text can't be read further.
    pub(super) fn advance(&mut self) -> Result<bool> {
        loop {
            self.line.clear();
            let read = self.text.read_until(b'\n', &mut self.line);
            let read = read.map_err(|error| read_error(&self.origin, &error))?;
            if read == 0 {
                return Ok(false);
            }
            self.number += 1;
            if !self.line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// The current line as bytes, without blanks around it.
    pub(super) fn bytes(&self) -> &[u8] {
        self.line.trim_ascii()
    }

    /// The current line as text, without blanks around it.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub(super) fn text(&self) -> Result<&str, InputError> {
        std::str::from_utf8(self.bytes()).map_err(|_| self.wrong("UTF-8 text", "other bytes"))
    }

    /// An error about the current line.
    pub(super) fn wrong(&self, expected: &str, found: impl Into<String>) -> InputError {
        InputError::new(&self.origin, expected, found).at_row(self.number)
    }

    /// The 1-based number of the current line.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// How errors name the text.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }
}
