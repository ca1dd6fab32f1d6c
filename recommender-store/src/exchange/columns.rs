//! Events in columns, as Parquet takes them.

use std::fmt::Display;
use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, Type};
use recommender_core::events::{Channel, Consent};
use recommender_core::rows::VERBATIM_KEY;

use crate::record::StoredEvent;

/// The columns, as Parquet writes them down. They are named like the fields of events, so that a file is read again
/// without a map; attributes are the text of an object of JSON.
const SCHEMA: &str = "message events {
    required binary id (STRING);
    required binary visitor (STRING);
    optional binary item (STRING);
    required binary kind (STRING);
    optional binary channel (STRING);
    optional binary place (STRING);
    required int64 time (TIMESTAMP(MILLIS, true));
    required float quantity;
    optional double price;
    optional binary session (STRING);
    optional float rating;
    required binary consent (STRING);
    optional binary attributes (STRING);
    required int64 position;
}";

/// Values given to the writer at once.
const VALUES_PER_WRITE: usize = 1 << 14;

/// Bytes that an event takes beside its texts, more or less.
const BYTES_PER_EVENT: usize = 9 * 10 + 3 * 8 + 2 * 4;

/// The type of the rows.
///
/// # Errors
/// None that can come up: the schema is a constant.
pub(super) fn schema() -> Result<Arc<Type>> {
    Ok(Arc::new(parse_message_type(SCHEMA)?))
}

/// How the columns are written: snappy over dictionaries, but for ids and numbers that hardly repeat.
pub(super) fn properties() -> WriterProperties {
    let verbatim = KeyValue::new(VERBATIM_KEY.to_owned(), "1".to_owned());
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![verbatim]))
        .set_column_dictionary_enabled(ColumnPath::from("id"), false);
    for column in ["time", "position"] {
        properties = properties
            .set_column_dictionary_enabled(ColumnPath::from(column), false)
            .set_column_encoding(ColumnPath::from(column), Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}

/// Events that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Columns {
    id: Texts,
    visitor: Texts,
    item: Texts,
    kind: Texts,
    channel: Texts,
    place: Texts,
    time: Vec<i64>,
    quantity: Vec<f32>,
    price: Numbers<f64>,
    session: Texts,
    rating: Numbers<f32>,
    consent: Texts,
    attributes: Texts,
    position: Vec<i64>,
    bytes: usize,
}

impl Columns {
    /// Adds an event and says how many bytes more it takes.
    ///
    /// # Errors
    /// None that can come up: texts always are JSON.
    pub(super) fn push(&mut self, stored: &StoredEvent) -> Result<usize> {
        let event = &stored.event;
        self.id.push(event.id.as_deref());
        self.visitor.push(Some(&event.visitor));
        self.item.push(event.item.as_deref());
        self.kind.push_shown(&event.kind);
        self.channel.push(event.channel.map(Channel::name));
        self.place.push(event.place.as_deref());
        self.time.push(event.time.unwrap_or_default().0);
        self.quantity.push(event.quantity);
        self.price.push(event.price);
        self.session.push(event.session.as_deref());
        self.rating.push(event.rating);
        self.consent.push(Some(consent_name(event.consent)));
        let attributes = if event.attributes.is_empty() {
            None
        } else {
            let text = serde_json::to_string(&event.attributes);
            Some(text.map_err(|error| ParquetError::General(error.to_string()))?)
        };
        self.attributes.push(attributes.as_deref());
        self.position.push(stored.position.0.cast_signed());
        let before = std::mem::replace(&mut self.bytes, 0);
        self.bytes = self.text_bytes() + self.rows() * BYTES_PER_EVENT;
        Ok(self.bytes - before)
    }

    /// How many events there are.
    pub(super) fn rows(&self) -> usize {
        self.time.len()
    }

    /// How many bytes they take, more or less.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn text_bytes(&self) -> usize {
        let texts = [
            &self.id,
            &self.visitor,
            &self.item,
            &self.kind,
            &self.channel,
            &self.place,
            &self.session,
            &self.consent,
            &self.attributes,
        ];
        texts.iter().map(|texts| texts.bytes.len()).sum()
    }

    /// Writes everything as one row group.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(super) fn write<W: Write + Send>(
        self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        self.id.write(group)?;
        self.visitor.write(group)?;
        self.item.write_optional(group)?;
        self.kind.write(group)?;
        self.channel.write_optional(group)?;
        self.place.write_optional(group)?;
        write_column::<Int64Type, W>(group, &self.time, None)?;
        write_column::<FloatType, W>(group, &self.quantity, None)?;
        write_column::<DoubleType, W>(group, &self.price.values, Some(&self.price.present))?;
        self.session.write_optional(group)?;
        write_column::<FloatType, W>(group, &self.rating.values, Some(&self.rating.present))?;
        self.consent.write(group)?;
        self.attributes.write_optional(group)?;
        write_column::<Int64Type, W>(group, &self.position, None)
    }
}

fn consent_name(consent: Consent) -> &'static str {
    match consent {
        Consent::Unspecified => "unspecified",
        Consent::Granted => "granted",
        Consent::Denied => "denied",
    }
}

/// Texts, one behind the other.
#[derive(Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    /// One for each row: 1 if it has a text.
    present: Vec<i16>,
}

impl Texts {
    fn push(&mut self, text: Option<&str>) {
        self.present.push(text.is_some().into());
        if let Some(text) = text {
            self.bytes.extend_from_slice(text.as_bytes());
            self.ends.push(self.bytes.len());
        }
    }

    fn push_shown(&mut self, value: &impl Display) {
        write!(self.bytes, "{value}").expect("writing to memory never fails");
        self.ends.push(self.bytes.len());
        self.present.push(1);
    }

    fn write<W: Write + Send>(self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        let (values, _) = self.into_values();
        write_column::<ByteArrayType, W>(group, &values, None)
    }

    fn write_optional<W: Write + Send>(
        self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        let (values, present) = self.into_values();
        write_column::<ByteArrayType, W>(group, &values, Some(&present))
    }

    fn into_values(self) -> (Vec<ByteArray>, Vec<i16>) {
        let bytes = ByteArray::from(self.bytes);
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ranges = starts.zip(&self.ends);
        let values = ranges.map(|(start, &end)| bytes.slice(start, end - start));
        (values.collect(), self.present)
    }
}

/// Numbers of which some are missing.
#[derive(Debug, Default)]
struct Numbers<T> {
    values: Vec<T>,
    /// One for each row: 1 if it has a number.
    present: Vec<i16>,
}

impl<T> Numbers<T> {
    fn push(&mut self, value: Option<T>) {
        self.present.push(value.is_some().into());
        self.values.extend(value);
    }
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    present: Option<&[i16]>,
) -> Result<()> {
    let column = group.next_column()?;
    let mut column =
        column.ok_or_else(|| ParquetError::General("the schema lacks a column".into()))?;
    let typed = column.typed::<T>();
    match present {
        None => {
            for values in values.chunks(VALUES_PER_WRITE) {
                typed.write_batch(values, None, None)?;
            }
        }
        Some(present) => {
            let mut rest = values;
            for present in present.chunks(VALUES_PER_WRITE) {
                let (values, others) =
                    rest.split_at(present.iter().filter(|&&one| one == 1).count());
                typed.write_batch(values, Some(present), None)?;
                rest = others;
            }
        }
    }
    column.close()
}
