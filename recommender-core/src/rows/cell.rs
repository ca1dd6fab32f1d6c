//! One cell of a row.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::time::Timestamp;

/// A cell as its format types it. Text comes without the blanks around it and is never empty, unless the file is to be
/// read verbatim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Empty, null or not there.
    Missing,
    /// Text.
    Text(&'a str),
    /// A whole number.
    Integer(i64),
    /// A number, possibly not a finite one.
    Number(f64),
    /// A point in time.
    Time(Timestamp),
    /// An object of JSON.
    Object(&'a Map<String, Value>),
    /// Bytes that are no UTF-8 text, or a nested list.
    Unreadable(&'static str),
}

/// Longest piece of a cell that messages quote, in characters.
const QUOTED_CHARS: usize = 60;

impl<'a> Cell<'a> {
    /// The cell of `text`: missing if there is nothing in it but blanks.
    #[inline]
    pub(crate) fn of_text(text: &'a str) -> Self {
        let text = text.trim_ascii();
        if text.is_empty() {
            Self::Missing
        } else {
            Self::Text(text)
        }
    }

    /// The cell as text, written into `scratch` where it is a number.
    #[inline]
    pub(crate) fn text<'s>(self, scratch: &'s mut String) -> Option<&'s str>
    where
        'a: 's,
    {
        let written = match self {
            Self::Text(text) => return Some(text),
            Self::Missing | Self::Object(_) | Self::Unreadable(_) => return None,
            Self::Integer(number) => write_into(scratch, number),
            Self::Number(number) => write_into(scratch, number),
            Self::Time(time) => write_into(scratch, time.0),
        };
        Some(written)
    }

    /// The cell as a number: none if it is missing or no number.
    #[inline]
    pub(crate) fn number(self) -> Option<f64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Integer(number) => Some(number as f64),
            Self::Number(number) => Some(number),
            Self::Missing | Self::Time(_) | Self::Object(_) | Self::Unreadable(_) => None,
        }
    }

    /// How messages show the cell.
    pub(crate) fn shown(self) -> String {
        match self {
            Self::Missing => "nothing".into(),
            Self::Object(_) => "a nested object".into(),
            Self::Unreadable(what) => what.into(),
            Self::Text(text) if text.chars().count() > QUOTED_CHARS => {
                let start: String = text.chars().take(QUOTED_CHARS).collect();
                format!("\"{}...\"", start.escape_debug())
            }
            Self::Text(text) => format!("\"{}\"", text.escape_debug()),
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Time(time) => format!("the time {} ms", time.0),
        }
    }
}

fn write_into(scratch: &mut String, value: impl std::fmt::Display) -> &str {
    scratch.clear();
    write!(scratch, "{value}").expect("writing to a string never fails");
    scratch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_text_and_numbers_alike() {
        let mut scratch = String::new();
        assert_eq!(Cell::of_text("  "), Cell::Missing);
        assert_eq!(Cell::of_text(" 2.5 ").number(), Some(2.5));
        assert_eq!(Cell::Integer(17850).text(&mut scratch), Some("17850"));
        assert_eq!(Cell::Number(17850.0).text(&mut scratch), Some("17850"));
        assert_eq!(Cell::Text("x").number(), None);
    }

    #[test]
    fn long_texts_are_cut_where_shown() {
        let long = "é".repeat(100);
        assert_eq!(
            Cell::Text(&long).shown().chars().count(),
            QUOTED_CHARS + "\"...\"".len()
        );
    }
}
