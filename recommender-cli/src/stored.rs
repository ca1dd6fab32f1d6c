//! Stores in folders.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use recommender_store::{EmbeddedConfig, EmbeddedEngine, Engine, Store, StoreConfig};

use crate::failure::Failure;

/// Opens the records in `folder`, which must be there.
pub(crate) fn open(folder: &Path) -> Result<Arc<dyn Engine>, Failure> {
    // A mistyped name shall not become an empty store, nor another folder one.
    if !["manifest.json", "lock"]
        .iter()
        .any(|name| folder.join(name).is_file())
    {
        let message = format!("{}: expected the folder of a store", folder.display());
        return Err(Failure::call(message));
    }
    open_or_make(folder)
}

fn open_or_make(folder: &Path) -> Result<Arc<dyn Engine>, Failure> {
    let engine = EmbeddedEngine::open(folder, EmbeddedConfig::default())?;
    Ok(Arc::new(engine))
}

/// Opens the store in `folder`, which must be there, and what its records mean.
pub(crate) fn open_store(folder: &Path, settings: Option<&Path>) -> Result<Store, Failure> {
    let settings = read_settings(settings)?;
    Ok(Store::open(open(folder)?, settings)?)
}

/// As [`open_store`], but made if it is not there.
pub(crate) fn open_or_make_store(folder: &Path, settings: Option<&Path>) -> Result<Store, Failure> {
    let settings = read_settings(settings)?;
    Ok(Store::open(open_or_make(folder)?, settings)?)
}

fn read_settings(file: Option<&Path>) -> Result<StoreConfig, Failure> {
    let Some(file) = file else {
        return Ok(StoreConfig::default());
    };
    let text = fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?;
    toml::from_str(&text).map_err(|error| Failure::file(file, &error))
}

/// Refuses a folder that is there already.
pub(crate) fn must_be_new(folder: &Path) -> Result<(), Failure> {
    if !folder.exists() {
        return Ok(());
    }
    let message = format!(
        "{}: expected a folder that does not exist yet",
        folder.display()
    );
    Err(Failure::call(message))
}
