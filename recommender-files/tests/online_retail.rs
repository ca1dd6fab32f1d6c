//! The committed Online Retail file, read with the committed maps, has the counts its README states.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::path::PathBuf;

use recommender_core::Timestamp;
use recommender_core::catalog::read::{ProductField, ProductMap};
use recommender_core::events::read::EventMap;
use recommender_core::events::{Channel, EventKind, EventTable};
use recommender_core::rows::ReadReport;
use recommender_files::{
    EventOptions, ProductOptions, read_event_map, read_events, read_product_map, read_products,
};

fn file(name: &str) -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../datasets/online-retail"
    ))
    .join(name)
}

fn read(map: EventMap) -> (EventTable, ReadReport) {
    let options = EventOptions {
        map,
        ..EventOptions::default()
    };
    let mut table = EventTable::new();
    let report = read_events(&file("online-retail.parquet"), &options, &mut table).unwrap();
    (table, report)
}

#[test]
fn the_file_holds_every_row_as_published() {
    let map = EventMap::from_toml(
        "counts",
        r#"
        columns = { visitor = "CustomerID", item = "StockCode", session = "InvoiceNo", place = "Country", time = "InvoiceDate" }
        anonymous = { column = "Country", prefix = "unknown buyer, " }
        [[set]]
        when = [{ column = "InvoiceNo", starts_with = "C" }]
        kind = "return"
        "#,
    );
    let (table, report) = read(map.unwrap());
    assert_eq!(
        (report.rows, report.kept, report.bad_rows()),
        (541_909, 541_909, 0)
    );
    assert_eq!((table.items().len(), table.places().len()), (4_070, 38));
    let rows = || (0..table.len()).map(|row| table.row(row));
    let is_unknown = |row: &recommender_core::events::EventRow| {
        table.users().key(row.user).starts_with("unknown buyer")
    };
    assert_eq!(rows().filter(is_unknown).count(), 135_080);
    let customers = table.users().iter();
    let customers = customers.filter(|(_, key)| !key.starts_with("unknown buyer"));
    assert_eq!(customers.count(), 4_372);
    let invoices: HashSet<u32> = rows().filter_map(|row| row.session).collect();
    assert_eq!(invoices.len(), 25_900);
    let cancelled: Vec<_> = rows().filter(|row| row.kind == EventKind::Return).collect();
    assert_eq!(cancelled.len(), 9_288);
    let cancellations: HashSet<u32> = cancelled.iter().filter_map(|row| row.session).collect();
    assert_eq!(cancellations.len(), 3_836);
    let times = || rows().map(|row| row.time);
    assert_eq!(times().min(), Some(Timestamp::from_seconds(1_291_191_960))); // 2010-12-01 08:26
    assert_eq!(times().max(), Some(Timestamp::from_seconds(1_323_435_000))); // 2011-12-09 12:50
}

#[test]
fn the_map_cleans_as_its_readme_says() {
    let (table, report) = read(read_event_map(&file("events.toml")).unwrap());
    assert_eq!(report.rows, 541_909);
    assert_eq!(report.rows, report.kept + report.dropped_rows());
    assert_eq!(report.kept, 536_465);
    let dropped: Vec<(&str, u64)> = report
        .dropped
        .iter()
        .map(|(reason, &rows)| (reason.as_str(), rows))
        .collect();
    assert_eq!(
        dropped,
        [
            ("bad-debt adjustment", 3),
            ("bank, marketplace or charity fee", 87),
            ("discount", 77),
            ("gift voucher", 34),
            ("manual line", 572),
            ("postage and carriage", 2_110),
            ("sample", 63),
            ("stock adjustment", 1_336),
            ("without a price", 1_162),
        ]
    );
    assert_eq!((table.users().len(), table.items().len()), (5_772, 3_813));
    assert!(table.items().get("85123A").is_some() && table.items().get("85123a").is_none());
    let rows = || (0..table.len()).map(|row| table.row(row));
    assert_eq!(
        rows().filter(|row| row.kind == EventKind::Return).count(),
        8_704
    );
    assert!(rows().all(|row| row.quantity > 0.0 && row.channel == Some(Channel::Web)));
    let customers = table.users().iter();
    let customers = customers.filter(|(_, key)| !key.starts_with("invoice:"));
    assert_eq!(customers.count(), 4_362);
}

#[test]
fn the_catalogue_comes_from_the_invoice_lines_before_a_time() {
    let options = |before| ProductOptions {
        map: read_product_map(&file("products.toml")).unwrap(),
        before,
        ..ProductOptions::default()
    };
    let path = file("online-retail.parquet");
    let (products, report) = read_products(&path, &options(None)).unwrap();
    assert_eq!((report.kept, products.len()), (536_465, 3_813));
    let heart = products.iter().find(|product| product.key == "85123A");
    let heart = heart.unwrap();
    assert_eq!(heart.title, "WHITE HANGING HEART T-LIGHT HOLDER");
    assert_eq!(heart.price, Some(2.95));
    assert!(products.iter().all(|product| !product.title.is_empty()));
    let christmas = Timestamp::from_seconds(1_293_235_200); // 2010-12-25
    let (early, _) = read_products(&path, &options(Some(christmas))).unwrap();
    assert!(early.len() < products.len(), "{}", early.len());
}

#[test]
fn a_column_the_file_lacks_is_named_with_those_it_has() {
    let mut map = ProductMap::default();
    map.columns.insert(ProductField::Key, "Sku".into());
    let options = ProductOptions {
        map,
        ..ProductOptions::default()
    };
    let error = read_products(&file("online-retail.parquet"), &options);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("\"Sku\"") && error.contains("StockCode"),
        "{error}"
    );
}
