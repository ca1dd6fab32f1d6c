//! A snapshot that is being read.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use recommender_core::events::Event;
use serde::de::DeserializeOwned;
use snap::read::FrameDecoder;

use super::line::{EventLine, FactLine};
use super::manifest::{EVENTS, FACTS, FORMAT, FileEntry, MANIFEST, Manifest, Summed};
use crate::engine::Contents;
use crate::error::{Result, StoreError};
use crate::record::{Batch, Position};

/// Records that are given at once.
const PIECE: usize = 2_000;

/// A snapshot in a directory.
pub(crate) struct Reading<'a> {
    from: &'a Path,
    manifest: Manifest,
}

impl<'a> Reading<'a> {
    /// Opens the snapshot in `from`, if it is one.
    pub(crate) fn open(from: &'a Path) -> Result<Self> {
        let manifest = read_manifest(from)?;
        Ok(Self { from, manifest })
    }

    /// How much it holds.
    pub(crate) fn contents(&self) -> Contents {
        self.manifest.contents()
    }

    /// Where the order of writes stood.
    pub(crate) fn position(&self) -> Position {
        self.manifest.position
    }

    /// Gives all events in pieces, each with its position, then holds them against the manifest: what came before an error
    /// is not to be kept.
    pub(crate) fn events(
        &self,
        mut put: impl FnMut(Vec<Position>, Batch) -> Result<()>,
    ) -> Result<()> {
        let path = self.from.join(EVENTS);
        pieces(&path, &self.manifest.events, |lines: Vec<EventLine>| {
            let positions = lines.iter().map(|line| line.position).collect();
            let events = lines.into_iter().map(|line| Event::from(line.fields));
            let batch = Batch {
                events: events.collect(),
                facts: Vec::new(),
            };
            checked(&path, &batch)?;
            put(positions, batch)
        })
    }

    /// As [`events`](Self::events), for the facts.
    pub(crate) fn facts(
        &self,
        mut put: impl FnMut(Vec<Position>, Batch) -> Result<()>,
    ) -> Result<()> {
        let path = self.from.join(FACTS);
        pieces(&path, &self.manifest.facts, |lines: Vec<FactLine>| {
            let positions = lines.iter().map(|line| line.position).collect();
            let facts: Option<Vec<_>> = lines.into_iter().map(FactLine::fact).collect();
            let unread = || StoreError::damaged(&path, "a value is neither text nor hexadecimal");
            let batch = Batch {
                events: Vec::new(),
                facts: facts.ok_or_else(unread)?,
            };
            checked(&path, &batch)?;
            put(positions, batch)
        })
    }
}

fn read_manifest(from: &Path) -> Result<Manifest> {
    let path = from.join(MANIFEST);
    if path.is_file() && !from.join(EVENTS).is_file() {
        // A store in a folder has snapshots of its own form.
        let expected = "a snapshot of a store in PostgreSQL or in memory";
        let what = from.display().to_string();
        return Err(StoreError::invalid(what, expected, "another form"));
    }
    let bytes = fs::read(&path).map_err(|error| StoreError::io(&path, error))?;
    let damaged = |error: serde_json::Error| StoreError::damaged(&path, error.to_string());
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(damaged)?;
    let found = value.get("format").and_then(serde_json::Value::as_u64);
    let found = found.and_then(|found| u32::try_from(found).ok());
    let found = found.ok_or_else(|| StoreError::damaged(&path, "it names no format"))?;
    if found > FORMAT {
        return Err(StoreError::Newer {
            origin: path.display().to_string(),
            found,
            supported: FORMAT,
        });
    }
    serde_json::from_value(value).map_err(damaged)
}

/// What a snapshot holds was once written: what no engine takes is damage.
fn checked(path: &Path, batch: &Batch) -> Result<()> {
    batch
        .validate()
        .map_err(|error| StoreError::damaged(path, error.to_string()))
}

/// Gives the lines of a file in pieces, and holds all of it against the manifest.
fn pieces<T: DeserializeOwned>(
    path: &Path,
    entry: &FileEntry,
    mut put: impl FnMut(Vec<T>) -> Result<()>,
) -> Result<()> {
    let file = File::open(path).map_err(|error| StoreError::io(path, error))?;
    let mut summed = Summed::new(BufReader::new(file));
    let mut lines = BufReader::new(FrameDecoder::new(&mut summed)).lines();
    let (mut piece, mut records) = (Vec::new(), 0);
    for line in &mut lines {
        let damaged = |reason: String| StoreError::damaged(path, reason);
        let line = line.map_err(|error| damaged(format!("after line {records}: {error}")))?;
        records += 1;
        let line = serde_json::from_str(&line);
        piece.push(line.map_err(|error| damaged(format!("line {records}: {error}")))?);
        if piece.len() == PIECE {
            put(std::mem::take(&mut piece))?;
        }
    }
    drop(lines);
    put(piece)?;
    let (_, bytes, sha256) = summed.finish();
    let found = FileEntry {
        records,
        bytes,
        sha256,
    };
    if found != *entry {
        let reason = format!("the manifest says {entry:?}, the file is {found:?}");
        return Err(StoreError::damaged(path, reason));
    }
    Ok(())
}
