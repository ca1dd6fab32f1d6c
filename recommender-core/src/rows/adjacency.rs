//! Adjacency lists: one line per user, the user first, then her items.

use crate::error::Result;
use crate::rows::input::Text;
use crate::rows::words::{Found, Words};
use crate::rows::{Cell, RowSource, Step, Wanted, bind_header, bound_names};

/// The columns of the format.
const COLUMNS: [&str; 2] = ["visitor", "item"];

/// Each item of each line as a row.
pub(super) struct AdjacencyRows<'r> {
    words: Words<'r>,
    user: String,
    places: Vec<Option<usize>>,
}

impl<'r> AdjacencyRows<'r> {
    /// Rows of `text`.
    pub(super) fn new(origin: &str, text: Text<'r>) -> Self {
        Self {
            words: Words::new(origin, text),
            user: String::new(),
            places: Vec::new(),
        }
    }
}

impl RowSource for AdjacencyRows<'_> {
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
                    self.user.clear();
                    if self.words.next_in_line() {
                        self.user.push_str(self.words.word());
                    }
                }
                Found::Bad(error) => return Ok(Step::Bad(error)),
                Found::End => return Ok(Step::End),
            }
        }
    }

    fn cell(&self, slot: usize) -> Cell<'_> {
        match self.places[slot] {
            Some(0) => Cell::Text(&self.user),
            Some(_) => Cell::Text(self.words.word()),
            None => Cell::Missing,
        }
    }

    fn row(&self) -> u64 {
        self.words.lines().number()
    }
}
