//! Rules as Apache Parquet.

use std::io::{self, Write};
use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;
use recommender_core::ItemIx;

use super::{MEASURES, Row, Sheet};

/// Rules of one row group.
const ROWS_PER_GROUP: usize = 1 << 16;

pub(super) fn write(sheet: &Sheet<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    write_groups(sheet, out).map_err(io::Error::other)
}

fn write_groups(sheet: &Sheet<'_>, out: &mut (dyn Write + Send)) -> Result<()> {
    let schema = Arc::new(parse_message_type(&schema(sheet))?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties.build()))?;
    let mut rows = sheet.rows().peekable();
    while rows.peek().is_some() {
        let part: Vec<Row<'_>> = rows.by_ref().take(ROWS_PER_GROUP).collect();
        let mut group = writer.next_row_group()?;
        write_group(sheet, &part, &mut group)?;
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// The columns, as Parquet writes them down.
fn schema(sheet: &Sheet<'_>) -> String {
    let mut fields = String::new();
    if let Some(name) = sheet.group_name() {
        fields += &format!("optional binary {name} (STRING);\n");
    }
    for side in ["antecedent", "consequent"] {
        fields += &format!(
            "required group {side} (LIST) {{ repeated group list {{ required binary element (STRING); }} }}\n"
        );
    }
    fields += "required int64 count;\n";
    for (name, _) in MEASURES {
        fields += &format!("required double {name};\n");
    }
    format!("message rules {{\n{fields}}}")
}

fn write_group<W: Write + Send>(
    sheet: &Sheet<'_>,
    rows: &[Row<'_>],
    group: &mut SerializedRowGroupWriter<'_, W>,
) -> Result<()> {
    if sheet.group_name().is_some() {
        let keys: Vec<ByteArray> = rows
            .iter()
            .filter_map(|row| row.group)
            .map(Into::into)
            .collect();
        let present: Vec<i16> = rows.iter().map(|row| row.group.is_some().into()).collect();
        write_column::<ByteArrayType, W>(group, &keys, Some(&present), None)?;
    }
    let sides: [fn(&Row<'_>) -> Vec<ItemIx>; 2] = [
        |row| row.rule.antecedent.to_vec(),
        |row| row.rule.consequent.to_vec(),
    ];
    for side in sides {
        write_lists(sheet, rows.iter().map(side), group)?;
    }
    let counts: Vec<i64> = rows.iter().map(|row| row.rule.counts.both.into()).collect();
    write_column::<Int64Type, W>(group, &counts, None, None)?;
    for (_, measure) in MEASURES {
        let figures: Vec<f64> = rows.iter().map(|row| measure(&row.rule.counts)).collect();
        write_column::<DoubleType, W>(group, &figures, None, None)?;
    }
    Ok(())
}

/// A column of lists of keys, none of them empty.
fn write_lists<W: Write + Send>(
    sheet: &Sheet<'_>,
    lists: impl Iterator<Item = Vec<ItemIx>>,
    group: &mut SerializedRowGroupWriter<'_, W>,
) -> Result<()> {
    let (mut keys, mut continues): (Vec<ByteArray>, Vec<i16>) = (Vec::new(), Vec::new());
    for list in lists {
        for (place, item) in list.into_iter().enumerate() {
            keys.push(sheet.dataset.items().key(item).into());
            continues.push((place > 0).into());
        }
    }
    let present = vec![1; keys.len()];
    write_column::<ByteArrayType, W>(group, &keys, Some(&present), Some(&continues))
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    present: Option<&[i16]>,
    continues: Option<&[i16]>,
) -> Result<()> {
    let column = group.next_column()?;
    let mut column =
        column.ok_or_else(|| ParquetError::General("the schema lacks a column".into()))?;
    column
        .typed::<T>()
        .write_batch(values, present, continues)?;
    column.close()
}
