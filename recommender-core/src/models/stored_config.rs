//! A model's configuration as an artefact holds it beside what was learned.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};

/// Under which name it stands among the tensors.
const NAME: &str = "config";

/// A configuration as JSON, which gives every number back as it was.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StoredConfig(Buffer<u8>);

impl StoredConfig {
    /// What is stored of the `config` of `model`.
    ///
    /// # Errors
    /// [`Error::Internal`] only.
    pub(super) fn of(model: &str, config: &impl Serialize) -> Result<Self> {
        let json = serde_json::to_vec(config)
            .map_err(|error| Error::Internal(format!("{model}: {error}")))?;
        Ok(Self(json.into()))
    }

    pub(super) fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put(NAME, &[self.0.len()], &self.0);
    }

    /// The configuration of `model` that [`StoredConfig::save`] put down, its ranges not yet checked.
    ///
    /// # Errors
    /// [`Error::Data`] if there is none.
    pub(super) fn load<C: DeserializeOwned>(model: &str, tensors: &Tensors) -> Result<C> {
        let (_, json) = tensors.get::<u8>(NAME)?;
        serde_json::from_slice(&json).map_err(|error| Error::data(model, error.to_string()))
    }
}
