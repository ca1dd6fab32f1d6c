//! A fitted engine on its way to and from storage.
//!
//! An artefact is a set of files: `manifest.json` (what it is, and the length and checksum of the others),
//! `items.json` and `places.json` (keys), `catalog.jsonl` (products), `models/SOURCE.safetensors` (what each model
//! learned) and `histories.safetensors` (keys of persons and what they did: the only file about persons).
//! [`save()`] and [`load()`] work on any [`ArtifactSink`] and [`ArtifactSource`]; [`MemoryFiles`] is both.

mod files;
mod layout;
mod load;
mod manifest;
mod save;
mod tensors;

pub use files::{ArtifactSink, ArtifactSource, MemoryFiles};
pub use layout::MANIFEST;
pub use load::load;
pub use manifest::{FORMAT_VERSION, Facts, FileFacts, Manifest};
pub use save::save;
pub use tensors::{Element, TensorSink, Tensors};
