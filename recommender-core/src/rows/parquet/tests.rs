use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;
use crate::rows::{Presence, RandomAccess};

const SCHEMA: &str = "message rows {
    required byte_array name (UTF8);
    optional int32 count;
    optional int64 whole;
    optional boolean flag;
    optional double number;
    optional float single;
    required int32 cents (DECIMAL(9, 2));
    required int32 day (DATE);
    required int64 ms (TIMESTAMP(MILLIS, false));
    required int64 us (TIMESTAMP(MICROS, true));
    required int64 ns (TIMESTAMP(NANOS, true));
    required int96 old;
    optional group place { optional byte_array key (UTF8); }
    repeated int32 many;
    required fixed_len_byte_array(4) raw;
}";

/// A file of `groups` row groups of three rows each; the second row is null wherever it may be.
fn file(groups: usize, compression: Compression) -> Bytes {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = WriterProperties::builder().set_compression(compression);
    let properties = Arc::new(properties.build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let some = [1i16, 0, 1];
    let texts = |texts: [&str; 3]| texts.map(ByteArray::from);
    let third = 1_323_435_000_123i64;
    for _ in 0..groups {
        let mut group = writer.next_row_group().unwrap();
        macro_rules! column {
            ($type:ty, $values:expr, $levels:expr) => {{
                let mut column = group.next_column().unwrap().unwrap();
                let levels: Option<&[i16]> = $levels;
                column
                    .typed::<$type>()
                    .write_batch(&$values, levels, levels.map(|_| &[0i16; 3][..]))
                    .unwrap();
                column.close().unwrap();
            }};
        }
        column!(ByteArrayType, texts(["a", " b ", "\u{e9}"]), None);
        column!(Int32Type, [7, -1], Some(&some));
        column!(Int64Type, [1 << 40, 2], Some(&some));
        column!(BoolType, [true, false], Some(&some));
        column!(DoubleType, [2.5, f64::NAN], Some(&some));
        column!(FloatType, [0.5, 2.0], Some(&some));
        column!(Int32Type, [1234, 0, -50], None);
        column!(Int32Type, [15_317, 0, -1], None);
        column!(Int64Type, [third, 0, 0], None);
        column!(Int64Type, [third * 1000 + 999, 0, -1], None);
        column!(Int64Type, [third * 1_000_000, 0, 0], None);
        let mut old = Int96::new();
        old.set_data(0, 0, 2_440_589);
        column!(Int96Type, [old, old, old], None);
        column!(
            ByteArrayType,
            texts(["x", "", ""])[..1],
            Some(&[2i16, 1, 0])
        );
        column!(Int32Type, [0; 0], Some(&[0i16; 3]));
        let raw = parquet::data_type::FixedLenByteArray::from(vec![0; 4]);
        column!(
            parquet::data_type::FixedLenByteArrayType,
            [raw.clone(), raw.clone(), raw],
            None
        );
        group.close().unwrap();
    }
    writer.into_inner().unwrap().into()
}

fn open(bytes: Bytes, columns: &[&str]) -> Result<ParquetRows> {
    open_input(Input::Bytes(bytes), columns)
}

fn open_input(input: Input<'_>, columns: &[&str]) -> Result<ParquetRows> {
    let wanted: Vec<Wanted> = columns
        .iter()
        .map(|&name| Wanted {
            names: vec![name.into()],
            presence: Presence::Required,
        })
        .collect();
    let mut rows = ParquetRows::open("f", input)?;
    rows.bind(&wanted)?;
    Ok(rows)
}

fn shown(rows: &mut ParquetRows, columns: usize) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    while let Step::Row = rows.advance().unwrap() {
        all.push((0..columns).map(|slot| rows.cell(slot).shown()).collect());
    }
    all
}

#[test]
fn every_type_is_read_with_its_nulls_across_groups() {
    let columns = [
        "name",
        "count",
        "whole",
        "flag",
        "number",
        "single",
        "cents",
        "place.key",
    ];
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
    ] {
        let mut rows = open(file(2, compression), &columns).unwrap();
        let shown = shown(&mut rows, columns.len());
        assert_eq!(shown.len(), 6);
        let first = [
            "\"a\"",
            "7",
            "1099511627776",
            "\"true\"",
            "2.5",
            "0.5",
            "12.34",
            "\"x\"",
        ];
        let none = "nothing";
        let second = ["\"b\"", none, none, none, none, none, "0", none];
        let third = ["\"é\"", "-1", "2", "\"false\"", "NaN", "2", "-0.5", none];
        for group in shown.chunks(3) {
            assert_eq!(group, [first, second, third]);
        }
        assert_eq!(rows.row(), 6);
    }
}

#[test]
fn dates_and_times_of_every_unit_are_points_in_time() {
    let mut rows = open(
        file(1, Compression::SNAPPY),
        &["day", "ms", "us", "ns", "old"],
    )
    .unwrap();
    rows.advance().unwrap();
    let time = Timestamp(1_323_435_000_123);
    assert_eq!(rows.cell(0), Cell::Time(Timestamp(15_317 * DAY_MS)));
    for slot in 1..4 {
        assert_eq!(rows.cell(slot), Cell::Time(time));
    }
    assert_eq!(rows.cell(4), Cell::Time(Timestamp(DAY_MS)));
    rows.advance().unwrap();
    rows.advance().unwrap();
    assert_eq!(rows.cell(2), Cell::Time(Timestamp(-1)));
}

#[test]
fn more_rows_than_a_batch_come_in_order() {
    let groups = BATCH_ROWS / 3 + 10;
    let mut rows = open(file(groups, Compression::SNAPPY), &["count"]).unwrap();
    assert_eq!(shown(&mut rows, 1).len(), groups * 3);
}

#[test]
fn lists_fixed_bytes_unknown_columns_and_broken_files_are_refused() {
    let bytes = file(1, Compression::SNAPPY);
    for (column, expected) in [
        ("many", "field \"many\": expected a flat column"),
        ("raw", "field \"raw\": expected a flat column"),
        (
            "nmae",
            "expected a column named \"nmae\", found the columns name, count",
        ),
    ] {
        let error = open(bytes.clone(), &[column]).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let truncated = open(bytes.slice(..bytes.len() - 20), &["name"]);
    assert!(matches!(truncated.err(), Some(Error::Input(_))));
}

/// A file that is never whole in memory; each reading gives at most seven bytes.
struct Slow(Bytes);

impl RandomAccess for Slow {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.0[usize::try_from(offset).unwrap().min(self.0.len())..];
        let read = rest.len().min(buffer.len()).min(7);
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }
}

#[test]
fn a_file_read_piece_by_piece_gives_the_rows_of_one_in_memory() {
    let bytes = file(3, Compression::SNAPPY);
    let columns = ["name", "count", "ms", "place.key"];
    let random = |bytes: Bytes| Input::Random(Arc::new(Slow(bytes))).random("f");
    let mut whole = open(bytes.clone(), &columns).unwrap();
    let mut pieces = open_input(random(bytes.clone()).unwrap(), &columns).unwrap();
    assert_eq!(shown(&mut whole, 4), shown(&mut pieces, 4));
    for cut in [1, 20, bytes.len() / 2, bytes.len() - 5] {
        let input = random(bytes.slice(..bytes.len() - cut)).unwrap();
        let error = open_input(input, &columns).err();
        assert!(matches!(error, Some(Error::Input(_))), "{cut}");
    }
    let error = random(Bytes::new()).err().unwrap().to_string();
    assert!(error.contains("an empty file"), "{error}");
}
