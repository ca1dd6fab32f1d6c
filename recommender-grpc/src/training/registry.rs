//! The models as documents of the store, and the versions of them that answer.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use recommender_store::Store;
use recommender_store::record::Table;

use crate::error::ServeError;
use crate::models::Models;
use crate::operations::Operations;
use crate::resource::name_of;
use crate::status::Refusal;
use crate::training::directory::ModelsDirectory;
use crate::training::document::ModelDocument;
use crate::training::erasing::Erasures;
use crate::training::in_service::Loaded;
use crate::training::schedule::Keeper;
use crate::training::{MODEL_TYPE, MODELS};

/// The models: how they are kept, trained, and put in service. A handle: clones share it.
///
/// Its methods block, on the disk and on the store: they are for threads, not for tasks.
#[derive(Debug, Clone)]
pub(crate) struct Registry(pub(super) Arc<Inner>);

/// What a registry works with.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// Name of the catalogue.
    pub(crate) catalog: Arc<str>,
    /// Where models are kept and events are read.
    pub(crate) store: Option<Store>,
    /// Where versions lie.
    pub(crate) directory: Option<ModelsDirectory>,
    /// What answers.
    pub(crate) models: Models,
    /// Where trainings run.
    pub(crate) operations: Operations,
    /// Threads of a training.
    pub(crate) threads: usize,
    /// Directories of the models of the settings, by id.
    pub(crate) given: BTreeMap<String, PathBuf>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) around: Surroundings,
    pub(super) erasures: Erasures,
    /// Held while a document is changed or a version is put in service.
    writing: Mutex<()>,
    state: Mutex<State>,
}

/// What a registry knows besides its documents.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The versions at hand, by model.
    pub(super) loaded: HashMap<String, Loaded>,
    /// The model that is being trained or judged.
    training: Option<String>,
    /// [`Store::document_changes`] when it was last followed.
    pub(super) changes: Option<u64>,
    /// Keeps the schedules; none before it began and after it was ended.
    pub(super) keeper: Option<Keeper>,
}

/// That a model is being trained; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Turn(Registry);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.state().training = None;
    }
}

/// Ids of the models of which a version was promoted.
///
/// # Errors
/// [`ServeError::Registry`] if one can't be read.
pub(crate) fn promoted(store: &Store) -> Result<Vec<String>, ServeError> {
    let documents = store.documents::<ModelDocument>(Table::Model);
    let documents = documents.map_err(|error| ServeError::Registry(error.to_string()))?;
    let promoted = documents
        .into_iter()
        .filter(|(_, document)| document.serving.is_some());
    Ok(promoted.map(|(id, _)| id).collect())
}

impl Registry {
    /// The models of these surroundings; none is loaded yet.
    pub(crate) fn new(around: Surroundings) -> Self {
        Self(Arc::new(Inner {
            around,
            erasures: Erasures::default(),
            writing: Mutex::default(),
            state: Mutex::default(),
        }))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// While it is held, nobody else changes a document or puts a version in service.
    pub(super) fn writing(&self) -> MutexGuard<'_, ()> {
        self.0
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn store(&self) -> Result<&Store, Refusal> {
        self.0.around.store.as_ref().ok_or(Refusal::NoStore)
    }

    pub(super) fn directory(&self) -> Result<&ModelsDirectory, Refusal> {
        let directory = self.0.around.directory.as_ref();
        directory.ok_or_else(|| Refusal::Precondition {
            reason: "NO_MODELS_DIRECTORY",
            message: "this server has no directory for models: set models_directory".into(),
        })
    }

    /// The models that are kept, by id.
    ///
    /// # Errors
    /// If one can't be read.
    pub(crate) fn documents(&self) -> Result<Vec<ModelDocument>, Refusal> {
        let Some(store) = &self.0.around.store else {
            return Ok(Vec::new());
        };
        let documents = store.documents(Table::Model)?;
        Ok(documents
            .into_iter()
            .map(|(_, document)| document)
            .collect())
    }

    /// The model of this id, if it is kept.
    ///
    /// # Errors
    /// If one can't be read.
    pub(crate) fn find(&self, id: &str) -> Result<Option<ModelDocument>, Refusal> {
        let mut documents = self.documents()?.into_iter();
        Ok(documents.find(|document| document.id == id))
    }

    /// The model of this id.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is none; [`Refusal::Precondition`] if it is one of the settings, which is not kept.
    pub(crate) fn found(&self, id: &str) -> Result<ModelDocument, Refusal> {
        if let Some(document) = self.find(id)? {
            return Ok(document);
        }
        if self.is_given(id) {
            return Err(Refusal::Precondition {
                reason: "MODEL_IN_SETTINGS",
                message: format!("model \"{id}\" stands in the server's settings"),
            });
        }
        Err(Refusal::NotFound {
            resource_type: MODEL_TYPE,
            name: name_of(&self.0.around.catalog, MODELS, id),
        })
    }

    /// Whether a model of this id answers, or will, that is not kept.
    pub(crate) fn is_given(&self, id: &str) -> bool {
        let answers = self.0.around.models.snapshot().contains_key(id);
        let kept = self.state().loaded.contains_key(id);
        answers && !kept || self.0.around.given.contains_key(id)
    }

    /// Ids of the models that answer and are not kept.
    pub(crate) fn given(&self) -> Vec<String> {
        let answering = self.0.around.models.snapshot();
        let state = self.state();
        let kept = |id: &&String| state.loaded.contains_key(*id);
        let given = answering.keys().filter(|id| !kept(id));
        given.cloned().collect()
    }

    /// The version of a kept model that answers here, and what its answers name as theirs.
    pub(crate) fn answering(&self, id: &str) -> Option<(u64, String)> {
        let state = self.state();
        let (number, model) = &state.loaded.get(id)?.serving;
        Some((*number, model.version().to_owned()))
    }

    /// Whether the model is being trained or judged here.
    pub(crate) fn is_training(&self, id: &str) -> bool {
        self.state().training.as_deref() == Some(id)
    }

    /// Takes the one place there is for a training.
    pub(super) fn turn(&self, id: &str) -> Result<Turn, Refusal> {
        let mut state = self.state();
        if let Some(other) = &state.training {
            return Err(Refusal::Precondition {
                reason: "TRAINING_IN_PROGRESS",
                message: format!("\"{other}\" is being trained, tuned or judged"),
            });
        }
        state.training = Some(id.to_owned());
        Ok(Turn(self.clone()))
    }

    /// Whether anything is being trained or judged here.
    pub(super) fn is_busy(&self) -> bool {
        self.state().training.is_some()
    }

    /// Keeps a new model.
    ///
    /// # Errors
    /// [`Refusal::AlreadyExists`]; if the store can't write.
    pub(crate) fn create(&self, document: &ModelDocument) -> Result<(), Refusal> {
        let _writing = self.writing();
        self.must_be_new(&document.id)?;
        self.put(document)
    }

    /// Refuses an id that is taken.
    ///
    /// # Errors
    /// [`Refusal::AlreadyExists`].
    pub(crate) fn must_be_new(&self, id: &str) -> Result<(), Refusal> {
        if self.find(id)?.is_none() && !self.is_given(id) {
            return Ok(());
        }
        Err(Refusal::AlreadyExists {
            resource_type: MODEL_TYPE,
            name: name_of(&self.0.around.catalog, MODELS, id),
        })
    }

    /// Changes a model, and gives it as it is then.
    ///
    /// # Errors
    /// As [`Registry::found`]; what `change` says; if the store can't write.
    pub(crate) fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut ModelDocument) -> Result<(), Refusal>,
    ) -> Result<ModelDocument, Refusal> {
        let _writing = self.writing();
        self.change_locked(id, change)
    }

    /// As [`Registry::change`], for those who hold the lock.
    pub(super) fn change_locked(
        &self,
        id: &str,
        change: impl FnOnce(&mut ModelDocument) -> Result<(), Refusal>,
    ) -> Result<ModelDocument, Refusal> {
        let mut document = self.found(id)?;
        change(&mut document)?;
        document.update_time = self.store()?.now();
        self.put(&document)?;
        Ok(document)
    }

    fn put(&self, document: &ModelDocument) -> Result<(), Refusal> {
        let store = self.store()?;
        let write = store.put_document(Table::Model, &document.id, document)?;
        Ok(write.wait()?)
    }

    /// Deletes a model with its versions.
    ///
    /// # Errors
    /// As [`Registry::found`]; if it is being trained; if the store can't write or the files can't be removed.
    pub(crate) fn delete(&self, id: &str) -> Result<(), Refusal> {
        let _turn = self.turn(id)?;
        let _writing = self.writing();
        self.found(id)?;
        self.store()?.delete_document(Table::Model, id)?.wait()?;
        self.state().loaded.remove(id);
        self.0.around.models.remove(id);
        self.directory()?.remove_model(id)?;
        Ok(())
    }
}
