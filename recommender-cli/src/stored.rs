//! Stores, in folders and in PostgreSQL.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recommender_store::engine::Contents;
use recommender_store::postgres::{self, PostgresConfig, PostgresEngine};
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Engine, Store, StoreConfig, embedded};

use crate::failure::Failure;

/// Where a store is.
#[derive(Clone)]
pub(crate) enum Place {
    /// In a folder.
    Folder(PathBuf),
    /// In a database, by its url.
    Database(String),
}

impl From<OsString> for Place {
    fn from(word: OsString) -> Self {
        // A mistyped scheme is still a url: as the name of a folder it would be shown, with the password in it.
        let text = word.to_string_lossy();
        match text.contains("://") {
            true => Self::Database(text.into()),
            false => Self::Folder(word.into()),
        }
    }
}

impl fmt::Debug for Place {
    /// Leaves the url out: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.fmt(f),
            Self::Database(_) => f.write_str("a database"),
        }
    }
}

fn config_of(url: &str) -> PostgresConfig {
    PostgresConfig {
        url: url.into(),
        ..PostgresConfig::default()
    }
}

/// Opens the records of a store, which must be there.
pub(crate) fn open(place: &Place) -> Result<Arc<dyn Engine>, Failure> {
    let folder = match place {
        Place::Folder(folder) => folder,
        Place::Database(url) => {
            return Ok(Arc::new(PostgresEngine::open_existing(&config_of(url))?));
        }
    };
    // A mistyped name shall not become an empty store, nor another folder one.
    if !["manifest.json", "lock"]
        .iter()
        .any(|name| folder.join(name).is_file())
    {
        let message = format!("{}: expected the folder of a store", folder.display());
        return Err(Failure::call(message));
    }
    open_or_make(place)
}

fn open_or_make(place: &Place) -> Result<Arc<dyn Engine>, Failure> {
    Ok(match place {
        Place::Folder(folder) => {
            must_not_be_a_model(folder)?;
            Arc::new(EmbeddedEngine::open(folder, EmbeddedConfig::default())?)
        }
        Place::Database(url) => Arc::new(PostgresEngine::open(&config_of(url))?),
    })
}

/// Makes a store of a snapshot, where there must be none.
pub(crate) fn restore(from: &Path, place: &Place) -> Result<Contents, Failure> {
    match place {
        Place::Folder(folder) => {
            must_be_new(folder)?;
            Ok(embedded::restore(from, folder)?)
        }
        Place::Database(url) => Ok(postgres::restore(from, &config_of(url))?),
    }
}

/// Opens a store, which must be there, and what its records mean.
pub(crate) fn open_store(place: &Place, settings: Option<&Path>) -> Result<Store, Failure> {
    let settings = read_settings(settings)?;
    Ok(Store::open(open(place)?, settings)?)
}

/// As [`open_store`], but made if it is not there.
pub(crate) fn open_or_make_store(place: &Place, settings: Option<&Path>) -> Result<Store, Failure> {
    let settings = read_settings(settings)?;
    Ok(Store::open(open_or_make(place)?, settings)?)
}

fn read_settings(file: Option<&Path>) -> Result<StoreConfig, Failure> {
    let Some(file) = file else {
        return Ok(StoreConfig::default());
    };
    let text = fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?;
    toml::from_str(&text).map_err(|error| Failure::file(file, &error))
}

/// Refuses the folder of a model, which has a manifest too and would not be loaded any more with a store's lock in it.
fn must_not_be_a_model(folder: &Path) -> Result<(), Failure> {
    // A manifest that can't be read is left to the store, which names what is damaged.
    let text = fs::read(folder.join("manifest.json")).unwrap_or_default();
    let manifest = serde_json::from_slice::<serde_json::Value>(&text);
    match manifest.is_ok_and(|manifest| manifest.get("format").is_none()) {
        true => {
            let message = format!("{}: expected the folder of a store", folder.display());
            Err(Failure::call(message))
        }
        false => Ok(()),
    }
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
