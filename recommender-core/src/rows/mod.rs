//! Named fields, row by row, from any format: what events and catalogues are read from.
//!
//! A source yields rows of cells; gzip, byte-order marks, encodings, delimiters and column types end here.
//! What a row means is decided one room further, in [`crate::events::read`] and [`crate::catalog::read`].

mod cell;
mod delimited;
mod format;
mod input;
mod jsonl;
mod keyed_lines;
mod lines;
mod movielens;
mod parquet;
mod report;
mod rules;
mod slots;
mod time;
mod words;

pub use format::{Encoding, Format, KeyCase, Layout};
pub use input::RandomAccess;
pub use parquet::VERBATIM_KEY;
pub use report::{BadRowCount, BadRows, ReadReport};
pub use rules::{Condition, DropRule};
pub use time::TimeFormat;

pub(crate) use cell::Cell;
pub(crate) use input::Input;
pub(crate) use jsonl::LIST_SEPARATOR;
pub(crate) use report::Tally;
pub(crate) use rules::{CompiledRule, validate_conditions};
pub(crate) use slots::Slots;

use crate::error::{InputError, Result};
use crate::rows::keyed_lines::{KeyedLines, LineKey};

/// A column someone wants to read, by its names in order of preference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The first of these that exists is read.
    pub(crate) names: Vec<String>,
    /// Whether its absence is an error.
    pub(crate) presence: Presence,
}

/// Whether a column must exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Its absence is an error that says which columns exist.
    Required,
    /// Its absence means that every cell is missing.
    Optional,
}

impl Wanted {
    /// How messages call the column before its name in the file is known.
    pub(crate) fn label(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

/// What [`RowSource::advance`] came to.
#[derive(Debug)]
pub(crate) enum Step {
    /// The next row, whose cells can be asked for.
    Row,
    /// A row that can't be read at all; the next call goes on behind it.
    Bad(InputError),
    /// No further row.
    End,
}

/// Rows of cells under named columns.
pub(crate) trait RowSource {
    /// Makes `wanted[slot]` the column that [`RowSource::cell`] reads as `slot`. Called once, before the first row.
    /// Gives the name found for each slot, none for a column that does not exist.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if a required column does not exist.
    fn bind(&mut self, wanted: &[Wanted]) -> Result<Vec<Option<String>>>;

    /// Goes to the next row.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if nothing further can be read.
    fn advance(&mut self) -> Result<Step>;

    /// A cell of the current row.
    fn cell(&self, slot: usize) -> Cell<'_>;

    /// Whether the current row has the column at all, be it empty. Only formats that name columns row by row differ.
    fn has(&self, _slot: usize) -> bool {
        true
    }

    /// The 1-based number of the current row, counting a header line.
    fn row(&self) -> u64;

    /// Called after the last row.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if a required column was in none of the rows, in formats without a header.
    fn finish(&self) -> Result<()> {
        Ok(())
    }
}

/// Opens `input` as `format`; `origin` names it in errors.
///
/// # Errors
/// [`crate::Error::Input`] if it is empty or not of that format.
pub(crate) fn open<'r>(
    format: Format,
    layout: &Layout,
    origin: &str,
    input: Input<'r>,
) -> Result<Box<dyn RowSource + 'r>> {
    layout.validate()?;
    let encoding = layout.encoding;
    Ok(match format {
        Format::Csv => Box::new(delimited::DelimitedRows::open(b',', layout, origin, input)?),
        Format::Tsv => Box::new(delimited::DelimitedRows::open(
            b'\t', layout, origin, input,
        )?),
        Format::Jsonl => Box::new(jsonl::JsonRows::new(origin, input.text(origin, encoding)?)),
        Format::Adjacency => Box::new(KeyedLines::new(
            origin,
            input.text(origin, encoding)?,
            LineKey::FirstWord,
        )),
        Format::Sessions | Format::Pairs => Box::new(KeyedLines::new(
            origin,
            input.text(origin, encoding)?,
            LineKey::Place,
        )),
        Format::MovieLens => Box::new(movielens::MovieLensRows::new(
            origin,
            input.text(origin, encoding)?,
        )),
        Format::Parquet => Box::new(parquet::ParquetRows::open(origin, input.random(origin)?)?),
    })
}

/// Finds each wanted column in `header`; `row` is where the header stands, if it stands anywhere.
fn bind_header(
    origin: &str,
    row: Option<u64>,
    header: &[String],
    wanted: &[Wanted],
) -> Result<Vec<Option<usize>>> {
    let find = |column: &Wanted| {
        let mut names = column.names.iter();
        names.find_map(|name| header.iter().position(|known| known == name))
    };
    let mut found = Vec::with_capacity(wanted.len());
    for column in wanted {
        let place = find(column);
        if place.is_none() && column.presence == Presence::Required {
            return Err(missing_column(origin, row, header, column).into());
        }
        if let Some(place) = place
            && header[place + 1..].contains(&header[place])
        {
            let twice = InputError::new(origin, "column names that differ", "two such columns");
            return Err(twice.in_field(&header[place]).into());
        }
        found.push(place);
    }
    Ok(found)
}

fn missing_column(
    origin: &str,
    row: Option<u64>,
    header: &[String],
    column: &Wanted,
) -> InputError {
    let names: Vec<String> = column
        .names
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    let error = InputError::new(
        origin,
        format!("a column named {}", names.join(" or ")),
        format!("the columns {}", header.join(", ")),
    );
    let error = error.in_field(column.label());
    match row {
        Some(row) => error.at_row(row),
        None => error,
    }
}

/// The names that go with the places [`bind_header`] found.
fn bound_names(header: &[String], places: &[Option<usize>]) -> Vec<Option<String>> {
    places
        .iter()
        .map(|place| place.map(|place| header[place].clone()))
        .collect()
}
