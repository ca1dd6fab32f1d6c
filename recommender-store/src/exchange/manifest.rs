//! What an export directory holds.

use std::fs;
use std::io;
use std::path::Path;

use recommender_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::disk;
use crate::error::{Result, StoreError};
use crate::record::Position;

/// Name of the manifest; programs that read directories of Parquet leave out names that begin like this.
pub(super) const MANIFEST: &str = "_manifest.json";

/// The format this program writes, and the latest it reads.
const FORMAT: u32 = 1;

/// What an export directory holds: the files, and how far the store was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportManifest {
    /// Version of this format.
    format: u32,
    /// Every event written up to this position is in the files, but for those left out by what was asked.
    pub position: Position,
    /// An export that was interrupted, to be taken up again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Unfinished>,
    /// The files, in the order they were written.
    pub files: Vec<PartFacts>,
}

/// How far an interrupted export came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// It takes events up to this position.
    pub up_to: Position,
    /// The days before this time, in milliseconds since 1970, are done; none are if it is absent.
    pub done_before: Option<Timestamp>,
}

/// One file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartFacts {
    /// Its name below the directory, with `/` between the parts.
    pub path: String,
    /// How many events it holds.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

impl ExportManifest {
    /// The manifest of an export that has not begun yet.
    pub(super) fn new(position: Position) -> Self {
        Self {
            format: FORMAT,
            position,
            unfinished: None,
            files: Vec::new(),
        }
    }

    /// Reads the manifest of `directory`, if it has one.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a later format, [`StoreError::Damaged`] if it is no manifest.
    pub fn read(directory: &Path) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let path = directory.join(MANIFEST);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io(&path, error)),
        };
        let damaged = |error: serde_json::Error| StoreError::damaged(&path, error.to_string());
        let version: Version = serde_json::from_slice(&text).map_err(damaged)?;
        if version.format > FORMAT {
            return Err(StoreError::Newer {
                origin: path.display().to_string(),
                found: version.format,
                supported: FORMAT,
            });
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(damaged)?;
        match manifest.files.iter().find(|file| !is_below(&file.path)) {
            Some(file) => Err(StoreError::damaged(
                &path,
                format!("the file \"{}\" is not below the directory", file.path),
            )),
            None => Ok(Some(manifest)),
        }
    }

    /// Writes the manifest of `directory`, whole or not at all.
    ///
    /// # Errors
    /// If it can't be written.
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        let path = directory.join(MANIFEST);
        let text = serde_json::to_vec_pretty(self);
        let text = text.map_err(|error| StoreError::io(&path, error.into()))?;
        disk::write_bytes(&path, &text)
    }

    /// The name of the next part of a day's directory.
    pub(super) fn part_name(&self, day: &str) -> String {
        let number = |file: &PartFacts| {
            let (known, name) = file.path.split_once('/')?;
            let number = name.strip_prefix("part-")?.strip_suffix(".parquet")?;
            (known == day).then_some(number.parse::<u32>().ok()?)
        };
        let last = self.files.iter().filter_map(number).max();
        let next = last.map_or(0, |last| last.saturating_add(1));
        format!("{day}/part-{next:05}.parquet")
    }

    /// How many events the files hold.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}

/// Whether a path of a manifest stays below its directory.
fn is_below(path: &str) -> bool {
    let mut parts = path.split('/');
    !path.is_empty() && parts.all(|part| !matches!(part, "" | "." | ".."))
}
