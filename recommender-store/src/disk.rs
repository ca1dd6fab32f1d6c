//! Files that are there whole or not at all, and errors that name them.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::{Result, StoreError};

/// Ending of files that are being written; one that is left over is of no use.
pub(crate) const UNFINISHED: &str = "unfinished";

/// Writes a file under another name and gives it its own once all of it is on disk, so that it is there whole or not
/// at all.
pub(crate) fn write_whole(path: &Path, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let unfinished = path.with_extension(UNFINISHED);
    let written = File::create(&unfinished)
        .map_err(|error| StoreError::io(&unfinished, error))
        .and_then(|mut file| {
            write(&mut file)?;
            file.sync_all()
                .and_then(|()| fs::rename(&unfinished, path))
                .map_err(|error| StoreError::io(&unfinished, error))
        });
    if written.is_err() {
        // What is left is removed when the directory is opened next, if it can't be now.
        let _ = fs::remove_file(&unfinished);
    }
    written?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// As [`write_whole`], of bytes at hand.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, |file| {
        file.write_all(bytes)
            .map_err(|error| StoreError::io(path, error))
    })
}

/// Makes names that were given or taken in a directory last.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    // A path of one name has an empty parent: the working directory.
    let named = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    File::open(named)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| StoreError::io(path, error))
}

pub(crate) fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|error| StoreError::io(path, error))
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| StoreError::io(path, error))
}

pub(crate) fn length(path: &Path) -> Result<u64> {
    fs::metadata(path)
        .map(|file| file.len())
        .map_err(|error| StoreError::io(path, error))
}
