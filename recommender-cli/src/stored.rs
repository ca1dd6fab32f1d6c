//! Stores in folders.

use std::path::Path;

use recommender_store::{EmbeddedConfig, EmbeddedEngine, Engine};

use crate::failure::Failure;

/// Opens the store in `folder`, which is made if it is not there.
pub(crate) fn open_or_make(folder: &Path) -> Result<Box<dyn Engine>, Failure> {
    let engine = EmbeddedEngine::open(folder, EmbeddedConfig::default())?;
    Ok(Box::new(engine))
}

/// Opens the store in `folder`, which must be there.
pub(crate) fn open(folder: &Path) -> Result<Box<dyn Engine>, Failure> {
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
