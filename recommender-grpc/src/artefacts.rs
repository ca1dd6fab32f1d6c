//! The artefacts behind the models, as an erasure asks for them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use recommender_core::{Engine, FitOptions};
use recommender_store::Store;
use recommender_store::erasure::ErasedModel;

use crate::loading;
use crate::models::Models;

/// Whoever keeps models, as an erasure asks of her. The calls block.
pub(crate) trait Artefacts: fmt::Debug + Send + Sync {
    /// Directories of all artefacts that may have learned from a person, whether they are served or kept.
    fn directories(&self) -> Vec<PathBuf>;

    /// Fits an engine as `old` was to what the store holds now.
    ///
    /// # Errors
    /// If it can't be fitted: the person's key and history are then taken out of it all the same.
    fn retrain(&self, old: &Engine) -> recommender_store::Result<Engine>;

    /// Serves what took the place of these artefacts.
    fn reload(&self, erased: &[ErasedModel]);
}

/// The artefacts that the settings name.
#[derive(Debug)]
pub(crate) struct ServedArtefacts {
    pub(crate) store: Option<Store>,
    pub(crate) models: Models,
    /// By the model's id.
    pub(crate) directories: BTreeMap<String, PathBuf>,
}

impl Artefacts for ServedArtefacts {
    fn directories(&self) -> Vec<PathBuf> {
        let mut directories: Vec<PathBuf> = self.directories.values().map(absolute).collect();
        directories.sort();
        directories.dedup();
        directories
    }

    fn retrain(&self, old: &Engine) -> recommender_store::Result<Engine> {
        match &self.store {
            Some(store) => store.retrain(old, &FitOptions::default()),
            None => Err(recommender_store::StoreError::Closed),
        }
    }

    fn reload(&self, erased: &[ErasedModel]) {
        for model in erased {
            let behind = self.directories.iter();
            let behind = behind.filter(|(_, directory)| absolute(directory) == model.artefact);
            let ids: Vec<&String> = behind.map(|(id, _)| id).collect();
            match loading::open_and_warm(&model.artefact) {
                Ok(loaded) => {
                    let loaded = Arc::new(loaded);
                    for id in ids {
                        tracing::info!(model = id, version = loaded.version(), "loaded again");
                        self.models.put(id, Arc::clone(&loaded));
                    }
                }
                Err(error) => {
                    let artefact = model.artefact.display();
                    tracing::error!(%error, %artefact, "an artefact can't be loaded again");
                }
            }
        }
    }
}

/// The directory by a name that means the same wherever an interrupted erasure is taken up again.
fn absolute(directory: &PathBuf) -> PathBuf {
    let found = directory.canonicalize();
    found.unwrap_or_else(|_| directory.clone())
}
