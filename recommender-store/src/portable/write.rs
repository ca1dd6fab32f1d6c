//! A snapshot that is being written.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use snap::write::FrameEncoder;

use super::line::{EventLine, FactLine};
use super::manifest::{EVENTS, FACTS, FORMAT, FileEntry, MANIFEST, Manifest, Summed};
use crate::disk;
use crate::engine::Contents;
use crate::error::{Result, StoreError};
use crate::record::{Position, StoredEvent, StoredFact};

/// The files of a snapshot, each written once.
pub(crate) struct Copy<'a> {
    to: &'a Path,
    events: FileEntry,
    facts: FileEntry,
    facts_with_value: u64,
}

/// Writes a snapshot into the new directory `to`; `fill` gives events, facts and then the position they stand at. What was
/// begun is taken away again if it fails.
pub(crate) fn write(
    to: &Path,
    fill: impl FnOnce(&mut Copy<'_>) -> Result<Position>,
) -> Result<Contents> {
    fs::create_dir(to).map_err(|error| StoreError::io(to, error))?;
    let written = write_all(to, fill);
    if written.is_err()
        && let Err(error) = fs::remove_dir_all(to)
    {
        tracing::warn!(path = %to.display(), %error, "a broken snapshot is left");
    }
    written
}

fn write_all(to: &Path, fill: impl FnOnce(&mut Copy<'_>) -> Result<Position>) -> Result<Contents> {
    let mut copy = Copy {
        to,
        events: FileEntry::default(),
        facts: FileEntry::default(),
        facts_with_value: 0,
    };
    let position = fill(&mut copy)?;
    let manifest = Manifest {
        format: FORMAT,
        position,
        events: copy.events,
        facts: copy.facts,
        facts_with_value: copy.facts_with_value,
    };
    write_manifest(to, &manifest)?;
    Ok(manifest.contents())
}

impl Copy<'_> {
    /// Writes all events, by visitor, time and position.
    pub(crate) fn events(
        &mut self,
        events: impl IntoIterator<Item = Result<StoredEvent>>,
    ) -> Result<()> {
        let path = self.to.join(EVENTS);
        let mut file = Lines::create(&path)?;
        for event in events {
            file.write(&EventLine::from(event?))?;
        }
        self.events = file.finish()?;
        Ok(())
    }

    /// Writes all facts, by table and key, with those that have no value.
    pub(crate) fn facts(
        &mut self,
        facts: impl IntoIterator<Item = Result<StoredFact>>,
    ) -> Result<()> {
        let path = self.to.join(FACTS);
        let mut file = Lines::create(&path)?;
        for fact in facts {
            let fact = fact?;
            self.facts_with_value += u64::from(fact.fact.value.is_some());
            file.write(&FactLine::from(fact))?;
        }
        self.facts = file.finish()?;
        Ok(())
    }
}

fn write_manifest(to: &Path, manifest: &Manifest) -> Result<()> {
    let path = to.join(MANIFEST);
    let text = serde_json::to_vec_pretty(manifest);
    let text = text.map_err(|error| StoreError::io(&path, error.into()))?;
    disk::write_bytes(&path, &text)?;
    to.parent().map_or(Ok(()), disk::sync_directory)
}

/// A file of lines that is being written.
struct Lines<'a> {
    path: &'a Path,
    file: FrameEncoder<Summed<BufWriter<File>>>,
    records: u64,
}

impl<'a> Lines<'a> {
    fn create(path: &'a Path) -> Result<Self> {
        let file = File::create_new(path).map_err(|error| StoreError::io(path, error))?;
        Ok(Self {
            path,
            file: FrameEncoder::new(Summed::new(BufWriter::new(file))),
            records: 0,
        })
    }

    fn write(&mut self, line: &impl Serialize) -> Result<()> {
        let mut text =
            serde_json::to_vec(line).map_err(|error| StoreError::io(self.path, error.into()))?;
        text.push(b'\n');
        self.records += 1;
        self.file
            .write_all(&text)
            .map_err(|error| StoreError::io(self.path, error))
    }

    fn finish(self) -> Result<FileEntry> {
        let failed = |error| StoreError::io(self.path, error);
        let inner = self.file.into_inner();
        let inner = inner.map_err(|error| failed(error.into_error()))?;
        let (file, bytes, sha256) = inner.finish();
        let file = file
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        Ok(FileEntry {
            records: self.records,
            bytes,
            sha256,
        })
    }
}
