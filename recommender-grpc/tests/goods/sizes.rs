//! Estimates against measured memory: each measurement is made in a process of its own, which does nothing else.

use std::path::Path;
use std::process::Command;

use recommender_core::catalog::Product as CoreProduct;
use recommender_core::engine::{Engine, EngineRequest};
use recommender_core::events::{Event, EventKind, EventTable};
use recommender_core::{Dataset, FitOptions, PipelineConfig, Timestamp};
use recommender_grpc::proto::{
    EstimateResourcesRequest, EstimateResourcesResponse, ModelShape, ResourceUse,
};
use recommender_store::catalog::{ProductRecord, Stock};
use recommender_store::store::Submission;

use crate::shop::{Shop, open_store};

/// Says in a child where the thing lies that it is to measure.
const DIRECTORY: &str = "RECOMMENDER_TEST_SIZES_OF";

/// How far an estimate may be off.
const WITHIN: f64 = 0.2;

const PIPELINE: &str = r#"
    [[sources]]
    model = { kind = "ease", regularization = 100.0 }
    [[sources]]
    model = { kind = "item_knn", neighbours = 50 }
    [fallback]
    model = { kind = "popularity" }
"#;

/// Bytes of memory that this process uses.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().unwrap();
    kilobytes * 1024
}

/// What `measure` prints of `directory` in a process that runs the test of this name alone.
fn measured_in_child(test: &str, directory: &Path) -> u64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .env(DIRECTORY, directory)
        // One arena, so that what other threads might keep for themselves is not counted.
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // The harness writes the name of the test before it.
    let mut lines = said.lines().filter_map(|line| line.split_once("grown by "));
    let (_, bytes) = lines
        .next_back()
        .unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    bytes.parse().unwrap()
}

#[track_caller]
fn assert_near(what: &str, estimated: u64, measured: u64) {
    let ratio = estimated as f64 / measured as f64;
    println!("{what}: estimated {estimated}, measured {measured}, ratio {ratio:.3}");
    assert!(
        (ratio - 1.0).abs() <= WITHIN,
        "{what}: estimated {estimated}, measured {measured}: {ratio:.3}"
    );
}

async fn estimate(shop: &mut Shop, request: EstimateResourcesRequest) -> EstimateResourcesResponse {
    shop.admin
        .estimate_resources(request)
        .await
        .unwrap()
        .into_inner()
}

/// The sum of the parts that a server takes and whose names begin with one of these.
fn serving(estimated: &EstimateResourcesResponse, names: &[&str]) -> u64 {
    let parts = estimated
        .parts
        .iter()
        .filter(|part| part.r#use() == ResourceUse::Serving);
    let named = parts.filter(|part| names.iter().any(|name| part.name.starts_with(name)));
    named.map(|part| part.bytes.unsigned_abs()).sum()
}

fn key(kind: &str, number: u64) -> String {
    format!("{kind}-{number:012}")
}

/// Texts of two hundred bytes.
fn texts(number: u64) -> (String, String) {
    (format!("Product {number:022}"), "w".repeat(170))
}

/// What so many shoppers did with thirty different products each.
fn bought(users: u64, items: u64) -> impl Iterator<Item = Event> {
    let pairs = (0..users).flat_map(move |user| (0..30).map(move |turn| (user, turn)));
    pairs.map(move |(user, turn)| Event {
        id: Some(format!("{user}/{turn}")),
        visitor: key("user", user),
        item: Some(key("item", (user * 7919 + turn * turn * 31 + turn) % items)),
        kind: EventKind::Purchase,
        time: Some(Timestamp::from_seconds(
            i64::try_from(turn * 86_400 + user).unwrap(),
        )),
        quantity: 1.0,
        ..Event::default()
    })
}

/// Puts down a model of such a shop; gives how many pairs of a shopper and a product it learned from.
fn put_model(directory: &Path, users: u64, items: u64) -> u64 {
    let mut table = EventTable::new();
    for event in bought(users, items) {
        table.push(&event).unwrap();
    }
    let products = (0..items).map(|number| {
        let (title, description) = texts(number);
        CoreProduct {
            key: key("item", number),
            title,
            description,
            ..CoreProduct::default()
        }
    });
    let config = PipelineConfig::from_toml(PIPELINE).unwrap();
    let dataset = Dataset::new(table, products.collect(), config.interactions.clone()).unwrap();
    let pairs = dataset.interactions().by_user().nnz() as u64;
    let engine = Engine::fit(&config, &dataset, &FitOptions::default()).unwrap();
    let facts = recommender_core::artifact::Facts::default();
    recommender_files::save_engine(&engine, &facts, directory).unwrap();
    pairs
}

fn answer(directory: &Path) -> Engine {
    let (engine, _) = recommender_files::load_engine(directory).unwrap();
    let request = EngineRequest {
        user: Some(key("user", 1)),
        limit: 10,
        ..EngineRequest::default()
    };
    assert_eq!(engine.recommend(&request).unwrap().results.len(), 10);
    engine
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_served_model_takes_what_was_estimated() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        let directory = Path::new(&directory);
        // What a first answer takes of the program itself is not the model's.
        drop(answer(&directory.join("small")));
        let before = resident();
        let engine = answer(&directory.join("model"));
        println!("grown by {}", resident() - before);
        drop(engine);
        return;
    }
    let mut shop = Shop::open().await;
    for (users, items) in [(4_000, 1_500), (8_000, 4_000)] {
        let directory = tempfile::tempdir().unwrap();
        put_model(&directory.path().join("small"), 50, 100);
        let pairs = put_model(&directory.path().join("model"), users, items);
        let test = "sizes::a_served_model_takes_what_was_estimated";
        let measured = measured_in_child(test, directory.path());
        let model = |kind: &str, neighbours| ModelShape {
            kind: kind.to_owned(),
            neighbours,
            factors: 0,
        };
        let request = EstimateResourcesRequest {
            users: users.cast_signed(),
            items: items.cast_signed(),
            interactions: pairs.cast_signed(),
            events: (users * 30).cast_signed(),
            models: vec![
                model("ease", 0),
                model("item_knn", 50),
                model("popularity", 0),
            ],
            key_bytes: 17,
            product_bytes: 200,
            ..EstimateResourcesRequest::default()
        };
        let estimated = estimate(&mut shop, request).await;
        let names = [
            "model ",
            "keys",
            "products of the model",
            "histories of the model",
        ];
        assert_near(
            &format!("{items} items"),
            serving(&estimated, &names),
            measured,
        );
    }
}

/// Fills a store: products with texts of two hundred bytes, stock of each at twenty places, and events.
fn put_store(directory: &Path, users: u64, items: u64, places: u64) {
    let store = open_store(directory);
    let records = (0..items).map(|number| {
        let (title, description) = texts(number);
        ProductRecord {
            key: key("item", number),
            title,
            description,
            ..ProductRecord::default()
        }
    });
    let records: Vec<ProductRecord> = records.collect();
    for piece in records.chunks(1000) {
        store.put_products(piece).unwrap().wait().unwrap();
    }
    for place in 0..places {
        let levels: Vec<Stock> = records
            .iter()
            .map(|record| Stock {
                place: Some(key("place", place)),
                item: record.key.clone(),
                quantity: Some(2.0),
                price: None,
                set_time: Timestamp(0),
            })
            .collect();
        store.set_stock(&levels).unwrap().wait().unwrap();
    }
    let events: Vec<Submission> = bought(users, items).map(Submission::from).collect();
    for piece in events.chunks(2000) {
        store.write_events(piece.to_vec()).unwrap().wait().unwrap();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_store_takes_what_was_estimated() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        let directory = Path::new(&directory);
        drop(open_store(&directory.join("small")));
        let before = resident();
        let store = open_store(&directory.join("store"));
        println!("grown by {}", resident() - before);
        drop(store);
        return;
    }
    let mut shop = Shop::open().await;
    for (users, items) in [(1_000, 2_000), (4_000, 8_000)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let put = tokio::task::spawn_blocking(move || {
            put_store(&path.join("small"), 10, 10, 2);
            put_store(&path.join("store"), users, items, 20);
        });
        put.await.unwrap();
        let test = "sizes::a_store_takes_what_was_estimated";
        let measured = measured_in_child(test, directory.path());
        let request = EstimateResourcesRequest {
            items: items.cast_signed(),
            events: (users * 30).cast_signed(),
            stock_levels: (20 * items).cast_signed(),
            key_bytes: 17,
            product_bytes: 200,
            ..EstimateResourcesRequest::default()
        };
        let estimated = estimate(&mut shop, request).await;
        let names = ["products of the store", "stock", "events not sorted yet"];
        assert_near(
            &format!("{items} products"),
            serving(&estimated, &names),
            measured,
        );
    }
}
