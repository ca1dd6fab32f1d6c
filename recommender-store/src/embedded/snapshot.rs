//! Copies of everything, and the check that nothing has changed on the disk.

use std::fs::{self, File};
use std::path::Path;

use super::facts::Facts;
use super::journal::{self, End};
use super::layout::{Kind, Layout};
use super::manifest::Manifest;
use super::segment::Segment;
use super::shared::Shared;
use crate::disk;
use crate::engine::Contents;
use crate::error::{Result, StoreError};
use crate::record::Position;

/// Copies the store as it stands after `flush` into a new directory.
pub(super) fn take(
    shared: &Shared,
    to: &Path,
    flush: impl FnOnce() -> Result<Position>,
) -> Result<Contents> {
    let _alone = shared.rewriting();
    flush()?;
    let mut manifest = shared.manifest().clone();
    // What comes later is not in the copy.
    manifest.journals.clear();
    copy(&shared.layout, &manifest, to)
}

/// Makes the directory `to`, which must not exist, a copy of the snapshot in `from`, after checking all of it.
///
/// # Errors
/// [`StoreError::Damaged`] naming what is wrong in the snapshot, [`StoreError::Newer`] if a later version wrote it,
/// [`StoreError::Invalid`] if `from` holds no snapshot, [`StoreError::Io`] if `to` exists.
pub fn restore(from: &Path, to: &Path) -> Result<Contents> {
    let layout = Layout::unlocked(from);
    let Some(manifest) = Manifest::load(&layout)? else {
        return Err(StoreError::invalid(
            from.display().to_string(),
            "a directory with a store",
            "none",
        ));
    };
    if !manifest.journals.is_empty() {
        return Err(StoreError::invalid(
            from.display().to_string(),
            "a snapshot",
            "a store that has been opened since: take a snapshot of it",
        ));
    }
    check(&layout, &manifest)?;
    copy(&layout, &manifest, to)
}

/// Copies the files of a manifest. The manifest comes last, so that a directory without it is no store.
fn copy(layout: &Layout, manifest: &Manifest, to: &Path) -> Result<Contents> {
    fs::create_dir(to).map_err(|error| StoreError::io(to, error))?;
    let target = Layout::unlocked(to);
    for (kind, number) in files(manifest) {
        let (source, copy) = (layout.file(kind, number), target.file(kind, number));
        fs::copy(&source, &copy)
            .and_then(|_| File::open(&copy)?.sync_all())
            .map_err(|error| StoreError::io(&copy, error))?;
    }
    manifest.save(&target)?;
    if let Some(parent) = to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        disk::sync_directory(parent)?;
    }
    check(&target, manifest)
}

fn files(manifest: &Manifest) -> impl Iterator<Item = (Kind, u64)> {
    let events = manifest.events.iter().map(|&number| (Kind::Events, number));
    events.chain(manifest.facts.iter().map(|&number| (Kind::Facts, number)))
}

/// Reads all files of a manifest against their checksums.
fn check(layout: &Layout, manifest: &Manifest) -> Result<Contents> {
    let mut contents = Contents {
        bytes: disk::length(&layout.manifest())?,
        ..Contents::default()
    };
    for &number in &manifest.events {
        let segment =
            std::sync::Arc::new(Segment::open(&layout.file(Kind::Events, number), number)?);
        segment.verify()?;
        contents.events += segment.extent().events;
        contents.bytes += segment.bytes();
    }
    let mut facts = Vec::new();
    for &number in &manifest.facts {
        let path = layout.file(Kind::Facts, number);
        facts.push(Facts::open(&path)?);
        contents.bytes += disk::length(&path)?;
    }
    for stored in super::facts::merged(facts) {
        contents.facts += u64::from(stored?.fact.value.is_some());
    }
    Ok(contents)
}

/// Reads everything there is against its checksums.
pub(super) fn verify(shared: &Shared) -> Result<Contents> {
    let _alone = shared.rewriting();
    let _still = shared.flushing();
    let manifest = {
        let using = shared.manifest();
        if Manifest::load(&shared.layout)?.as_ref() != Some(&*using) {
            let reason = "it is not the one this store is using";
            return Err(StoreError::damaged(shared.layout.manifest(), reason));
        }
        using.clone()
    };
    check(&shared.layout, &manifest)?;
    let view = shared.view();
    for table in view.tables() {
        let path = shared.layout.file(Kind::Journal, table.journal());
        let end = if std::sync::Arc::ptr_eq(table, &view.active) {
            End::MayBeTorn
        } else {
            End::Whole
        };
        journal::replay(&path, end, |_, _| Ok(()))?;
    }
    count(shared)
}

/// How much there is.
pub(super) fn contents(shared: &Shared) -> Result<Contents> {
    let _alone = shared.rewriting();
    let _still = shared.flushing();
    count(shared)
}

/// As [`contents`], for who holds the locks that keep files from going away.
fn count(shared: &Shared) -> Result<Contents> {
    let view = shared.view();
    let in_memory: u64 = view.tables().map(|table| table.events()).sum();
    let segments = view.segments.iter();
    let mut contents = Contents {
        events: in_memory + segments.map(|segment| segment.extent().events).sum::<u64>(),
        facts: shared.facts().live(),
        bytes: disk::length(&shared.layout.manifest())?,
    };
    contents.bytes += view
        .segments
        .iter()
        .map(|segment| segment.bytes())
        .sum::<u64>();
    for table in view.tables() {
        contents.bytes += disk::length(&shared.layout.file(Kind::Journal, table.journal()))?;
    }
    for &number in &shared.manifest().facts {
        contents.bytes += disk::length(&shared.layout.file(Kind::Facts, number))?;
    }
    Ok(contents)
}
