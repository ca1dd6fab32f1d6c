//! The demo's data in a store, as `recommender import` would put it there.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use recommender_core::events::Event;
use recommender_core::{Engine, FitOptions, PipelineConfig};
use recommender_files::EventOptions;
use recommender_store::catalog::ProductRecord;
use recommender_store::exchange::{self, ImportOptions};
use recommender_store::store::Reading;
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Store, StoreConfig};

use crate::commands::demo::{Files, products};
use crate::failure::Failure;

/// Products written at once.
const PRODUCTS_PER_WRITE: usize = 500;

/// A store of the data set, in a folder that goes with it.
pub(super) struct Stocked {
    pub(super) store: Store,
    _folder: Temporary,
}

/// A folder that is removed when it is dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What can't be removed lies where the system clears up by itself.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Stocked {
    /// Imports the events and products of the data set.
    pub(super) fn new(files: &Files) -> Result<Self, Failure> {
        let start = Instant::now();
        let name = format!("recommender-demo-{}", std::process::id());
        let folder = Temporary(std::env::temp_dir().join(name));
        let engine = EmbeddedEngine::open(&folder.0, EmbeddedConfig::default())?;
        let store = Store::open(Arc::new(engine), StoreConfig::default())?;
        let records = products(files, None)?.into_iter().map(ProductRecord::from);
        let records: Vec<ProductRecord> = records.collect();
        for records in records.chunks(PRODUCTS_PER_WRITE) {
            store.put_products(records)?.wait()?;
        }
        import_events(&store, files)?;
        let events = store.engine().status()?.contents.events;
        writeln!(
            io::stdout(),
            "\nImported {events} events and {} products into a store in {:.1} s.",
            records.len(),
            start.elapsed().as_secs_f64()
        )?;
        Ok(Self {
            store,
            _folder: folder,
        })
    }

    /// Trains on all that the store holds.
    pub(super) fn train(&self, config: &PipelineConfig) -> Result<Engine, Failure> {
        let reading = Reading::default();
        let products = self.store.products();
        let dataset = (self.store).training_set(reading, products, config.interactions.clone())?;
        Ok(Engine::fit(config, &dataset, &FitOptions::default())?)
    }
}

fn import_events(store: &Store, files: &Files) -> Result<(), Failure> {
    let door = |event: &mut Event| store.admit(event);
    let options = ImportOptions {
        reading: EventOptions {
            map: recommender_files::read_event_map(&files.events)?,
            ..EventOptions::default()
        },
        admit: Some(&door),
        ..ImportOptions::default()
    };
    let rows = [files.rows.clone()];
    exchange::import(&**store.engine(), &rows, &options, &mut |_| Ok(()))?;
    Ok(())
}
