//! Loading the models of the settings and of the store from their directories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recommender_core::{Error, Result};
use tokio::task::spawn_blocking;

use crate::error::ServeError;
use crate::models::{Models, ServedModel};
use crate::training::Registry;
use crate::warming::open_and_warm;

/// Puts a model behind each serving config of `directories` that has none yet, and in service what was promoted in the
/// registry, away from the threads that talk to clients. A directory that stands behind several is loaded once.
pub(crate) async fn load(
    models: &Models,
    registry: &Registry,
    directories: &BTreeMap<String, PathBuf>,
) -> Result<(), ServeError> {
    let present = models.snapshot();
    let mut loaded: BTreeMap<&Path, Arc<ServedModel>> = BTreeMap::new();
    for (name, directory) in directories {
        if present.contains_key(name) {
            continue;
        }
        let model = match loaded.get(&**directory) {
            Some(model) => Arc::clone(model),
            None => Arc::new(open(name, directory).await?),
        };
        loaded.insert(directory, Arc::clone(&model));
        tracing::info!(serving_config = name, version = model.version(), "loaded");
        let (models, name) = (models.clone(), name.clone());
        let put = spawn_blocking(move || models.put(&name, model)).await;
        put.map_err(|error| ServeError::Workers(error.to_string()))?;
    }
    let registry = registry.clone();
    let started = spawn_blocking(move || registry.start().map_err(|refusal| refusal.reason()));
    let started = started.await.unwrap_or_else(|error| Err(error.to_string()));
    started.map_err(ServeError::Registry)?;
    models.check();
    Ok(())
}

async fn open(name: &str, directory: &Path) -> Result<ServedModel, ServeError> {
    let path = directory.to_path_buf();
    spawn_blocking(move || open_and_warm(&path))
        .await
        .unwrap_or_else(|error| Err(Error::Internal(error.to_string())))
        .map_err(|source| ServeError::Model {
            serving_config: name.to_owned(),
            source,
        })
}
