//! The directory of an export: whose it is, and what an interrupted export left there.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use rustc_hash::FxHashSet;

use crate::disk::sync_directory;
use crate::error::{Result, StoreError};
use crate::exchange::manifest::{ExportManifest, MANIFEST, Unfinished};
use crate::record::Position;

/// Refuses a directory that holds something of another's.
pub(super) fn check(directory: &Path) -> Result<()> {
    if directory.join(MANIFEST).is_file() || !holds_anything(directory)? {
        return Ok(());
    }
    let what = directory.display().to_string();
    let expected = "an export, an empty directory or nothing";
    Err(StoreError::invalid(what, expected, "something else"))
}

/// Keeps other exports out of the directory as long as it is held.
pub(super) fn lock(directory: &Path) -> Result<File> {
    let path = directory.join("._lock");
    let file = File::create(&path).map_err(|error| StoreError::io(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: directory.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(StoreError::io(&path, error)),
    }
}

/// The manifest with the export that shall now be done, whether it is begun or taken up again.
pub(super) fn begin(
    directory: &Path,
    after: Option<Position>,
    up_to: Position,
) -> Result<ExportManifest> {
    let known = ExportManifest::read(directory)?;
    let new = known.is_none();
    let mut manifest = known.unwrap_or_else(|| ExportManifest::new(after.unwrap_or_default()));
    if let Some(after) = after.filter(|&after| after != manifest.position) {
        let expected = format!("{}, where the export stands", manifest.position.0);
        return Err(StoreError::invalid("after", expected, after.0));
    }
    if manifest.position > up_to {
        let what = format!("{}, position", directory.join(MANIFEST).display());
        let expected = format!("at most {}, where the store stands", up_to.0);
        return Err(StoreError::invalid(what, expected, manifest.position.0));
    }
    if manifest.unfinished.is_none() {
        manifest.unfinished = Some(Unfinished {
            up_to,
            done_before: None,
        });
    }
    manifest.write(directory)?;
    if new && let Some(parent) = directory.parent().filter(|parent| parent.is_dir()) {
        sync_directory(parent)?;
    }
    Ok(manifest)
}

/// Whether there is anything that an export begun before did not put there.
fn holds_anything(directory: &Path) -> Result<bool> {
    let failed = |error| StoreError::io(directory, error);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !name.to_string_lossy().starts_with("._") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes parts that the manifest does not know: an interrupted export left them.
pub(super) fn remove_unfinished(directory: &Path, manifest: &ExportManifest) -> Result<()> {
    let failed = |error| StoreError::io(directory, error);
    let known: FxHashSet<&str> = manifest
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    for day in fs::read_dir(directory).map_err(failed)? {
        let day = day.map_err(failed)?;
        let day_name = day.file_name().to_string_lossy().into_owned();
        if !day_name.starts_with("day=") {
            continue;
        }
        for file in fs::read_dir(day.path()).map_err(failed)? {
            let file = file.map_err(failed)?;
            let name = file.file_name().to_string_lossy().into_owned();
            let path = format!("{day_name}/{name}");
            let ours = name.starts_with("part-") || name.starts_with(".part-");
            if ours && !known.contains(path.as_str()) {
                fs::remove_file(file.path())
                    .map_err(|error| StoreError::io(&file.path(), error))?;
            }
        }
    }
    Ok(())
}
