//! Which files an import reads, and what they hold.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use recommender_core::error::InputError;
use recommender_core::rows::Format;
use ring::digest::{Context, SHA256};

use crate::digits::hex;
use crate::error::{Result, StoreError};
use crate::exchange::manifest::ExportManifest;

/// Bytes read at once.
const BUFFER_BYTES: usize = 1 << 18;

/// A file to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EventFile {
    /// Where it is.
    pub(super) path: PathBuf,
    /// The digest it must have, if a manifest tells.
    expected: Option<String>,
}

/// The files of `paths`, those of a directory in the order of their names.
///
/// # Errors
/// An input error naming a path that does not exist, or a directory without files of events; [`StoreError::Invalid`] for
/// an export that is not finished.
pub(super) fn list(paths: &[PathBuf]) -> Result<Vec<EventFile>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(EventFile {
                path: path.clone(),
                expected: None,
            });
            continue;
        }
        let known = files.len();
        match ExportManifest::read(path)? {
            Some(manifest) => files.extend(exported(path, manifest)?),
            None => below(path, &mut files)?,
        }
        if files.len() == known {
            let error = InputError::new(shown(path), "a directory with files of events", "none");
            return Err(recommender_core::Error::from(error).into());
        }
    }
    Ok(files)
}

fn exported(directory: &Path, manifest: ExportManifest) -> Result<Vec<EventFile>> {
    if manifest.unfinished.is_some() {
        let expected = "an export that is finished: export into it once more";
        let found = "one that was interrupted";
        return Err(StoreError::invalid(shown(directory), expected, found));
    }
    let file = |file: crate::exchange::PartFacts| EventFile {
        path: directory.join(file.path),
        expected: Some(file.sha256),
    };
    Ok(manifest.files.into_iter().map(file).collect())
}

fn below(directory: &Path, files: &mut Vec<EventFile>) -> Result<()> {
    let failed = |error| StoreError::io(directory, error);
    let entries = fs::read_dir(directory).map_err(failed)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<PathBuf>>>()
        .map_err(failed)?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Names of things that are not data, in every program that reads directories of Parquet.
        if name.starts_with(['.', '_']) {
            continue;
        }
        if path.is_dir() {
            below(&path, files)?;
        } else if Format::of_name(&name).is_some() {
            files.push(EventFile {
                path,
                expected: None,
            });
        }
    }
    Ok(())
}

impl EventFile {
    /// SHA-256 of the file, in hexadecimal digits.
    ///
    /// # Errors
    /// If it can't be read; [`StoreError::Damaged`] if a manifest tells another.
    pub(super) fn digest(&self) -> Result<String> {
        let mut file = File::open(&self.path).map_err(|error| self.unreadable(&error))?;
        let mut context = Context::new(&SHA256);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => context.update(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        let digest = hex(context.finish().as_ref());
        match &self.expected {
            Some(expected) if *expected != digest => {
                let reason = "its bytes are not those that were exported";
                Err(StoreError::damaged(&self.path, reason))
            }
            _ => Ok(digest),
        }
    }

    fn unreadable(&self, error: &io::Error) -> StoreError {
        let found = match error.kind() == io::ErrorKind::NotFound {
            true => "no such file".to_owned(),
            false => error.to_string(),
        };
        let error = InputError::new(shown(&self.path), "a readable file", found);
        recommender_core::Error::from(error).into()
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
