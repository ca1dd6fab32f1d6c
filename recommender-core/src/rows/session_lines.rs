//! Sessions, one a line: their items in order.

use std::ops::Range;

use crate::error::Result;
use crate::rows::input::Text;
use crate::rows::lines::Lines;
use crate::rows::{Cell, RowSource, Step, Wanted, bind_header, bound_names};

/// The columns of the format; visitor and session are the same.
const COLUMNS: [&str; 3] = ["visitor", "session", "item"];

/// Each item of each line as a row. A line has no key of its own, so it is named after its file and number.
pub(super) struct SessionLines<'r> {
    lines: Lines<'r>,
    line: String,
    session: String,
    item: Range<usize>,
    places: Vec<Option<usize>>,
}

impl<'r> SessionLines<'r> {
    /// Rows of `text`.
    pub(super) fn new(origin: &str, text: Text<'r>) -> Self {
        Self {
            lines: Lines::new(origin, text),
            line: String::new(),
            session: String::new(),
            item: 0..0,
            places: Vec::new(),
        }
    }

    /// The word at or behind `from`.
    fn word(&self, from: usize) -> Option<Range<usize>> {
        let rest = &self.line.as_bytes()[from..];
        let start = from + rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let rest = &self.line.as_bytes()[start..];
        let length = rest.iter().position(u8::is_ascii_whitespace);
        Some(start..start + length.unwrap_or(rest.len()))
    }
}

impl RowSource for SessionLines<'_> {
    fn bind(&mut self, wanted: &[Wanted]) -> Result<Vec<Option<String>>> {
        let header = COLUMNS.map(String::from);
        self.places = bind_header(self.lines.origin(), None, &header, wanted)?;
        Ok(bound_names(&header, &self.places))
    }

    fn advance(&mut self) -> Result<Step> {
        loop {
            if let Some(item) = self.word(self.item.end) {
                self.item = item;
                return Ok(Step::Row);
            }
            self.line.clear();
            self.item = 0..0;
            if !self.lines.advance()? {
                return Ok(Step::End);
            }
            match self.lines.text() {
                Ok(text) => self.line.push_str(text),
                Err(error) => return Ok(Step::Bad(error)),
            }
            self.session = format!("{}:{}", self.lines.origin(), self.lines.number());
        }
    }

    fn cell(&self, slot: usize) -> Cell<'_> {
        match self.places[slot] {
            Some(0 | 1) => Cell::Text(&self.session),
            Some(_) => Cell::Text(&self.line[self.item.clone()]),
            None => Cell::Missing,
        }
    }

    fn row(&self) -> u64 {
        self.lines.number()
    }
}
