//! The shop that is served, for all figures one of 40,000 products, 20 stores, 20,000 shoppers with sixty events each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::engine::Engine as Fitted;
use recommender_core::events::{Channel, EventTable};
use recommender_core::{Dataset, Error, FitOptions, PipelineConfig, Result};
use recommender_grpc::proto::{self, RecommendContext, RecommendRequest};
use recommender_grpc::serving::{Action, Condition, Control, Direction, ServingConfig};
use recommender_store::catalog::{Money, Place, ProductRecord, Stock};
use recommender_store::filter::Filter;
use recommender_store::record::Table;
use recommender_store::store::Submission;
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Store, StoreConfig, StoreError};

use crate::service::shoppers::{self, CATEGORIES};
use crate::store::workload::Shop;

/// How much there is of what in the shop of all figures.
pub const SHOP: Shop = Shop {
    visitors: 20_000,
    items: 40_000,
    places: 20,
};

/// A shop that is made in seconds, for when the figures do not matter.
pub const SMALL: Shop = Shop {
    visitors: 400,
    items: 2000,
    places: 4,
};

/// Brands.
const BRANDS: u32 = 200;

/// The three sources: neighbours, vectors, sessions.
pub const PIPELINE: &str = r#"
    pool = 100
    [[sources]]
    model = { kind = "item_knn" }
    [[sources]]
    model = { kind = "ials", factors = 64, epochs = 4 }
    [[sources]]
    model = { kind = "vmis_knn" }
    [blend]
    method = "weighted"
    [fallback]
    model = { kind = "popularity", per_place = true }
"#;

/// The serving config that is asked.
const SERVING_CONFIG: &str = "catalogs/default/servingConfigs/home";

/// Where the parts of the shop stand.
#[derive(Debug)]
pub struct Folders {
    /// The store.
    pub store: PathBuf,
    /// The artefact.
    pub model: PathBuf,
}

impl Folders {
    /// Those below `dir`.
    #[must_use]
    pub fn below(dir: &Path) -> Self {
        Self {
            store: dir.join("store"),
            model: dir.join("model"),
        }
    }
}

/// What went wrong with a store.
#[must_use]
pub fn failed(error: &StoreError) -> Error {
    Error::data("store", error.to_string())
}

/// Opens the store of the shop.
///
/// # Errors
/// If it can't be opened.
pub fn open(folders: &Folders) -> Result<Store> {
    let engine = EmbeddedEngine::open(&folders.store, EmbeddedConfig::default());
    let engine = engine.map_err(|error| failed(&error))?;
    Store::open(Arc::new(engine), StoreConfig::default()).map_err(|error| failed(&error))
}

/// Makes a shop: its events, products, stock, rules and model.
///
/// # Errors
/// If it can't be written or learned from.
pub fn make(folders: &Folders, shop: Shop) -> Result<()> {
    let store = open(folders)?;
    let table = events(&store, shop).map_err(|error| failed(&error))?;
    goods(&store, shop).map_err(|error| failed(&error))?;
    rules(&store).map_err(|error| failed(&error))?;
    let config = PipelineConfig::from_toml(PIPELINE)?;
    let dataset = Dataset::new(table, store.products(), config.interactions.clone())?;
    let fitted = Fitted::fit(&config, &dataset, &FitOptions::default())?;
    recommender_files::save_engine(&fitted, &Default::default(), &folders.model)?;
    Ok(())
}

fn events(store: &Store, shop: Shop) -> Result<EventTable, StoreError> {
    let mut table = EventTable::new();
    for some in shoppers::events(shop, 3).chunks(1000) {
        for event in some {
            table.push(event)?;
        }
        let submissions = some.iter().cloned().map(Submission::from).collect();
        store.write_events(submissions)?.wait()?;
    }
    Ok(table)
}

/// Products of two hundred brands, each at six of ten of the places.
fn goods(store: &Store, shop: Shop) -> Result<(), StoreError> {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let places = (0..shop.places).map(|place| Place {
        key: format!("store-{place:03}"),
        ..Place::default()
    });
    store.put_places(&places.collect::<Vec<_>>())?.wait()?;
    let items: Vec<u32> = (0..shop.items).collect();
    for some in items.chunks(1000) {
        let products: Vec<ProductRecord> = some.iter().map(|&item| product(item)).collect();
        store.put_products(&products)?.wait()?;
        let mut levels = Vec::new();
        for item in some {
            for place in 0..shop.places {
                levels.push(Stock {
                    place: Some(format!("store-{place:03}")),
                    item: format!("item-{item:06}"),
                    quantity: Some(if random.random_ratio(6, 10) { 5.0 } else { 0.0 }),
                    price: None,
                    set_time: store.now(),
                });
            }
        }
        store.set_stock(&levels)?.wait()?;
    }
    Ok(())
}

fn product(item: u32) -> ProductRecord {
    ProductRecord {
        key: format!("item-{item:06}"),
        title: format!("Product {item}"),
        categories: vec![vec![format!("category {}", item % CATEGORIES)]],
        brands: vec![format!("brand {}", item % BRANDS)],
        price: Some(Money {
            currency_code: "EUR".into(),
            units: i64::from(item % 90) + 5,
            nanos: 0,
        }),
        ..ProductRecord::default()
    }
}

/// Two controls: some brands are moved up on the web, cheap goods are left out.
fn rules(store: &Store) -> Result<(), StoreError> {
    let filter = |text: &str| {
        let filter = Filter::parse(text);
        filter.map_err(|error| StoreError::invalid("filter", "a filter", error))
    };
    let controls = [
        Control {
            id: "house-brands".into(),
            display_name: "House brands first".into(),
            condition: Condition {
                channels: vec![Channel::Web],
                ..Condition::default()
            },
            action: Action::Boost {
                filter: filter("brands: ANY(\"brand 1\", \"brand 2\", \"brand 3\")")?,
                direction: Direction::Up,
                strength: 0.2,
            },
        },
        Control {
            id: "no-trinkets".into(),
            display_name: "Nothing for a few coins".into(),
            condition: Condition::default(),
            action: Action::Filter(filter("price >= 7")?),
        },
    ];
    for control in &controls {
        store
            .put_document(Table::Control, &control.id, control)?
            .wait()?;
    }
    let config = ServingConfig {
        controls: controls.map(|control| control.id).to_vec(),
        ..ServingConfig::of_model("home")
    };
    store
        .put_document(Table::ServingConfig, "home", &config)?
        .wait()
}

/// The question of a number: some shopper in some store of the shop asks for twenty products.
#[must_use]
pub fn question(shop: Shop, number: u64) -> RecommendRequest {
    let mut random = ChaCha8Rng::seed_from_u64(number);
    let visitor = random.random_range(0..shop.visitors);
    let place = random.random_range(0..shop.places);
    RecommendRequest {
        serving_config: SERVING_CONFIG.into(),
        context: Some(RecommendContext {
            visitor_id: format!("visitor-{visitor:06}"),
            place_id: format!("store-{place:03}"),
            channel: proto::Channel::Web.into(),
            ..RecommendContext::default()
        }),
        page_size: 20,
        ..RecommendRequest::default()
    }
}
