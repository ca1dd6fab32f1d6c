//! The versions that answer: promoted, rolled back, loaded at the start, taken over from other servers.

use std::sync::Arc;

use recommender_store::Store;

use crate::models::ServedModel;
use crate::resource::name_of;
use crate::status::Refusal;
use crate::training::MODELS;
use crate::training::document::ModelDocument;
use crate::training::registry::Registry;
use crate::warming::open_and_warm;

/// The versions of a model that are at hand.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    /// The number of the one in service, and the model.
    pub(super) serving: (u64, Arc<ServedModel>),
    /// The one before it.
    previous: Option<(u64, Arc<ServedModel>)>,
}

impl Registry {
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
        self.serve_locked(id, (number, model))
    }

    /// Puts a version of a model in service that has answered, for those who hold the lock.
    pub(super) fn serve_locked(
        &self,
        id: &str,
        (number, model): (u64, Arc<ServedModel>),
    ) -> Result<ModelDocument, Refusal> {
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
