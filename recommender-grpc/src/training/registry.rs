//! The models as documents of the store, and the versions of them that answer.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use recommender_store::Store;
use recommender_store::record::Table;

use crate::error::ServeError;
use crate::loading::open_and_warm;
use crate::models::{Models, ServedModel};
use crate::operations::Operations;
use crate::resource::name_of;
use crate::status::Refusal;
use crate::training::directory::ModelsDirectory;
use crate::training::document::ModelDocument;
use crate::training::erasing::Erasures;
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

#[derive(Debug, Default)]
struct State {
    loaded: HashMap<String, Loaded>,
    /// The model that is being trained or judged.
    training: Option<String>,
    /// [`Store::document_changes`] when it was last followed.
    changes: Option<u64>,
}

/// The versions of a model that are at hand.
#[derive(Debug, Clone)]
struct Loaded {
    serving: (u64, Arc<ServedModel>),
    previous: Option<(u64, Arc<ServedModel>)>,
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

    fn state(&self) -> MutexGuard<'_, State> {
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
                message: format!("model \"{other}\" is being trained or judged"),
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

    /// Puts a version in service, as soon as it has answered.
    ///
    /// # Errors
    /// As [`Registry::found`]; [`Refusal::NotFound`] if there is no such version; [`Refusal::Precondition`] if its files
    /// are missing or damaged.
    pub(crate) fn promote(&self, id: &str, number: u64) -> Result<ModelDocument, Refusal> {
        let _writing = self.writing();
        self.promote_locked(id, number)
    }

    /// As [`Registry::promote`], for those who hold the lock.
    pub(super) fn promote_locked(&self, id: &str, number: u64) -> Result<ModelDocument, Refusal> {
        let document = self.found(id)?;
        if document.version(number).is_none() {
            let name = name_of(&self.0.around.catalog, MODELS, id);
            return Err(Refusal::NotFound {
                resource_type: "recommender.v1.ModelVersion",
                name: format!("{name}/versions/{number}"),
            });
        }
        let model = self.load(id, number)?;
        let document = self.change_locked(id, |document| {
            document.serve(number);
            Ok(())
        })?;
        self.put_in_service(id, (number, model));
        Ok(document)
    }

    /// Puts the version before the one in service back.
    ///
    /// # Errors
    /// [`Refusal::Precondition`] if there is none, else as [`Registry::promote`].
    pub(crate) fn roll_back(&self, id: &str) -> Result<ModelDocument, Refusal> {
        let _writing = self.writing();
        match self.found(id)?.previous {
            Some(previous) => self.promote_locked(id, previous),
            None => Err(Refusal::Precondition {
                reason: "NO_PREVIOUS_VERSION",
                message: format!("no version of model \"{id}\" was in service before"),
            }),
        }
    }

    /// A version that has answered: one that is at hand, else from its files.
    fn load(&self, id: &str, number: u64) -> Result<Arc<ServedModel>, Refusal> {
        let at_hand = self.state().loaded.get(id).and_then(|loaded| {
            let (serving, previous) = (Some(&loaded.serving), loaded.previous.as_ref());
            let mut versions = serving.into_iter().chain(previous);
            let found = versions.find(|(version, _)| *version == number);
            found.map(|(_, model)| Arc::clone(model))
        });
        match at_hand {
            Some(model) => Ok(model),
            None => self.read(id, number),
        }
    }

    /// A version from its files, once it has answered.
    pub(super) fn read(&self, id: &str, number: u64) -> Result<Arc<ServedModel>, Refusal> {
        let path = self.directory()?.version(id, number);
        let model = open_and_warm(&path).map_err(|error| {
            tracing::error!(%error, model = id, version = number, "a version can't be used");
            Refusal::Precondition {
                reason: "UNUSABLE_ARTEFACT",
                message: format!("version {number} of model \"{id}\" can't be used: {error}"),
            }
        })?;
        Ok(Arc::new(model))
    }

    fn put_in_service(&self, id: &str, serving: (u64, Arc<ServedModel>)) {
        let mut state = self.state();
        let previous = match state.loaded.remove(id) {
            Some(old) if old.serving.0 == serving.0 => old.previous,
            old => old.map(|old| old.serving),
        };
        tracing::info!(
            model = id,
            version = serving.0,
            digest = serving.1.version(),
            "in service"
        );
        self.0.around.models.put(id, Arc::clone(&serving.1));
        state
            .loaded
            .insert(id.to_owned(), Loaded { serving, previous });
    }

    /// Takes the versions at hand of a model anew from their files, which have changed.
    pub(super) fn reload(&self, id: &str) -> Result<(), Refusal> {
        let at_hand = self.state().loaded.remove(id);
        let Some(Loaded { serving, previous }) = at_hand else {
            return Ok(());
        };
        if let Some((number, _)) = previous {
            let model = self.read(id, number)?;
            self.put_in_service(id, (number, model));
        }
        let model = self.read(id, serving.0)?;
        self.put_in_service(id, (serving.0, model));
        Ok(())
    }

    /// Removes what a training that was cut short left behind, and loads the versions in service; where one is damaged,
    /// the one before it.
    ///
    /// # Errors
    /// If a model can't be loaded at all.
    pub(crate) fn start(&self) -> Result<(), Refusal> {
        let Some(store) = &self.0.around.store else {
            return Ok(());
        };
        self.state().changes = Some(store.document_changes());
        let documents = self.documents()?;
        self.clean(store, &documents)?;
        for document in documents {
            let Some(serving) = document.serving else {
                continue;
            };
            let (id, previous) = (&document.id, document.previous);
            match (self.read(id, serving), previous) {
                (Ok(model), _) => self.put_in_service(id, (serving, model)),
                (Err(Refusal::Precondition { .. }), Some(previous)) => {
                    self.promote(id, previous)?;
                }
                (Err(refusal), _) => return Err(refusal),
            }
        }
        Ok(())
    }

    /// Removes what is no version. Where several servers share the models, another may be at work on one.
    fn clean(&self, store: &Store, documents: &[ModelDocument]) -> Result<(), Refusal> {
        let status = store.engine().status()?;
        let Some(directory) = &self.0.around.directory else {
            return Ok(());
        };
        // A store in a directory belongs to one process at a time.
        if status.engine.starts_with("directory") {
            for document in documents {
                directory.clean(document)?;
            }
        }
        Ok(())
    }

    /// Takes over what other servers promoted.
    pub(super) fn follow(&self) -> Result<(), Refusal> {
        let Some(store) = &self.0.around.store else {
            return Ok(());
        };
        let changes = store.document_changes();
        if self.state().changes == Some(changes) {
            return Ok(());
        }
        let _writing = self.writing();
        let documents = self.documents()?;
        self.drop_deleted(&documents);
        for document in &documents {
            let here = self.answering(&document.id).map(|(number, _)| number);
            if let Some(number) = document.serving
                && here != Some(number)
            {
                // What can't be loaded was logged, and is tried again when a document changes.
                if let Ok(model) = self.load(&document.id, number) {
                    self.put_in_service(&document.id, (number, model));
                }
            }
        }
        self.state().changes = Some(changes);
        Ok(())
    }

    fn drop_deleted(&self, documents: &[ModelDocument]) {
        let mut state = self.state();
        let is_kept = |id: &String| documents.iter().any(|document| document.id == *id);
        let gone: Vec<String> = state
            .loaded
            .keys()
            .filter(|id| !is_kept(id))
            .cloned()
            .collect();
        for id in gone {
            state.loaded.remove(&id);
            self.0.around.models.remove(&id);
        }
    }
}
