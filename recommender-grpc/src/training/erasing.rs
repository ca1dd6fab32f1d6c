//! Forgetting a person, and the models: an erasure takes her out of every artefact, and no training that read her
//! events before is published after.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use recommender_core::{Engine, FitOptions};
use recommender_store::erasure::ErasedModel;

use crate::status::Refusal;
use crate::training::document::Made;
use crate::training::giving_way::giving_way;
use crate::training::registry::Registry;
use crate::warming::open_and_warm;

/// Which erasures run and ran.
#[derive(Debug, Default)]
pub(super) struct Erasures(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: u64,
    running: u64,
}

impl Erasures {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) {
        let mut counts = self.counts();
        counts.begun += 1;
        counts.running += 1;
    }

    fn end(&self) {
        self.counts().running -= 1;
    }

    /// A mark of this moment: two that are equal had no erasure between them. None while one runs.
    pub(super) fn mark(&self) -> Option<u64> {
        let counts = self.counts();
        (counts.running == 0).then_some(counts.begun)
    }
}

/// An erasure under way, as far as models go. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Erasing {
    registry: Registry,
    artefacts: Vec<PathBuf>,
}

impl Drop for Erasing {
    fn drop(&mut self) {
        self.registry.0.erasures.end();
    }
}

impl Registry {
    /// Begins an erasure: [`Erasing::artefacts`] is what it has to look at.
    ///
    /// # Errors
    /// If the models can't be read.
    pub(crate) fn begin_erasure(&self) -> Result<Erasing, Refusal> {
        // A version that is being published is either among the artefacts, or sees that an erasure has begun.
        let _writing = self.writing();
        let around = &self.0.around;
        let mut artefacts: BTreeSet<PathBuf> = around.given.values().cloned().collect();
        if let Some(directory) = &around.directory {
            for document in self.documents()? {
                let numbers = document.versions.iter().map(|version| version.number);
                artefacts.extend(numbers.map(|number| directory.version(&document.id, number)));
            }
        }
        self.0.erasures.begin();
        Ok(Erasing {
            registry: self.clone(),
            artefacts: artefacts.into_iter().filter(|path| path.is_dir()).collect(),
        })
    }

    /// How many persons were erased since the last event of an artefact that is brought here. It may know them: of
    /// whom they were nothing is kept.
    ///
    /// # Errors
    /// [`Refusal::Precondition`] for a version that an erasure replaced, as it knows someone who was erased; if the
    /// receipts can't be read.
    pub(super) fn erased_since(&self, engine: &Engine, version: &str) -> Result<usize, Refusal> {
        let receipts = self.store()?.erasure_receipts()?;
        let mut replaced = receipts.iter().flat_map(|receipt| &receipt.models);
        if replaced.any(|model| model.version == version) {
            return Err(Refusal::Precondition {
                reason: "ERASED_PERSON",
                message: format!("artefact {version} knows a person who was erased: train anew"),
            });
        }
        let end = engine.training().end;
        let since = receipts.iter().filter(|it| it.completed_time >= end);
        Ok(since.count())
    }

    /// Goes on with the erasures that were interrupted, and serves what took the place of the artefacts that knew the
    /// persons.
    ///
    /// # Errors
    /// If something can't be read or written: then they go on at the next start.
    pub(super) fn resume_erasures(&self) -> Result<(), Refusal> {
        let erasing = self.begin_erasure()?;
        let done = self.store()?.resume_erasures(&|old| erasing.retrain(old))?;
        let models: Vec<ErasedModel> = (done.into_iter())
            .flat_map(|erasure| erasure.receipt.models)
            .collect();
        if !models.is_empty() {
            let (of, all) = (models.len(), erasing.artefacts().len());
            tracing::info!(models = of, of = all, "went on with erasures");
        }
        erasing.finish(&models)
    }
}

impl Erasing {
    /// The directories of all artefacts that may be served.
    pub(crate) fn artefacts(&self) -> &[PathBuf] {
        &self.artefacts
    }

    /// Fits an engine anew to what the store holds now, with the threads of a training.
    ///
    /// # Errors
    /// As [`recommender_store::Store::retrain`].
    pub(crate) fn retrain(&self, old: &Engine) -> recommender_store::Result<Engine> {
        let around = &self.registry.0.around;
        let options = FitOptions {
            threads: Some(around.threads),
            ..FitOptions::default()
        };
        let store = around.store.as_ref();
        let store = store.ok_or(recommender_store::StoreError::Closed)?;
        giving_way(|| store.retrain(old, &options))
    }

    /// Puts the artefacts that were written anew in service, in place of those that knew her.
    ///
    /// # Errors
    /// If one can't be loaded, or the store can't write.
    pub(crate) fn finish(&self, erased: &[ErasedModel]) -> Result<(), Refusal> {
        let around = &self.registry.0.around;
        let is_new = |path: &PathBuf| erased.iter().any(|model| model.artefact == *path);
        for (id, path) in around.given.iter().filter(|(_, path)| is_new(path)) {
            around.models.put(id, Arc::new(open_and_warm(path)?));
        }
        let Some(directory) = &around.directory else {
            return Ok(());
        };
        let _writing = self.registry.writing();
        for document in self.registry.documents()? {
            let path = |number| directory.version(&document.id, number);
            let numbers = document.versions.iter().map(|version| version.number);
            let new: Vec<u64> = numbers.filter(|&number| is_new(&path(number))).collect();
            if new.is_empty() {
                continue;
            }
            self.registry.change_locked(&document.id, |document| {
                let versions = document.versions.iter_mut();
                for version in versions.filter(|version| new.contains(&version.number)) {
                    let (_, manifest) = recommender_files::load_engine(&path(version.number))?;
                    version.made = Made::of(&manifest)?;
                }
                Ok(())
            })?;
            self.registry.reload(&document.id)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_tell_whether_an_erasure_came_between() {
        let erasures = Erasures::default();
        let before = erasures.mark();
        assert!(before.is_some() && before == erasures.mark());
        erasures.begin();
        erasures.begin();
        assert_eq!(erasures.mark(), None);
        erasures.end();
        assert_eq!(erasures.mark(), None);
        erasures.end();
        assert!(erasures.mark().is_some() && erasures.mark() != before);
    }
}
