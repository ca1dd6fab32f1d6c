//! The words of a text, line by line.

use std::ops::Range;

use crate::error::{InputError, Result};
use crate::rows::input::Text;
use crate::rows::lines::Lines;

/// Words of a text, parted by blanks.
pub(super) struct Words<'r> {
    lines: Lines<'r>,
    line: String,
    word: Range<usize>,
}

/// What comes next in a text.
pub(super) enum Found {
    /// Another word of the line.
    Word,
    /// A line, before its first word.
    Line,
    /// A line that is none, and why.
    Bad(InputError),
    /// Nothing.
    End,
}

impl<'r> Words<'r> {
    /// Words of `text`.
    pub(super) fn new(origin: &str, text: Text<'r>) -> Self {
        Self {
            lines: Lines::new(origin, text),
            line: String::new(),
            word: 0..0,
        }
    }

    /// Goes to the next word of the line, or to the next line.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the text can't be read further.
    pub(super) fn advance(&mut self) -> Result<Found> {
        if self.next_in_line() {
            return Ok(Found::Word);
        }
        self.line.clear();
        self.word = 0..0;
        if !self.lines.advance()? {
            return Ok(Found::End);
        }
        Ok(match self.lines.text() {
            Ok(text) => {
                self.line.push_str(text);
                Found::Line
            }
            Err(error) => Found::Bad(error),
        })
    }

    /// Goes to the next word of the line; false at its end.
    pub(super) fn next_in_line(&mut self) -> bool {
        let rest = &self.line.as_bytes()[self.word.end..];
        let Some(blanks) = rest.iter().position(|byte| !byte.is_ascii_whitespace()) else {
            return false;
        };
        let length = rest[blanks..].iter().position(u8::is_ascii_whitespace);
        let start = self.word.end + blanks;
        self.word = start..length.map_or(self.line.len(), |length| start + length);
        true
    }

    /// The current word.
    pub(super) fn word(&self) -> &str {
        &self.line[self.word.clone()]
    }

    /// The text and the current line of it.
    pub(super) fn lines(&self) -> &Lines<'r> {
        &self.lines
    }
}
