//! Apache Parquet, read column by column in batches.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, Int96};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::error::{Error, InputError, Result};
use crate::rows::{Cell, Input, RowSource, Step, Wanted, bind_header, bound_names};
use crate::time::Timestamp;

mod chunks;

use chunks::Chunks;

/// A key in the metadata of a Parquet file whose texts are to be read as they stand, blanks around them included: files
/// that a program wrote for this one to read again.
pub const VERBATIM_KEY: &str = "recommender.verbatim";

/// Rows decoded at once.
const BATCH_ROWS: usize = 8192;
/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;

/// Rows of a Parquet file.
pub(super) struct ParquetRows {
    origin: String,
    reader: Box<dyn FileReader>,
    verbatim: bool,
    columns: Vec<Option<Column>>,
    next_group: usize,
    /// Rows of the current group that are not decoded yet.
    group_rows: usize,
    batch_rows: usize,
    at: usize,
    row: u64,
}

/// A column that someone wants, with the current batch of its cells.
struct Column {
    index: usize,
    meaning: Meaning,
    /// The level of a value that is there; 0 in a column without nulls.
    present: i16,
    reader: Option<ColumnReader>,
    levels: Vec<i16>,
    cells: Vec<Datum>,
}

/// What the numbers of a column stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Plain,
    /// A number in units of 10^-scale.
    Decimal(i32),
    Days,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

#[derive(Debug, Clone)]
enum Datum {
    Missing,
    Text(ByteArray),
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Time(Timestamp),
}

impl ParquetRows {
    /// Opens a file that can be read anywhere.
    ///
    /// # Errors
    /// [`Error::Input`] if it is no Parquet file.
    pub(super) fn open(origin: &str, input: Input<'_>) -> Result<Self> {
        let reader = match input {
            Input::Random(source) => file_reader(Chunks(source)),
            Input::Bytes(bytes) => file_reader(bytes),
            Input::Stream(_) => return Err(Error::Internal("Parquet from a stream".into())),
        };
        let reader = reader.map_err(|error| broken(origin, &error))?;
        let metadata = reader.metadata().file_metadata().key_value_metadata();
        let mut keys = metadata.into_iter().flatten();
        Ok(Self {
            origin: origin.into(),
            verbatim: keys.any(|entry| entry.key == VERBATIM_KEY),
            reader,
            columns: Vec::new(),
            next_group: 0,
            group_rows: 0,
            batch_rows: 0,
            at: 0,
            row: 0,
        })
    }

    fn column(&self, index: usize) -> Result<Column> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let descriptor = schema.column(index);
        let Some(meaning) = meaning(&descriptor) else {
            let error = InputError::new(
                &self.origin,
                "a flat column of texts, numbers, truth values, dates or times",
                format!("one of {}", descriptor.physical_type()),
            );
            return Err(error.in_field(descriptor.path().string()).into());
        };
        Ok(Column {
            index,
            meaning,
            present: descriptor.max_def_level(),
            reader: None,
            levels: Vec::new(),
            cells: Vec::new(),
        })
    }

    /// Decodes the next batch; false at the end of the file.
    fn next_batch(&mut self) -> Result<bool> {
        while self.group_rows == 0 {
            if self.next_group == self.reader.num_row_groups() {
                return Ok(false);
            }
            self.open_group()
                .map_err(|error| broken(&self.origin, &error))?;
        }
        let rows = self.group_rows.min(BATCH_ROWS);
        for column in self.columns.iter_mut().flatten() {
            column
                .decode(rows)
                .map_err(|error| broken(&self.origin, &error))?;
            if column.cells.len() != rows {
                return Err(InputError::new(
                    &self.origin,
                    format!("{rows} values in each column"),
                    column.cells.len().to_string(),
                )
                .into());
            }
        }
        self.group_rows -= rows;
        (self.batch_rows, self.at) = (rows, 0);
        Ok(true)
    }

    fn open_group(&mut self) -> Result<(), ParquetError> {
        let group = self.reader.get_row_group(self.next_group)?;
        self.next_group += 1;
        let rows = usize::try_from(group.metadata().num_rows());
        self.group_rows = rows.map_err(|error| ParquetError::General(error.to_string()))?;
        for column in self.columns.iter_mut().flatten() {
            column.reader = Some(group.get_column_reader(column.index)?);
        }
        Ok(())
    }
}

fn file_reader<R: ChunkReader + 'static>(chunks: R) -> Result<Box<dyn FileReader>, ParquetError> {
    Ok(Box::new(SerializedFileReader::new(chunks)?))
}

impl RowSource for ParquetRows {
    fn bind(&mut self, wanted: &[Wanted]) -> Result<Vec<Option<String>>> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let columns = schema.columns().iter();
        let header: Vec<String> = columns.map(|column| column.path().string()).collect();
        let places = bind_header(&self.origin, None, &header, wanted)?;
        self.columns = places
            .iter()
            .map(|place| place.map(|index| self.column(index)).transpose())
            .collect::<Result<_>>()?;
        Ok(bound_names(&header, &places))
    }

    fn advance(&mut self) -> Result<Step> {
        self.at += 1;
        if self.at >= self.batch_rows && !self.next_batch()? {
            return Ok(Step::End);
        }
        self.row += 1;
        Ok(Step::Row)
    }

    fn cell(&self, slot: usize) -> Cell<'_> {
        let Some(column) = &self.columns[slot] else {
            return Cell::Missing;
        };
        match &column.cells[self.at] {
            Datum::Missing => Cell::Missing,
            Datum::Text(bytes) => match std::str::from_utf8(bytes.data()) {
                Ok(text) if self.verbatim => Cell::Text(text),
                Ok(text) => Cell::of_text(text),
                Err(_) => Cell::Unreadable("bytes that are not UTF-8"),
            },
            Datum::Boolean(true) => Cell::Text("true"),
            Datum::Boolean(false) => Cell::Text("false"),
            Datum::Integer(number) => Cell::Integer(*number),
            Datum::Number(number) => Cell::Number(*number),
            Datum::Time(time) => Cell::Time(*time),
        }
    }

    fn row(&self) -> u64 {
        self.row
    }
}

impl Column {
    fn decode(&mut self, rows: usize) -> Result<(), ParquetError> {
        let Self {
            reader,
            meaning,
            levels,
            cells,
            present,
            ..
        } = self;
        let meaning = *meaning;
        let mut batch = Batch {
            rows,
            present: *present,
            levels,
            cells,
        };
        match reader.as_mut() {
            None => Ok(()),
            Some(ColumnReader::BoolColumnReader(reader)) => batch.read(reader, Datum::Boolean),
            Some(ColumnReader::Int32ColumnReader(reader)) => {
                batch.read(reader, |number| meaning.of(i64::from(number)))
            }
            Some(ColumnReader::Int64ColumnReader(reader)) => {
                batch.read(reader, |number| meaning.of(number))
            }
            Some(ColumnReader::Int96ColumnReader(reader)) => batch.read(reader, |time: Int96| {
                Datum::Time(Timestamp(time.to_millis()))
            }),
            Some(ColumnReader::FloatColumnReader(reader)) => {
                batch.read(reader, |number| Datum::Number(f64::from(number)))
            }
            Some(ColumnReader::DoubleColumnReader(reader)) => batch.read(reader, Datum::Number),
            Some(ColumnReader::ByteArrayColumnReader(reader)) => batch.read(reader, Datum::Text),
            Some(ColumnReader::FixedLenByteArrayColumnReader(_)) => {
                Err(ParquetError::NYI("columns of fixed-length bytes".into()))
            }
        }
    }
}

/// One batch of one column while it is decoded.
struct Batch<'c> {
    rows: usize,
    present: i16,
    levels: &'c mut Vec<i16>,
    cells: &'c mut Vec<Datum>,
}

impl Batch<'_> {
    fn read<T: DataType>(
        &mut self,
        reader: &mut ColumnReaderImpl<T>,
        datum: impl Fn(T::T) -> Datum,
    ) -> Result<(), ParquetError> {
        self.levels.clear();
        self.cells.clear();
        let mut values: Vec<T::T> = Vec::with_capacity(self.rows);
        reader.read_records(self.rows, Some(self.levels), None, &mut values)?;
        let mut values = values.into_iter().map(datum);
        if self.present == 0 {
            self.cells.extend(values);
            return Ok(());
        }
        for &level in self.levels.iter() {
            let value = (level == self.present).then(|| values.next()).flatten();
            self.cells.push(value.unwrap_or(Datum::Missing));
        }
        Ok(())
    }
}

impl Meaning {
    fn of(self, number: i64) -> Datum {
        match self {
            Self::Plain => Datum::Integer(number),
            Self::Decimal(scale) => Datum::Number(number as f64 / 10f64.powi(scale)),
            Self::Days => Datum::Time(Timestamp(number.saturating_mul(DAY_MS))),
            Self::Milliseconds => Datum::Time(Timestamp(number)),
            Self::Microseconds => Datum::Time(Timestamp(number.div_euclid(1_000))),
            Self::Nanoseconds => Datum::Time(Timestamp(number.div_euclid(1_000_000))),
        }
    }
}

/// What a column's numbers stand for; none if it is of a kind this crate does not read.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "Parquet gains logical types; those without a meaning of their own are read as what they are stored as"
)]
fn meaning(descriptor: &ColumnDescriptor) -> Option<Meaning> {
    if descriptor.max_rep_level() > 0 {
        return None;
    }
    let logical = descriptor.logical_type_ref();
    let is_decimal = descriptor.converted_type() == ConvertedType::DECIMAL
        || matches!(logical, Some(LogicalType::Decimal(_)));
    match descriptor.physical_type() {
        Type::FIXED_LEN_BYTE_ARRAY => return None,
        Type::BYTE_ARRAY if is_decimal => return None,
        _ => {}
    }
    Some(match logical {
        Some(LogicalType::Decimal(decimal)) => Meaning::Decimal(decimal.scale),
        Some(LogicalType::Date) => Meaning::Days,
        Some(LogicalType::Timestamp(timestamp)) => match timestamp.unit {
            TimeUnit::MILLIS => Meaning::Milliseconds,
            TimeUnit::MICROS => Meaning::Microseconds,
            TimeUnit::NANOS => Meaning::Nanoseconds,
        },
        _ => return Some(converted_meaning(descriptor)),
    })
}

/// What the older annotation says, which files without logical types have.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other annotations change nothing about how a value is read"
)]
fn converted_meaning(descriptor: &ColumnDescriptor) -> Meaning {
    match descriptor.converted_type() {
        ConvertedType::DATE => Meaning::Days,
        ConvertedType::TIMESTAMP_MILLIS => Meaning::Milliseconds,
        ConvertedType::TIMESTAMP_MICROS => Meaning::Microseconds,
        ConvertedType::DECIMAL => Meaning::Decimal(descriptor.type_scale()),
        _ => Meaning::Plain,
    }
}

fn broken(origin: &str, error: &ParquetError) -> Error {
    let expected = "a Parquet file, uncompressed or compressed with snappy or gzip";
    InputError::new(origin, expected, error.to_string()).into()
}

#[cfg(test)]
mod tests;
