//! What an artefact says about itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::artifact::files::sha256;
use crate::digits::hex;
use crate::engine::Training;
use crate::error::{Error, InputError, Result};
use crate::events::EventKind;
use crate::pipeline::PipelineConfig;

/// The version of the format this crate writes, and the only one it reads.
pub const FORMAT_VERSION: u32 = 1;

/// Length of a model version, in hexadecimal digits.
const VERSION_DIGITS: usize = 12;

/// What the caller says about the making of an artefact, such as when and by whom; this crate adds nothing to it.
pub type Facts = BTreeMap<String, String>;

/// The contents of `manifest.json`, the file that makes a directory an artefact.
///
/// Its last field holds the SHA-256 of everything before it, so that a manifest that was cut or edited is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the format.
    pub format_version: u32,
    /// Version of the crate that wrote it.
    pub crate_version: String,
    /// What the writer said about the making.
    pub created_by: Facts,
    /// What was trained on.
    pub training: Training,
    /// How many items the models know.
    pub items: usize,
    /// How many places the models know.
    pub places: usize,
    /// Kinds of events by the code the histories use.
    pub event_kinds: Vec<EventKind>,
    /// The recipe, with the weights of events.
    pub pipeline: PipelineConfig,
    /// Length and checksum of every other file but the histories, which carry a seal of their own: forgetting a
    /// person writes that one file anew and touches nothing else.
    pub files: BTreeMap<String, FileFacts>,
    /// SHA-256 of everything before this field; empty until it is written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    sha256: String,
}

/// Length and checksum of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileFacts {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// What every version of the format has.
#[derive(Deserialize)]
struct AnyVersion {
    format_version: u64,
}

impl Manifest {
    /// A manifest that is not written yet.
    pub(crate) fn new(training: Training, pipeline: PipelineConfig, created_by: Facts) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            crate_version: env!("CARGO_PKG_VERSION").to_owned(),
            created_by,
            training,
            items: 0,
            places: 0,
            event_kinds: Vec::new(),
            pipeline,
            files: BTreeMap::new(),
            sha256: String::new(),
        }
    }

    /// A short name for exactly this content, which services report: equal data, recipe, seed and facts give
    /// equal versions.
    #[must_use]
    pub fn model_version(&self) -> &str {
        self.sha256.get(..VERSION_DIGITS).unwrap_or_default()
    }

    /// Seals the manifest and gives its text.
    pub(crate) fn seal(&mut self) -> Result<String> {
        self.sha256.clear();
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|error| Error::Internal(error.to_string()))?;
        let body = text.strip_suffix(CLOSE).unwrap_or(&text);
        self.sha256 = hex(&sha256(body.as_bytes()));
        Ok(format!("{body}{}", seal_of(body)))
    }

    /// Reads and checks a manifest; `origin` names it in errors.
    ///
    /// # Errors
    /// [`Error::Input`] if the text is no manifest, is of another version, was cut or edited, or its recipe is out
    /// of range.
    pub(crate) fn read(origin: &str, text: &[u8]) -> Result<Self> {
        let refused = |expected: String, found: String| InputError::new(origin, expected, found);
        let malformed = |error: serde_json::Error| refused("a manifest".into(), error.to_string());
        let any: AnyVersion = serde_json::from_slice(text).map_err(malformed)?;
        if any.format_version != u64::from(FORMAT_VERSION) {
            return Err(refused(
                format!("format version {FORMAT_VERSION}"),
                format!("format version {}", any.format_version),
            )
            .into());
        }
        let manifest: Self = serde_json::from_slice(text).map_err(malformed)?;
        if !is_sealed(text) {
            let expected = "the manifest as it was written";
            return Err(refused(expected.into(), "one that was altered".into()).into());
        }
        let recipe = manifest.pipeline.validate();
        recipe.map_err(|error| refused("a recipe within its ranges".into(), error.to_string()))?;
        Ok(manifest)
    }
}

/// How the text of a manifest ends before it is sealed.
const CLOSE: &str = "\n}";

/// What follows `body`.
fn seal_of(body: &str) -> String {
    let digest = hex(&sha256(body.as_bytes()));
    format!(",\n  \"sha256\": \"{digest}\"\n}}\n")
}

fn is_sealed(text: &[u8]) -> bool {
    let Some((body, seal)) = std::str::from_utf8(text)
        .ok()
        .and_then(|text| Some(text.split_at(text.rfind(",\n")?)))
    else {
        return false;
    };
    seal == seal_of(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn sealed() -> String {
        let training = Training {
            data_digest: "0".repeat(64),
            events: 3,
            end: Timestamp(5),
            seed: 7,
        };
        let pipeline = PipelineConfig::from_toml("[[sources]]\nmodel = { kind = \"random\" }");
        let facts = Facts::from([("made".into(), "by a test".into())]);
        let mut manifest = Manifest::new(training, pipeline.unwrap(), facts);
        manifest.seal().unwrap()
    }

    fn error(text: &str) -> String {
        let error = Manifest::read("dir/manifest.json", text.as_bytes()).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("dir/manifest.json"), "{error}");
        error
    }

    /// The text edited by someone who knows the seal.
    fn resealed(text: &str, from: &str, to: &str) -> String {
        let edited = text.replace(from, to);
        assert_ne!(edited, text);
        let (body, _) = edited.split_at(edited.rfind(",\n").unwrap());
        format!("{body}{}", seal_of(body))
    }

    #[test]
    fn a_manifest_comes_back() {
        let manifest = Manifest::read("m", sealed().as_bytes()).unwrap();
        assert_eq!(manifest.training.seed, 7);
        assert_eq!(manifest.model_version().len(), VERSION_DIGITS);
        let again = manifest.clone().seal().unwrap();
        assert_eq!(again, sealed());
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let text = sealed().into_bytes();
        for position in 0..text.len() {
            let mut altered = text.clone();
            altered[position] ^= 1;
            assert!(Manifest::read("m", &altered).is_err(), "byte {position}");
        }
    }

    #[test]
    fn other_versions_are_refused_by_number() {
        let newer = sealed().replace("\"format_version\": 1", "\"format_version\": 2");
        let found = error(&newer);
        assert!(
            found.contains("expected format version 1, found format version 2"),
            "{found}"
        );
    }

    #[test]
    fn unknown_fields_and_settings_are_named() {
        let unknown = resealed(&sealed(), "\"items\": 0", "\"things\": 0");
        assert!(error(&unknown).contains("things"), "{}", error(&unknown));
        let unknown = resealed(&sealed(), "\"pool\": 200", "\"pond\": 200");
        assert!(error(&unknown).contains("pond"), "{}", error(&unknown));
        let beyond = resealed(&sealed(), "\"pool\": 200", "\"pool\": 0");
        assert!(error(&beyond).contains("pool"), "{}", error(&beyond));
        assert!(error("").contains("EOF"));
        assert!(error("{}").contains("format_version"));
    }
}
