//! Lines of items that share a key: adjacency lists and sessions.

use crate::error::Result;
use crate::rows::input::Text;
use crate::rows::words::{Found, Words};
use crate::rows::{Cell, RowSource, Step, Wanted, bind_header, bound_names};

/// What the items of a line have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineKey {
    /// The user, who is the first word: an adjacency list.
    FirstWord,
    /// The session, which is the line. It has no key of its own, so it is named after its file and number, and is its
    /// own visitor.
    Place,
}

impl LineKey {
    /// The columns of the format: those the key fills, then the item.
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::FirstWord => &["visitor", "item"],
            Self::Place => &["visitor", "session", "item"],
        }
    }

    /// Puts the key of the line that `words` have just begun into `key`.
    fn read(self, words: &mut Words<'_>, key: &mut String) {
        key.clear();
        match self {
            Self::FirstWord => {
                if words.next_in_line() {
                    key.push_str(words.word());
                }
            }
            Self::Place => {
                let lines = words.lines();
                *key = format!("{}:{}", lines.origin(), lines.number());
            }
        }
    }
}

/// Each item of each line as a row.
pub(super) struct KeyedLines<'r> {
    words: Words<'r>,
    keyed_by: LineKey,
    key: String,
    places: Vec<Option<usize>>,
}

impl<'r> KeyedLines<'r> {
    /// Rows of `text`.
    pub(super) fn new(origin: &str, text: Text<'r>, keyed_by: LineKey) -> Self {
        Self {
            words: Words::new(origin, text),
            keyed_by,
            key: String::new(),
            places: Vec::new(),
        }
    }
}

impl RowSource for KeyedLines<'_> {
    fn bind(&mut self, wanted: &[Wanted]) -> Result<Vec<Option<String>>> {
        let columns = self.keyed_by.columns().iter();
        let header: Vec<String> = columns.map(ToString::to_string).collect();
        self.places = bind_header(self.words.lines().origin(), None, &header, wanted)?;
        Ok(bound_names(&header, &self.places))
    }

    fn advance(&mut self) -> Result<Step> {
        loop {
            match self.words.advance()? {
                Found::Word => return Ok(Step::Row),
                Found::Line => self.keyed_by.read(&mut self.words, &mut self.key),
                Found::Bad(error) => return Ok(Step::Bad(error)),
                Found::End => return Ok(Step::End),
            }
        }
    }

    fn cell(&self, slot: usize) -> Cell<'_> {
        let item = self.keyed_by.columns().len() - 1;
        match self.places[slot] {
            Some(place) if place < item => Cell::Text(&self.key),
            Some(_) => Cell::Text(self.words.word()),
            None => Cell::Missing,
        }
    }

    fn row(&self) -> u64 {
        self.words.lines().number()
    }
}
