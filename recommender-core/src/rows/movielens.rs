//! MovieLens rating files: user, item, rating and time between `::` or tabs, without a header.

use std::ops::Range;

use crate::error::Result;
use crate::rows::input::Text;
use crate::rows::lines::Lines;
use crate::rows::{Cell, RowSource, Step, Wanted, bind_header, bound_names};

/// The columns of the format.
const COLUMNS: [&str; 4] = ["visitor", "item", "rating", "time"];

/// Each line as a row.
pub(super) struct MovieLensRows<'r> {
    lines: Lines<'r>,
    line: String,
    fields: Vec<Range<usize>>,
    places: Vec<Option<usize>>,
}

impl<'r> MovieLensRows<'r> {
    /// Rows of `text`.
    pub(super) fn new(origin: &str, text: Text<'r>) -> Self {
        Self {
            lines: Lines::new(origin, text),
            line: String::new(),
            fields: Vec::new(),
            places: Vec::new(),
        }
    }

    fn split(&mut self) {
        let delimiter = if self.line.contains("::") { "::" } else { "\t" };
        self.fields.clear();
        let mut start = 0;
        for field in self.line.split(delimiter) {
            self.fields.push(start..start + field.len());
            start += field.len() + delimiter.len();
        }
    }
}

impl RowSource for MovieLensRows<'_> {
    fn bind(&mut self, wanted: &[Wanted]) -> Result<Vec<Option<String>>> {
        let header = COLUMNS.map(String::from);
        self.places = bind_header(self.lines.origin(), None, &header, wanted)?;
        Ok(bound_names(&header, &self.places))
    }

    fn advance(&mut self) -> Result<Step> {
        if !self.lines.advance()? {
            return Ok(Step::End);
        }
        self.line.clear();
        match self.lines.text() {
            Ok(text) => self.line.push_str(text),
            Err(error) => return Ok(Step::Bad(error)),
        }
        self.split();
        if self.fields.len() != COLUMNS.len() {
            let expected = "4 fields between :: or tabs: user, item, rating, seconds";
            let found = self.fields.len().to_string();
            return Ok(Step::Bad(self.lines.wrong(expected, found)));
        }
        Ok(Step::Row)
    }

    fn cell(&self, slot: usize) -> Cell<'_> {
        match self.places[slot] {
            Some(place) => Cell::of_text(&self.line[self.fields[place].clone()]),
            None => Cell::Missing,
        }
    }

    fn row(&self) -> u64 {
        self.lines.number()
    }
}
