//! JSON lines: one object per line.

use serde_json::{Map, Value};

use crate::error::{InputError, Result};
use crate::rows::input::Text;
use crate::rows::lines::Lines;
use crate::rows::{Cell, Presence, RowSource, Step, Wanted};

/// Stands between the elements of a list, once it is one text.
pub(crate) const LIST_SEPARATOR: char = '\u{1f}';

/// Rows of JSON objects.
pub(super) struct JsonRows<'r> {
    lines: Lines<'r>,
    columns: Vec<Column>,
    /// Keys of the first object, for the message about a column no row has.
    first_keys: String,
}

struct Column {
    wanted: Wanted,
    value: Value,
    present: bool,
    seen: bool,
}

impl<'r> JsonRows<'r> {
    /// Rows of `text`.
    pub(super) fn new(origin: &str, text: Text<'r>) -> Self {
        Self {
            lines: Lines::new(origin, text),
            columns: Vec::new(),
            first_keys: String::new(),
        }
    }
}

impl RowSource for JsonRows<'_> {
    fn bind(&mut self, wanted: &[Wanted]) -> Result<Vec<Option<String>>> {
        let columns = wanted.iter().map(|wanted| Column {
            wanted: wanted.clone(),
            value: Value::Null,
            present: false,
            seen: false,
        });
        self.columns = columns.collect();
        Ok(wanted
            .iter()
            .map(|column| Some(column.label().to_owned()))
            .collect())
    }

    fn advance(&mut self) -> Result<Step> {
        if !self.lines.advance()? {
            return Ok(Step::End);
        }
        let object: Map<String, Value> = match serde_json::from_slice(self.lines.bytes()) {
            Ok(object) => object,
            Err(error) => {
                return Ok(Step::Bad(
                    self.lines.wrong("a JSON object", error.to_string()),
                ));
            }
        };
        if self.first_keys.is_empty() {
            let keys: Vec<&str> = object.keys().map(String::as_str).collect();
            self.first_keys = keys.join(", ");
        }
        for column in &mut self.columns {
            let value = column
                .wanted
                .names
                .iter()
                .find_map(|name| find(&object, name));
            column.present = value.is_some();
            column.seen |= column.present;
            column.value = value.map_or(Value::Null, flattened);
        }
        Ok(Step::Row)
    }

    fn cell(&self, slot: usize) -> Cell<'_> {
        match &self.columns[slot].value {
            Value::Null => Cell::Missing,
            Value::Bool(true) => Cell::Text("true"),
            Value::Bool(false) => Cell::Text("false"),
            Value::String(text) => Cell::of_text(text),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => Cell::Integer(whole),
                None => Cell::Number(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::Array(_) => Cell::Unreadable("a nested list"),
            Value::Object(object) => Cell::Object(object),
        }
    }

    fn has(&self, slot: usize) -> bool {
        self.columns[slot].present
    }

    fn row(&self) -> u64 {
        self.lines.number()
    }

    fn finish(&self) -> Result<()> {
        let never = self.columns.iter().find(|column| {
            !column.seen
                && column.wanted.presence == Presence::Required
                && !self.first_keys.is_empty()
        });
        let Some(column) = never else { return Ok(()) };
        let name = column.wanted.label();
        let error = InputError::new(
            self.lines.origin(),
            format!("rows with the key \"{name}\""),
            format!("the keys {}", self.first_keys),
        );
        Err(error.in_field(name).into())
    }
}

/// The value under `name`, or under its parts between dots.
fn find<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    if let Some(value) = object.get(name) {
        return Some(value);
    }
    let (outer, inner) = name.split_once('.')?;
    find(object.get(outer)?.as_object()?, inner)
}

/// A list of texts and numbers as one text; anything else as it is.
fn flattened(value: &Value) -> Value {
    let Value::Array(elements) = value else {
        return value.clone();
    };
    let texts: Option<Vec<String>> = elements
        .iter()
        .map(|element| match element {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        })
        .collect();
    match texts {
        Some(texts) => Value::String(texts.join(&LIST_SEPARATOR.to_string())),
        None => value.clone(),
    }
}
