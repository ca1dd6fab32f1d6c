//! How fast a file of events becomes a table, on one core, beside what the `csv` crate alone needs for the same bytes.
//!
//! `csv_alone` goes over the records and does nothing with them; the ratio of the others to it is what typing, checking
//! and numbering keys cost. Elements are rows.

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use recommender_core::events::EventTable;
use recommender_core::events::read::{EventMap, EventReader};
use recommender_core::rows::Format;

/// Rows of the generated file.
const ROWS: u64 = 1_000_000;

/// A shop's log: 100,000 shoppers, 30,000 products, both with a long tail, times going up.
#[expect(clippy::cast_possible_truncation, reason = "choices of a handful")]
fn shop_log(ids: bool) -> String {
    let mut text = String::from("visitor,item,kind,channel,time,quantity,price\n");
    if ids {
        text.insert_str(0, "id,");
    }
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut below = |limit: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) * limit) >> 31
    };
    for row in 0..ROWS {
        if ids {
            write!(text, "event-{row:012},").expect("writing to a string never fails");
        }
        let visitor = below(100_000).min(below(100_000));
        let item = below(30_000).min(below(30_000));
        let kind = ["view", "view", "view", "add_to_cart", "purchase"][below(5) as usize];
        let channel = ["web", "app", "point_of_sale"][below(3) as usize];
        let (minute, second) = (row / 60 % 60, row % 60);
        let (hour, day) = (row / 3600 % 24, 1 + row / 86_400 % 28);
        writeln!(
            text,
            "v{visitor:08},sku-{item:06},{kind},{channel},2024-05-{day:02} {hour:02}:{minute:02}:{second:02},{},{}.{:02}",
            1 + below(3),
            below(200),
            below(100)
        )
        .expect("writing to a string never fails");
    }
    text
}

fn read(reader: &EventReader, bytes: &[u8]) -> EventTable {
    let mut table = EventTable::new();
    let report = reader.read("log.csv", bytes, &mut table);
    assert_eq!(report.expect("the log is well formed").kept, ROWS);
    table
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read_events");
    group.throughput(Throughput::Elements(ROWS));
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(15));
    let log = shop_log(false);
    group.bench_function("csv_alone", |bencher| {
        bencher.iter(|| {
            let mut reader = csv::Reader::from_reader(log.as_bytes());
            let mut record = csv::StringRecord::new();
            let mut bytes = 0;
            while reader
                .read_record(&mut record)
                .expect("the log is well formed")
            {
                bytes += record.as_slice().len();
            }
            black_box(bytes)
        });
    });
    let reader = EventReader::new(Format::Csv);
    group.bench_function("csv", |bencher| {
        bencher.iter(|| read(&reader, log.as_bytes()))
    });
    let map = EventMap::from_toml(
        "rules",
        r#"
        [[drop]]
        reason = "not for sale"
        when = [{ column = "item", one_of = ["POST", "FEE"] }]
        [[set]]
        when = [{ column = "visitor", starts_with = "x" }]
        kind = "return"
        "#,
    );
    let ruled = EventReader::new(Format::Csv).with_map(map.expect("the map is well formed"));
    group.bench_function("csv_with_rules", |bencher| {
        bencher.iter(|| read(&ruled, log.as_bytes()))
    });
    let with_ids = shop_log(true);
    group.bench_function("csv_with_event_ids", |bencher| {
        bencher.iter(|| read(&reader, with_ids.as_bytes()));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
