//! Taking an engine up again.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use rayon::prelude::*;

use crate::artifact::files::{read, sha256};
use crate::artifact::layout::{
    CATALOG, HISTORIES, ITEMS, MANIFEST, PLACES, described_files, model_file,
};
use crate::artifact::manifest::{FileFacts, Manifest};
use crate::artifact::{ArtifactSource, Tensors};
use crate::buffer::Buffer;
use crate::catalog::{Catalog, Product};
use crate::digits::hex;
use crate::engine::Engine;
use crate::error::{Error, InputError, Result};
use crate::histories::Histories;
use crate::ids::{DenseIndex, ItemIx, PlaceIx, UserIx, Vocabulary};
use crate::pipeline::Pipeline;

/// Takes up the engine that [`save`](super::save()) put down. Tensors stay where `source` has them; keys and products are copied.
///
/// # Errors
/// [`Error::Input`] or [`Error::Data`] naming the file that is missing, unknown, cut, altered, of another version,
/// or does not fit the others.
pub fn load(source: &dyn ArtifactSource) -> Result<(Engine, Manifest)> {
    let manifest = Manifest::read(&source.origin(MANIFEST), &read(source, MANIFEST)?)?;
    let files = Files::open(source, &manifest)?;
    // A checksum goes through a file byte by byte on one thread, about as long as all the rest takes on the others. What
    // is made of files that were altered is an error or is dropped.
    let (checked, engine) = rayon::join(|| files.check_contents(), || files.engine());
    checked?;
    let engine = engine?;
    Ok((engine, manifest))
}

/// The files of an artefact, each read once, with the manifest that describes them.
struct Files<'a> {
    source: &'a dyn ArtifactSource,
    manifest: &'a Manifest,
    contents: BTreeMap<String, Bytes>,
}

impl<'a> Files<'a> {
    fn open(source: &'a dyn ArtifactSource, manifest: &'a Manifest) -> Result<Self> {
        let mut files = Self {
            source,
            manifest,
            contents: BTreeMap::new(),
        };
        let names = files.check_names()?;
        let contents = names.into_iter().map(|name| {
            let content = read(source, &name)?;
            Ok((name, content))
        });
        files.contents = contents.collect::<Result<_>>()?;
        files.check_lengths()?;
        Ok(files)
    }

    fn engine(&self) -> Result<Engine> {
        let manifest = self.manifest;
        let mut items: Vocabulary<ItemIx> = self.keys(ITEMS, manifest.items)?;
        let places: Vocabulary<PlaceIx> = self.keys(PLACES, manifest.places)?;
        let catalog = self.catalog(&mut items)?;
        let (users, histories) = self.histories()?;
        Ok(Engine {
            pipeline: self.pipeline(&catalog)?,
            config: manifest.pipeline.clone(),
            users,
            items: Arc::new(items),
            places,
            catalog,
            histories,
            training: manifest.training.clone(),
        })
    }

    fn refused(&self, name: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
        InputError::new(self.source.origin(name), expected, found).into()
    }

    /// Every file the recipe asks for is described, and no other is there. Gives the names of all but the manifest.
    fn check_names(&self) -> Result<Vec<String>> {
        let mut expected = described_files(&self.manifest.pipeline);
        for name in &expected {
            if !self.manifest.files.contains_key(name) {
                return Err(self.refused(MANIFEST, format!("a checksum of {name}"), "none"));
            }
        }
        if let Some(name) = self
            .manifest
            .files
            .keys()
            .find(|name| !expected.contains(name))
        {
            return Err(self.refused(MANIFEST, "files of this recipe only", format!("\"{name}\"")));
        }
        expected.push(HISTORIES.to_owned());
        let there = self.source.names();
        let unlisted = |error: io::Error| {
            self.refused(
                MANIFEST,
                "a directory that can be listed",
                error.to_string(),
            )
        };
        for name in there.map_err(unlisted)? {
            if name != MANIFEST && !expected.contains(&name) {
                return Err(self.refused(&name, "files of the artefact only", "an unknown file"));
            }
        }
        Ok(expected)
    }

    /// Every file is as long as it was written.
    fn check_lengths(&self) -> Result<()> {
        for (name, facts) in &self.manifest.files {
            let found = self.content(name)?.len();
            if found as u64 != facts.bytes {
                let expected = format!("{} bytes", facts.bytes);
                return Err(self.refused(name, expected, format!("{found} bytes")));
            }
        }
        Ok(())
    }

    /// Every file holds the bytes that were written.
    fn check_contents(&self) -> Result<()> {
        let files: Vec<(&String, &FileFacts)> = self.manifest.files.iter().collect();
        let checked: Vec<Result<()>> = files
            .par_iter()
            .map(|(name, facts)| self.check_content(name, facts))
            .collect();
        checked.into_iter().collect()
    }

    fn check_content(&self, name: &str, facts: &FileFacts) -> Result<()> {
        let found = hex(&sha256(self.content(name)?));
        if found == facts.sha256 {
            return Ok(());
        }
        let expected = format!("SHA-256 {}", facts.sha256);
        Err(self.refused(name, expected, format!("{found}: altered")))
    }

    fn content(&self, name: &str) -> Result<&Bytes> {
        let unread = || Error::Internal(format!("{name} was not read"));
        self.contents.get(name).ok_or_else(unread)
    }

    /// `error`, saying that it is about file `name`.
    fn in_file(&self, name: &str, error: Error) -> Error {
        let origin = self.source.origin(name);
        if let Error::Data { what, reason } = &error
            && *what != origin
        {
            return Error::data(origin, format!("{what}: {reason}"));
        }
        error
    }

    fn keys<I: DenseIndex>(&self, name: &str, len: usize) -> Result<Vocabulary<I>> {
        let keys: Vocabulary<I> = serde_json::from_slice(self.content(name)?)
            .map_err(|error| self.refused(name, "a list of keys", error.to_string()))?;
        if keys.len() != len {
            return Err(self.refused(name, format!("{len} keys"), keys.len().to_string()));
        }
        Ok(keys)
    }

    fn catalog(&self, items: &mut Vocabulary<ItemIx>) -> Result<Catalog> {
        let content = self.content(CATALOG)?;
        let mut products: Vec<Product> = Vec::new();
        for (row, line) in (1u64..).zip(content.split_inclusive(|&byte| byte == b'\n')) {
            let product = serde_json::from_slice(line).map_err(|error| {
                let found = error.to_string();
                InputError::new(self.source.origin(CATALOG), "a product", found).at_row(row)
            })?;
            products.push(product);
        }
        let known = items.len();
        let catalog = Catalog::align(products, items);
        let catalog = catalog.map_err(|error| self.in_file(CATALOG, error))?;
        if items.len() != known {
            let found = "a product that is none of them";
            return Err(self.refused(CATALOG, format!("products of the {known} items"), found));
        }
        Ok(catalog)
    }

    fn pipeline(&self, catalog: &Catalog) -> Result<Pipeline> {
        self.manifest.pipeline.assemble(catalog, |config| {
            let name = model_file(config.name());
            let tensors = Tensors::open(&self.source.origin(&name), self.content(&name)?.clone())?;
            let model = config.model.load(&tensors);
            let model = model.map_err(|error| self.in_file(&name, error))?;
            if model.item_bound() > self.manifest.items {
                let expected = format!("a model of {} items", self.manifest.items);
                let found = format!("one of {}", model.item_bound());
                return Err(self.refused(&name, expected, found));
            }
            Ok(model)
        })
    }

    fn histories(&self) -> Result<(Vocabulary<UserIx>, Histories)> {
        let origin = self.source.origin(HISTORIES);
        let tensors = Tensors::open_sealed(&origin, self.content(HISTORIES)?.clone())?;
        let (_, digest) = tensors.get::<u8>("data_digest")?;
        let expected = &self.manifest.training.data_digest;
        if *digest != *expected.as_bytes() {
            let found = "histories of other data";
            return Err(self.refused(HISTORIES, format!("histories of data {expected}"), found));
        }
        let users = users(&tensors)
            .ok_or_else(|| self.refused(HISTORIES, "keys of users", "broken or repeated keys"))?;
        let kinds = self.manifest.event_kinds.clone();
        let histories = Histories::load(&tensors, kinds, self.manifest.items)
            .map_err(|error| self.in_file(HISTORIES, error))?;
        if histories.users() != users.len() {
            let expected = format!("histories of {} users", users.len());
            return Err(self.refused(HISTORIES, expected, histories.users().to_string()));
        }
        Ok((users, histories))
    }
}

/// The keys of users; none if they are not UTF-8, the offsets do not cut them, or one comes twice.
fn users(tensors: &Tensors) -> Option<Vocabulary<UserIx>> {
    let (_, offsets): (_, Buffer<u64>) = tensors.get("users.offsets").ok()?;
    let (_, text): (_, Buffer<u8>) = tensors.get("users.text").ok()?;
    let mut users = Vocabulary::new();
    for pair in offsets.windows(2) {
        let range = usize::try_from(pair[0]).ok()?..usize::try_from(pair[1]).ok()?;
        let key = std::str::from_utf8(text.get(range)?).ok()?;
        users.insert(key).ok()?;
    }
    (users.len() + 1 == offsets.len()).then_some(users)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{Facts, MemoryFiles, save};
    use crate::dataset::Dataset;
    use crate::events::{Event, EventKind, EventTable};
    use crate::pipeline::PipelineConfig;
    use crate::recommender::FitOptions;

    /// An engine of three items, of which "lamp" has a product and no event.
    fn saved() -> MemoryFiles {
        let recipe = "[[sources]]\nmodel = { kind = \"content\" }";
        let config = PipelineConfig::from_toml(recipe).unwrap();
        let mut table = EventTable::new();
        for item in ["cup", "pot"] {
            let event = Event {
                visitor: "ann".into(),
                item: Some(item.into()),
                kind: EventKind::Purchase,
                quantity: 1.0,
                ..Event::default()
            };
            table.push(&event).unwrap();
        }
        let lamp = Product {
            key: "lamp".into(),
            title: "red lamp".into(),
            ..Product::default()
        };
        let dataset = Dataset::new(table, vec![lamp], config.interactions.clone()).unwrap();
        let engine = Engine::fit(&config, &dataset, &FitOptions::default()).unwrap();
        let mut files = MemoryFiles::default();
        save(&engine, &Facts::new(), &mut files).unwrap();
        files
    }

    /// `files` with other contents and a manifest that vouches for them.
    fn forged(mut files: MemoryFiles, items: usize, contents: &[(&str, &str)]) -> MemoryFiles {
        let mut manifest = Manifest::read(MANIFEST, &files.files[MANIFEST]).unwrap();
        manifest.items = items;
        for &(name, content) in contents {
            let facts = FileFacts {
                bytes: content.len() as u64,
                sha256: hex(&sha256(content.as_bytes())),
            };
            manifest.files.insert(name.into(), facts);
            files.files.insert(name.into(), content.to_owned().into());
        }
        let text = manifest.seal().unwrap();
        files.files.insert(MANIFEST.into(), text.into());
        files
    }

    fn refusal(files: &MemoryFiles) -> String {
        load(files).unwrap_err().to_string()
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused_by_the_file_that_does_not() {
        assert!(load(&forged(saved(), 3, &[])).is_ok());
        let keys = r#"["cup","pot"]"#;
        let error = refusal(&forged(saved(), 3, &[(ITEMS, keys)]));
        assert_eq!(error, "items.json: expected 3 keys, found 2");
        let error = refusal(&forged(saved(), 2, &[(ITEMS, keys)]));
        assert!(error.starts_with("catalog.jsonl: expected products of the 2"));
        let error = refusal(&forged(saved(), 2, &[(ITEMS, keys), (CATALOG, "")]));
        let expected = "models/content.safetensors: expected a model of 2 items, found one of 3";
        assert_eq!(error, expected);
        let keys = r#"["cup"]"#;
        let error = refusal(&forged(saved(), 1, &[(ITEMS, keys), (CATALOG, "")]));
        assert!(error.starts_with("histories.safetensors"), "{error}");
    }

    #[test]
    fn contents_that_can_not_be_read_are_refused_with_their_row() {
        let error = refusal(&forged(saved(), 3, &[(ITEMS, r#"["cup","cup","pot"]"#)]));
        assert!(error.starts_with("items.json"), "{error}");
        let products = "{\"key\":\"cup\"}\nnonsense\n";
        let error = refusal(&forged(saved(), 3, &[(CATALOG, products)]));
        assert!(error.starts_with("catalog.jsonl, row 2"), "{error}");
        let error = refusal(&forged(saved(), 3, &[("models/more.safetensors", "")]));
        assert!(error.contains("models/more.safetensors"), "{error}");
    }
}
