//! Sessions, one a line: their items in order.

use crate::error::Result;
use crate::rows::input::Text;
use crate::rows::words::{Found, Words};
use crate::rows::{Cell, RowSource, Step, Wanted, bind_header, bound_names};

/// The columns of the format; visitor and session are the same.
const COLUMNS: [&str; 3] = ["visitor", "session", "item"];

/// Each item of each line as a row. A line has no key of its own, so it is named after its file and number.
pub(super) struct SessionLines<'r> {
    words: Words<'r>,
    session: String,
    places: Vec<Option<usize>>,
}

impl<'r> SessionLines<'r> {
    /// Rows of `text`.
    pub(super) fn new(origin: &str, text: Text<'r>) -> Self {
        Self {
            words: Words::new(origin, text),
            session: String::new(),
            places: Vec::new(),
        }
    }
}

impl RowSource for SessionLines<'_> {
    fn bind(&mut self, wanted: &[Wanted]) -> Result<Vec<Option<String>>> {
        let header = COLUMNS.map(String::from);
        self.places = bind_header(self.words.lines().origin(), None, &header, wanted)?;
        Ok(bound_names(&header, &self.places))
    }

    fn advance(&mut self) -> Result<Step> {
        loop {
            match self.words.advance()? {
                Found::Word => return Ok(Step::Row),
                Found::Line => {
                    let lines = self.words.lines();
                    self.session = format!("{}:{}", lines.origin(), lines.number());
                }
                Found::Bad(error) => return Ok(Step::Bad(error)),
                Found::End => return Ok(Step::End),
            }
        }
    }

    fn cell(&self, slot: usize) -> Cell<'_> {
        match self.places[slot] {
            Some(0 | 1) => Cell::Text(&self.session),
            Some(_) => Cell::Text(self.words.word()),
            None => Cell::Missing,
        }
    }

    fn row(&self) -> u64 {
        self.words.lines().number()
    }
}
