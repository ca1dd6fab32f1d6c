use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::events::{Channel, EventKind, EventTable};
use crate::time::Timestamp;

const HEADER: &str = "id,visitor,item,kind,channel,time,quantity,price";

fn read_as(format: Format, map: EventMap, bytes: &[u8]) -> Result<(EventTable, ReadReport)> {
    read_with(&EventReader::new(format).with_map(map), bytes)
}

fn read_with(reader: &EventReader, bytes: &[u8]) -> Result<(EventTable, ReadReport)> {
    let mut table = EventTable::new();
    let report = reader.read("in", bytes, &mut table)?;
    let accounted = report.kept
        + report.duplicates
        + report.refused_consent
        + report.without_item
        + report.dropped_rows()
        + report.bad_rows();
    assert_eq!(report.rows, accounted);
    Ok((table, report))
}

fn csv(text: &str) -> Result<(EventTable, ReadReport)> {
    read_as(Format::Csv, EventMap::default(), text.as_bytes())
}

/// A file of canonical columns with these rows.
fn rows(lines: &[&str]) -> String {
    let mut text = HEADER.to_owned();
    for line in lines {
        text.push('\n');
        text.push_str(line);
    }
    text
}

fn message(result: Result<(EventTable, ReadReport)>) -> String {
    let error = result.expect_err("the input is bad");
    assert!(matches!(error, crate::Error::Input(_)), "{error:?}");
    error.to_string()
}

#[test]
fn every_field_of_a_csv_row_arrives() {
    let text = "event_id,user,item,kind,channel,place,timestamp,quantity,price,basket,rating,consent\n\
        e1,ann,\"cup, large\",add_to_cart,kiosk,Leeds,1323435000,2.5,4.25,s1,4.5,granted\n\
        e2,ann,pot,view,,,1323435001,,,,,denied\n";
    let (table, report) = csv(text).unwrap();
    assert_eq!((report.kept, report.refused_consent), (1, 1));
    let row = table.row(0);
    assert_eq!(table.items().key(row.item), "cup, large");
    assert_eq!(table.users().key(row.user), "ann");
    assert_eq!(row.kind, EventKind::AddToCart);
    assert_eq!(row.channel, Some(Channel::Kiosk));
    assert_eq!(table.places().key(row.place.unwrap()), "Leeds");
    assert_eq!(row.time, Timestamp::from_seconds(1_323_435_000));
    assert_eq!(
        (row.quantity, row.price, row.rating),
        (2.5, Some(4.25), Some(4.5))
    );
    assert_eq!(table.session_key(row.session.unwrap()), "s1");
}

#[test]
fn mixed_line_ends_a_mark_and_blank_lines_change_nothing() {
    let text = "\u{feff}visitor,item,time\r\nann,cup,1\nann,pot,2\r\n\r\nbob,cup,3";
    let (table, report) = csv(text).unwrap();
    assert_eq!(report.kept, 3);
    assert_eq!(table.users().len(), 2);
    assert_eq!(table.items().len(), 2);
}

#[test]
fn files_of_nothing_are_refused() {
    for format in Format::ALL {
        let error = message(read_as(format, EventMap::default(), b""));
        assert!(
            error.contains("in: ") && error.contains("empty file"),
            "{error}"
        );
    }
    let (table, report) = csv(HEADER).unwrap();
    assert_eq!((table.len(), report.rows), (0, 0));
}

#[test]
fn a_missing_column_is_named_with_those_that_exist() {
    let error = message(csv("visitor,product,time\nann,cup,1\n"));
    assert_eq!(
        error,
        "in, row 1, field \"item\": expected a column named \"item\" or \"ItemId\", found the columns visitor, product, time"
    );
    let mut map = EventMap::default();
    map.assign("sku=item").unwrap();
    let error = message(read_as(Format::Csv, map, b"visitor,item,time\n"));
    assert!(error.contains("\"sku\""), "{error}");
    let error = message(csv("visitor,item,item,time\nann,cup,pot,1\n"));
    assert!(error.contains("two such columns"), "{error}");
}

#[test]
fn wrong_rows_name_row_field_expectation_and_finding() {
    for (line, expected) in [
        (
            "1,ann,cup,view",
            "row 3: expected 8 fields, as the header has, found 4",
        ),
        (
            "1,ann,cup,view,,1,1,1,9",
            "expected 8 fields, as the header has, found 9",
        ),
        (
            "1,,cup,view,,1,1,1",
            "field \"visitor\": expected the key of a visitor, found nothing",
        ),
        (
            "1,ann,cup,veiw,,1,1,1",
            "field \"kind\": expected one of view, click",
        ),
        (
            "1,ann,cup,,,1,1,1",
            "field \"kind\": expected a kind of event, found nothing",
        ),
        (
            "1,ann,cup,view,fax,1,1,1",
            "field \"channel\": expected one of web",
        ),
        ("1,ann,cup,view,,,1,1", "field \"time\": expected a time"),
        ("1,ann,cup,view,,soon,1,1", "found \"soon\""),
        (
            "1,ann,cup,view,,1,two,1",
            "field \"quantity\": expected a finite number, found \"two\"",
        ),
        (
            "1,ann,cup,view,,1,NaN,1",
            "field \"quantity\": expected a finite number, found \"NaN\"",
        ),
        (
            "1,ann,cup,view,,1,1e39,1",
            "field \"quantity\": expected a finite number",
        ),
        (
            "1,ann,cup,view,,1,-1,1",
            "field \"quantity\": expected a number above 0, found \"-1\"",
        ),
        (
            "1,ann,cup,view,,1,1,NaN",
            "field \"price\": expected a finite number of at least 0",
        ),
        ("1,ann,cup,view,,1,1,-inf", "field \"price\""),
        ("1,ann,cup,view,,1,1,-0.5", "field \"price\""),
    ] {
        let error = message(csv(&rows(&["0,bob,cup,view,web,1,1,1", line])));
        assert!(
            error.contains("in, row 3") && error.contains(expected),
            "{line}: {error}"
        );
    }
}

#[test]
fn bad_rows_are_counted_with_examples_where_asked() {
    let text = rows(&[
        "1,ann,cup,view,,1,1,1",
        "2,ann,cup,view,,1,1,NaN",
        "3,ann,cup,view,,,1,1",
        "4,ann,cup",
        "5,ann,pot,view,,1,1,x",
        "6,ann,pot,view,,1,1,2",
    ]);
    let reader = EventReader::new(Format::Csv).with_bad_rows(BadRows::Count);
    let (table, report) = read_with(&reader, text.as_bytes()).unwrap();
    assert_eq!((table.len(), report.rows, report.kept), (2, 6, 2));
    let prices = &report.bad["price: expected a finite number of at least 0"];
    assert_eq!(prices.rows, 2);
    assert!(
        prices.examples[0].contains("row 3, field \"price\""),
        "{prices:?}"
    );
    assert_eq!(report.bad_rows(), 4);
}

#[test]
fn an_event_id_seen_twice_counts_once() {
    let text = rows(&[
        "1,ann,cup,view,,1,1,1",
        "1,ann,cup,view,,1,1,1",
        "2,ann,cup,view,,1,1,1",
    ]);
    let (table, report) = csv(&text).unwrap();
    assert_eq!((table.len(), report.kept, report.duplicates), (2, 2, 1));
}

#[test]
fn other_encodings_are_refused_or_read_as_told() {
    let latin = b"visitor,item,time\nann,caf\xe9,1\n";
    let error = message(read_as(Format::Csv, EventMap::default(), latin));
    assert!(
        error.contains("row 2, field \"item\": expected UTF-8"),
        "{error}"
    );
    let map = EventMap::from_toml("m", "layout = { encoding = \"latin1\" }").unwrap();
    let (table, _) = read_as(Format::Csv, map, latin).unwrap();
    assert!(table.items().get("café").is_some());
    let error = message(read_as(
        Format::Adjacency,
        EventMap::default(),
        b"a b\na \xe9\n",
    ));
    assert!(error.contains("row 2: expected UTF-8"), "{error}");
}

#[test]
fn gzip_is_transparent_and_a_truncated_one_is_an_error() {
    let text = rows(&["1,ann,cup,view,,1,1,1"].repeat(1000));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let (_, report) = read_as(Format::Csv, EventMap::default(), &packed).unwrap();
    assert_eq!((report.rows, report.duplicates), (1000, 999));
    let error = message(read_as(
        Format::Csv,
        EventMap::default(),
        &packed[..packed.len() - 9],
    ));
    assert!(error.contains("complete file"), "{error}");
    let lenient = EventReader::new(Format::Csv).with_bad_rows(BadRows::Count);
    assert!(read_with(&lenient, &packed[..packed.len() - 9]).is_err());
}

#[test]
fn json_lines_carry_types_nulls_and_nested_keys() {
    let map = || {
        let mut map = EventMap::default();
        map.assign("who.id=visitor").unwrap();
        map
    };
    let text = "{\"who\":{\"id\":17},\"item\":\"cup\",\"time\":1323435000,\"price\":2.5,\"place\":null}\n\
        \n{\"who\":{\"id\":\"x\"},\"item\":null,\"time\":\"2011-12-09T12:50:00Z\",\"kind\":\"search\"}\r\n";
    let (table, report) = read_as(Format::Jsonl, map(), text.as_bytes()).unwrap();
    assert_eq!((report.kept, report.without_item), (1, 1));
    let row = table.row(0);
    assert_eq!(table.users().key(row.user), "17");
    assert_eq!(
        (row.price, row.place, row.kind),
        (Some(2.5), None, EventKind::Purchase)
    );
    for (line, expected) in [
        (
            "{\"item\":\"cup\",\"time\":1}",
            "field \"who.id\": expected the key of a visitor",
        ),
        (
            "{\"who\":{\"id\":1},\"item\":\"cup\"",
            "row 3: expected a JSON object",
        ),
        ("[1]", "expected a JSON object"),
        (
            "{\"who\":{\"id\":1},\"item\":\"cup\",\"time\":null}",
            "field \"time\"",
        ),
        ("{\"who\":{\"id\":1},\"item\":\"cup\"}", "field \"time\""),
        (
            "{\"who\":{\"id\":1},\"item\":[[1]],\"time\":1}",
            "field \"item\"",
        ),
        (
            "{\"who\":{\"id\":1},\"item\":\"cup\",\"time\":1,\"price\":NaN}",
            "JSON object",
        ),
        (
            "{\"who\":{\"id\":1},\"item\":\"cup\",\"time\":1,\"kind\":null}",
            "field \"kind\"",
        ),
    ] {
        let text = format!("{{\"who\":{{\"id\":1}},\"item\":\"a\",\"time\":1}}\n\n{line}\n");
        let error = message(read_as(Format::Jsonl, map(), text.as_bytes()));
        assert!(error.contains(expected), "{line}: {error}");
    }
}

#[test]
fn a_mapped_key_that_no_json_row_has_is_an_error() {
    let mut map = EventMap::default();
    map.assign("cost=price").unwrap();
    let text = b"{\"visitor\":\"ann\",\"item\":\"cup\",\"time\":1}\n";
    let error = message(read_as(Format::Jsonl, map, text));
    assert!(
        error.contains("\"cost\"") && error.contains("visitor"),
        "{error}"
    );
}

#[test]
fn adjacency_lists_give_untimed_purchases() {
    let (table, report) = read_as(
        Format::Adjacency,
        EventMap::default(),
        b"7 1 2\n8\t2\r\n9\n\n10  3 ",
    )
    .unwrap();
    assert_eq!((report.rows, report.kept, report.without_time), (4, 4, 4));
    assert!(!table.has_times());
    assert_eq!(table.users().len(), 3);
    assert_eq!(table.row(1).kind, EventKind::Purchase);
}

#[test]
fn a_line_is_a_session_of_its_own_and_pairs_end_with_what_comes_next() {
    for (format, text) in [
        (Format::Sessions, "7 7 3\n\n5 7\r\n"),
        (Format::Pairs, "7 7\t3\n\n5\t7\r\n"),
    ] {
        let (table, report) = read_as(format, EventMap::default(), text.as_bytes()).unwrap();
        assert_eq!((report.rows, report.kept, report.without_time), (5, 5, 5));
        let items: Vec<&str> = (0..5)
            .map(|row| table.items().key(table.item(row)))
            .collect();
        assert_eq!(items, ["7", "7", "3", "5", "7"]);
        assert_eq!(table.users().len(), 2);
        assert_eq!(table.session_key(table.session(4).unwrap()), "in:3");
        assert_eq!(table.users().key(table.user(0)), "in:1");
    }
}

#[test]
fn the_columns_of_session_logs_are_known_by_their_names() {
    let text = b"SessionId\tItemId\tTime\n27\t5959\t1593536687.5\n";
    let (table, _) = read_as(Format::Tsv, EventMap::default(), text).unwrap();
    assert_eq!(table.users().key(table.user(0)), "27");
    assert_eq!(table.session_key(table.session(0).unwrap()), "27");
    assert_eq!(table.time(0), Timestamp(1_593_536_687_500));
}

#[test]
fn movielens_files_give_ratings() {
    for text in [
        "1::31::2.5::1260759144\n1::32::3::1260759179\n",
        "1\t31\t2.5\t1260759144\n1\t32\t3\t1260759179\n",
    ] {
        let (table, report) =
            read_as(Format::MovieLens, EventMap::default(), text.as_bytes()).unwrap();
        assert_eq!(report.kept, 2);
        let row = table.row(0);
        assert_eq!((row.kind, row.rating), (EventKind::Rating, Some(2.5)));
        assert_eq!(row.time, Timestamp::from_seconds(1_260_759_144));
    }
    let error = message(read_as(
        Format::MovieLens,
        EventMap::default(),
        b"1::2::3\n",
    ));
    assert!(error.contains("row 1: expected 4 fields"), "{error}");
}

#[test]
fn files_without_times_need_to_be_told_so() {
    let text = b"visitor,item\nann,cup\n";
    let error = message(read_as(Format::Csv, EventMap::default(), text));
    assert!(error.contains("\"time\" or \"timestamp\""), "{error}");
    for map in ["times = \"optional\"", "columns = { time = \"\" }"] {
        let map = EventMap::from_toml("m", map).unwrap();
        let (table, report) = read_as(Format::Csv, map, text).unwrap();
        assert_eq!((table.has_times(), report.without_time), (false, 1));
    }
    let map = EventMap::from_toml("m", "times = \"optional\"").unwrap();
    let mixed = b"{\"visitor\":1,\"item\":2}\n{\"visitor\":1,\"item\":2,\"time\":3}\n";
    let error = message(read_as(Format::Jsonl, map, mixed));
    assert!(
        error.contains("row 2, field \"time\": expected no time"),
        "{error}"
    );
}

#[test]
fn rules_drop_and_change_rows() {
    let map = r#"
        columns = { visitor = "customer", item = "code", session = "invoice" }
        constants = { kind = "purchase", channel = "web", place = "UK" }
        anonymous = { column = "invoice", prefix = "invoice:" }
        item_case = "upper"
        [[drop]]
        reason = "postage"
        when = [{ column = "code", one_of = ["POST"] }]
        [[drop]]
        reason = "stock adjustment"
        when = [{ column = "quantity", at_most = 0 }]
        unless = [{ column = "invoice", starts_with = "C" }]
        [[set]]
        when = [{ column = "invoice", starts_with = "C" }]
        kind = "return"
        quantity = "absolute"
    "#;
    let text = "invoice,code,quantity,time,customer\n\
        1,85a,2,2011-01-01,17\n1,POST,1,2011-01-01,17\n2,85A,1,2011-01-02,\nC3,85a,-2,2011-01-03,17\n4,85a,-5,2011-01-04,\n";
    let map = EventMap::from_toml("m", map).unwrap();
    let (table, report) = read_as(Format::Csv, map.clone(), text.as_bytes()).unwrap();
    assert_eq!(report.kept, 3);
    assert_eq!(
        report.dropped,
        [("postage".into(), 1), ("stock adjustment".into(), 1)].into()
    );
    assert_eq!(table.items().len(), 1);
    assert_eq!(table.items().key(table.row(0).item), "85A");
    assert_eq!(table.users().key(table.row(1).user), "invoice:2");
    let returned = table.row(2);
    assert_eq!((returned.kind, returned.quantity), (EventKind::Return, 2.0));
    assert_eq!(returned.channel, Some(Channel::Web));
    assert_eq!(table.places().key(returned.place.unwrap()), "UK");
    let wrong = text.replace("1,85a,2,", "1,85a,two,");
    let error = message(read_as(Format::Csv, map, wrong.as_bytes()));
    assert!(
        error.contains("row 2, field \"quantity\": expected a number"),
        "{error}"
    );
}

#[test]
fn kinds_and_channels_are_translated() {
    let map = r#"
        columns = { kind = "behavior", visitor = "u" }
        kinds = { addtocart = "add_to_cart", stare = "custom:stare" }
        channels = { 1 = "point_of_sale" }
    "#;
    let map = EventMap::from_toml("m", map).unwrap();
    let text =
        "u,item,behavior,time,channel\na,b,addtocart,1,1\na,b,custom:nod,1,web\na,b,stare,1,\n";
    let (table, _) = read_as(Format::Csv, map, text.as_bytes()).unwrap();
    assert_eq!(table.row(0).kind, EventKind::AddToCart);
    assert_eq!(table.row(0).channel, Some(Channel::PointOfSale));
    assert_eq!(table.row(1).kind, EventKind::Custom("nod".into()));
    assert_eq!(table.row(2).kind, EventKind::Custom("stare".into()));
}

#[test]
fn a_file_without_a_header_is_read_by_the_layout() {
    let map = "layout = { delimiter = \"|\", header = [\"visitor\", \"item\", \"time\"] }";
    let map = EventMap::from_toml("m", map).unwrap();
    let (table, _) = read_as(Format::Csv, map, b"ann|cup|1\nbob|pot|2\n").unwrap();
    assert_eq!(table.len(), 2);
}

#[test]
fn tabs_separate_the_fields_of_tsv() {
    let text = b"visitor\titem\ttime\nann\tcup, red\t1\n";
    let (table, _) = read_as(Format::Tsv, EventMap::default(), text).unwrap();
    assert!(table.items().get("cup, red").is_some());
}

#[test]
fn something_else_than_parquet_is_refused() {
    let error = message(read_as(
        Format::Parquet,
        EventMap::default(),
        b"visitor,item\n",
    ));
    assert!(error.contains("a Parquet file"), "{error}");
}
