//! Persons taken out of artefacts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use recommender_core::{Engine, FitOptions, Timestamp};
use recommender_files::{load_engine, save_engine};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Fits an engine anew to what is left, as the one given was fitted.
pub type Retrain<'a> = &'a dyn Fn(&Engine) -> Result<Engine>;

/// What became of a model that had learned from the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedModel {
    /// The directory of the artefact.
    pub artefact: PathBuf,
    /// The version that had learned from her, which is gone.
    pub version: String,
    /// The version that took its place.
    pub new_version: String,
    /// How she was taken out of it.
    pub method: ErasureMethod,
}

/// How a person is taken out of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErasureMethod {
    /// What it had learned from her was taken back exactly.
    Downdated,
    /// It was fitted anew to what is left.
    Retrained,
    /// Her key and history are gone from it; what it learned from her stays until it is fitted anew.
    PendingRetrain,
}

impl ErasureMethod {
    const ALL: [Self; 3] = [Self::Downdated, Self::Retrained, Self::PendingRetrain];

    fn name(self) -> &'static str {
        match self {
            Self::Downdated => "DOWNDATED",
            Self::Retrained => "RETRAINED",
            Self::PendingRetrain => "PENDING_RETRAIN",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// Notes in an artefact by which erasure it was made.
const ERASURE: &str = "erasure";

/// Notes in an artefact how a person was taken out of it.
const METHOD: &str = "erasure_method";

/// How an artefact is to be treated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModelPlan {
    pub(crate) artefact: PathBuf,
    /// The version that was looked at.
    version: String,
    /// Keys under which it may know her.
    users: Vec<String>,
    /// Whether what it holds under these keys is all of hers and nothing of others.
    exactly_hers: bool,
}

/// An event of a history, as an artefact knows it.
pub(crate) type Done = (String, Timestamp);

impl ModelPlan {
    /// Looks at an artefact before anything is gone: none if it has learned nothing from her, who is known by `users`
    /// and did `done`.
    ///
    /// # Errors
    /// If the artefact can't be read.
    pub(crate) fn new(artefact: &Path, users: &[String], done: &[Done]) -> Result<Option<Self>> {
        let (engine, manifest) = load_engine(artefact)?;
        let known = |key: &String| engine.users().get(key).is_some();
        let users: Vec<String> = users.iter().filter(|key| known(key)).cloned().collect();
        let mut held = BTreeMap::<(&str, Timestamp), i64>::new();
        for (item, time) in users.iter().flat_map(|user| engine.learned_of(user)) {
            *held.entry((item, time)).or_default() += 1;
        }
        // Events it was not there for, or of items it does not know, it can't have learned from.
        let end = engine.training().end;
        let learned = done
            .iter()
            .filter(|(item, time)| *time <= end && engine.items().get(item).is_some());
        let mut some = !users.is_empty();
        for (item, time) in learned {
            *held.entry((item.as_str(), *time)).or_default() -= 1;
            some = true;
        }
        Ok(some.then(|| Self {
            artefact: artefact.to_owned(),
            version: manifest.model_version().to_owned(),
            exactly_hers: held.values().all(|&surplus| surplus == 0),
            users,
        }))
    }

    /// Puts an artefact without her in the place of the one with her, noting the erasure in it. Done again, it finds it
    /// done.
    ///
    /// # Errors
    /// If the artefact can't be read or written.
    pub(crate) fn carry_out(&self, id: &str, retrain: Retrain<'_>) -> Result<ErasedModel> {
        let (engine, manifest) = load_engine(&self.artefact)?;
        let erased = |new_version: &str, method| ErasedModel {
            artefact: self.artefact.clone(),
            version: self.version.clone(),
            new_version: new_version.to_owned(),
            method,
        };
        let noted = |name: &str| manifest.created_by.get(name);
        if noted(ERASURE).is_some_and(|done| done == id) {
            let method = noted(METHOD).and_then(|name| ErasureMethod::of_name(name));
            let method = method.unwrap_or(ErasureMethod::PendingRetrain);
            return Ok(erased(manifest.model_version(), method));
        }
        // Another that was put there meanwhile was not looked at.
        let looked_at = manifest.model_version() == self.version;
        let (method, engine) = self.parted(engine, looked_at && self.exactly_hers, retrain)?;
        let mut facts = manifest.created_by.clone();
        facts.insert(ERASURE.into(), id.to_owned());
        facts.insert(METHOD.into(), method.name().into());
        let saved = save_engine(&engine, &facts, &self.artefact)?;
        Ok(erased(saved.model_version(), method))
    }

    fn parted(
        &self,
        engine: Engine,
        exactly_hers: bool,
        retrain: Retrain<'_>,
    ) -> Result<(ErasureMethod, Engine)> {
        let users: Vec<&str> = self.users.iter().map(String::as_str).collect();
        if exactly_hers && !users.is_empty() {
            let parted = engine.without(&users, &FitOptions::default())?;
            if let Some(parted) = parted {
                return Ok((ErasureMethod::Downdated, parted));
            }
        }
        match retrain(&engine) {
            Ok(fitted) => Ok((ErasureMethod::Retrained, fitted)),
            Err(error) => {
                // Nothing may be left to learn from: what can go goes at once.
                tracing::warn!(%error, artefact = %self.artefact.display(), "a model could not be fitted anew");
                let emptied = engine.without_histories_of(&users)?;
                Ok((ErasureMethod::PendingRetrain, emptied))
            }
        }
    }
}
