//! Comma- and tab-separated values.

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};

use crate::error::{Error, InputError, Result};
use crate::rows::input::{Input, Text, read_error};
use crate::rows::{Cell, Layout, RowSource, Step, Wanted, bind_header, bound_names};

/// Rows of a file with delimiters.
pub(super) struct DelimitedRows<'r> {
    origin: String,
    reader: Reader<Text<'r>>,
    header: Vec<String>,
    record: StringRecord,
    places: Vec<Option<usize>>,
    row: u64,
    /// Where the header line stands; none if the layout names the columns.
    header_row: Option<u64>,
}

impl<'r> DelimitedRows<'r> {
    /// Opens `input` and reads its header, if it has one.
    ///
    /// # Errors
    /// [`Error::Input`] if it is empty or its header can't be read.
    pub(super) fn open(
        delimiter: u8,
        layout: &Layout,
        origin: &str,
        input: Input<'r>,
    ) -> Result<Self> {
        let delimiter = layout
            .delimiter
            .and_then(|given| u8::try_from(given).ok())
            .unwrap_or(delimiter);
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(input.text(origin, layout.encoding)?);
        let mut rows = Self {
            origin: origin.into(),
            reader,
            header: layout.header.clone(),
            record: StringRecord::new(),
            places: Vec::new(),
            row: 0,
            header_row: None,
        };
        if layout.header.is_empty() {
            rows.read_header()?;
        }
        Ok(rows)
    }

    fn read_header(&mut self) -> Result<()> {
        match self.advance_record()? {
            Step::Row => {}
            Step::Bad(error) => return Err(error.into()),
            Step::End => {
                return Err(self.wrong("a header line", "only blank lines").into());
            }
        }
        self.header = self.record.iter().map(|name| name.trim().into()).collect();
        self.header_row = Some(self.row);
        Ok(())
    }

    fn advance_record(&mut self) -> Result<Step> {
        self.row += 1;
        match self.reader.read_record(&mut self.record) {
            Ok(true) => Ok(Step::Row),
            Ok(false) => Ok(Step::End),
            Err(error) => self.broken(error),
        }
    }

    /// Sorts an error of the parser into bad rows, behind which reading goes on, and the end.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other kinds can't come up: records may differ in length and nothing is deserialized"
    )]
    fn broken(&self, error: csv::Error) -> Result<Step> {
        match error.into_kind() {
            ErrorKind::Utf8 { err, .. } => {
                let bad = self.wrong("UTF-8 text", "other bytes");
                let name = self.header.get(err.field());
                Ok(Step::Bad(match name {
                    Some(name) => bad.in_field(name),
                    None => bad,
                }))
            }
            ErrorKind::Io(error) => Err(read_error(&self.origin, &error)),
            other => Err(Error::Internal(format!("csv: {other:?}"))),
        }
    }

    fn wrong(&self, expected: impl Into<String>, found: impl Into<String>) -> InputError {
        InputError::new(&self.origin, expected, found).at_row(self.row)
    }
}

impl RowSource for DelimitedRows<'_> {
    fn bind(&mut self, wanted: &[Wanted]) -> Result<Vec<Option<String>>> {
        self.places = bind_header(&self.origin, self.header_row, &self.header, wanted)?;
        Ok(bound_names(&self.header, &self.places))
    }

    fn advance(&mut self) -> Result<Step> {
        let step = self.advance_record()?;
        let (expected, found) = (self.header.len(), self.record.len());
        if matches!(step, Step::Row) && found != expected {
            let expected = format!("{expected} fields, as the header has");
            return Ok(Step::Bad(self.wrong(expected, found.to_string())));
        }
        Ok(step)
    }

    #[inline]
    fn cell(&self, slot: usize) -> Cell<'_> {
        let field = self.places[slot].and_then(|place| self.record.get(place));
        field.map_or(Cell::Missing, Cell::of_text)
    }

    fn row(&self) -> u64 {
        self.row
    }
}
