//! Putting an engine down.

use std::io::{self, Write};

use crate::artifact::files::{Hashing, unwritten};
use crate::artifact::layout::{CATALOG, HISTORIES, ITEMS, MANIFEST, PLACES, model_file};
use crate::artifact::manifest::{Facts, FileFacts, Manifest};
use crate::artifact::{ArtifactSink, TensorSink};
use crate::catalog::Catalog;
use crate::digits::hex;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Puts `engine` down in `sink`: first the files, then the manifest that vouches for them.
///
/// Equal engines and facts give equal bytes.
///
/// # Errors
/// [`Error::Data`] naming the file that could not be written.
pub fn save(engine: &Engine, created_by: &Facts, sink: &mut dyn ArtifactSink) -> Result<Manifest> {
    let (training, pipeline) = (engine.training.clone(), engine.config.clone());
    let mut manifest = Manifest::new(training, pipeline, created_by.clone());
    manifest.items = engine.items.len();
    manifest.places = engine.places.len();
    manifest.event_kinds = engine.histories.kinds().to_vec();
    let mut writer = Writer {
        sink,
        manifest: &mut manifest,
    };
    writer.put(ITEMS, |out| Ok(serde_json::to_writer(out, &*engine.items)?))?;
    writer.put(PLACES, |out| {
        Ok(serde_json::to_writer(out, &engine.places)?)
    })?;
    writer.put(CATALOG, |out| write_products(&engine.catalog, out))?;
    for source in engine.pipeline.sources() {
        let mut tensors = TensorSink::default();
        source.model.save(&mut tensors);
        writer.put(&model_file(&source.name), |out| tensors.write(out))?;
    }
    save_histories(engine, sink)?;
    let text = manifest.seal()?;
    sink.write(MANIFEST, &mut |out| out.write_all(text.as_bytes()))
        .map_err(|error| unwritten(MANIFEST, &error))?;
    Ok(manifest)
}

/// Writes files and notes their length and checksum.
struct Writer<'a> {
    sink: &'a mut dyn ArtifactSink,
    manifest: &'a mut Manifest,
}

impl Writer<'_> {
    fn put(
        &mut self,
        name: &str,
        content: impl Fn(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let mut facts = None;
        let mut hashed = |out: &mut dyn Write| {
            let mut hashing = Hashing::new(out);
            content(&mut hashing)?;
            facts = Some(hashing.finish());
            Ok(())
        };
        let written = self.sink.write(name, &mut hashed);
        written.map_err(|error| unwritten(name, &error))?;
        let unasked = || Error::Internal(format!("nothing asked for the content of {name}"));
        let (bytes, digest) = facts.ok_or_else(unasked)?;
        let sha256 = hex(&digest);
        let facts = FileFacts { bytes, sha256 };
        self.manifest.files.insert(name.to_owned(), facts);
        Ok(())
    }
}

fn write_products(catalog: &Catalog, out: &mut dyn Write) -> io::Result<()> {
    for (_, product) in catalog.iter() {
        serde_json::to_writer(&mut *out, product)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Puts down the one file of `engine`'s artefact that speaks of persons. It names the data it belongs to and is
/// sealed in itself, so that it can replace its predecessor alone.
///
/// # Errors
/// [`Error::Data`] if it can't be written.
fn save_histories(engine: &Engine, sink: &mut dyn ArtifactSink) -> Result<()> {
    let (mut text, mut offsets) = (Vec::new(), vec![0u64]);
    for (_, key) in engine.users.iter() {
        text.extend_from_slice(key.as_bytes());
        offsets.push(text.len() as u64);
    }
    let digest = engine.training.data_digest.as_bytes();
    let mut tensors = TensorSink::default();
    engine.histories.save(&mut tensors);
    tensors.put("users.offsets", &[offsets.len()], &offsets);
    tensors.put("users.text", &[text.len()], &text);
    tensors.put("data_digest", &[digest.len()], digest);
    sink.write(HISTORIES, &mut |out| tensors.write_sealed(out))
        .map_err(|error| unwritten(HISTORIES, &error))
}
