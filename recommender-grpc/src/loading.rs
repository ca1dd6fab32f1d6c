//! Loading the models of the settings from their directories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recommender_core::engine::EngineRequest;
use recommender_core::{Error, Result};
use tokio::task::spawn_blocking;

use crate::error::ServeError;
use crate::models::{Models, ServedModel};

/// Puts a model behind each serving config of `directories` that has none yet, away from the threads that talk
/// to clients. A directory that stands behind several is loaded once.
pub(crate) async fn load(
    models: &Models,
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
        models.put(name, model);
    }
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

/// A model that has answered once: the first caller finds the files in memory.
pub(crate) fn open_and_warm(directory: &Path) -> Result<ServedModel> {
    let (engine, manifest) = recommender_files::load_engine(directory)?;
    let model = ServedModel::new(Arc::new(engine), manifest.model_version());
    model.engine().recommend(&EngineRequest {
        limit: 1,
        ..EngineRequest::default()
    })?;
    Ok(model)
}
