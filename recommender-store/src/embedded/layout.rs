//! Which file of the directory is which, and how files come and go for good.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::disk;
use crate::error::{Result, StoreError};

/// The directory of one store: names, and the lock that keeps others out.
#[derive(Debug)]
pub(super) struct Layout {
    root: PathBuf,
    /// Held as long as the store is open; the system releases it however the process ends.
    _lock: Option<File>,
}

/// What a numbered file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Batches in the order they were written.
    Journal,
    /// Events, sorted.
    Events,
    /// Facts, sorted.
    Facts,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Journal, Self::Events, Self::Facts];

    fn extension(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Events => "events",
            Self::Facts => "facts",
        }
    }
}

impl Layout {
    /// Takes the directory for this process, making it if it is not there.
    pub(super) fn lock(root: &Path) -> Result<Self> {
        fs::create_dir_all(root).map_err(|error| StoreError::io(root, error))?;
        let path = root.join("lock");
        let lock = File::create(&path).map_err(|error| StoreError::io(&path, error))?;
        take(&lock, root)?;
        let layout = Self {
            root: root.to_owned(),
            _lock: Some(lock),
        };
        layout.remove_unfinished()?;
        Ok(layout)
    }

    /// A directory that is only read, or that this process alone knows.
    pub(super) fn unlocked(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            _lock: None,
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn manifest(&self) -> PathBuf {
        self.root.join("manifest.json")
    }

    pub(super) fn file(&self, kind: Kind, number: u64) -> PathBuf {
        self.root.join(file_name(kind, number))
    }

    /// Numbers of the files of a kind, ascending.
    pub(super) fn numbers(&self, kind: Kind) -> Result<Vec<u64>> {
        let mut numbers: Vec<u64> = self
            .names()?
            .iter()
            .filter_map(|name| numbered(name))
            .filter(|&(found, _)| found == kind)
            .map(|(_, number)| number)
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn names(&self) -> Result<Vec<String>> {
        let failed = |error| StoreError::io(&self.root, error);
        let entries = fs::read_dir(&self.root).map_err(failed)?;
        let name = |entry: std::io::Result<fs::DirEntry>| {
            let name = entry.map_err(failed)?.file_name();
            Ok(name.to_string_lossy().into_owned())
        };
        entries.map(name).collect()
    }

    fn remove_unfinished(&self) -> Result<()> {
        for name in self.names()? {
            if name.ends_with(disk::UNFINISHED) {
                disk::remove(&self.root.join(name))?;
            }
        }
        Ok(())
    }

    /// Makes names that were given or taken in the directory last.
    pub(super) fn sync(&self) -> Result<()> {
        disk::sync_directory(&self.root)
    }
}

/// How often, and how long apart, a lock is asked for: a process that was killed a moment ago may still hold it.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

fn take(lock: &File, root: &Path) -> Result<()> {
    for _ in 0..ATTEMPTS {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(StoreError::io(root, error)),
        }
    }
    Err(StoreError::InUse { path: root.into() })
}

/// The name of a numbered file.
pub(super) fn file_name(kind: Kind, number: u64) -> String {
    format!("{number:010}.{}", kind.extension())
}

fn numbered(name: &str) -> Option<(Kind, u64)> {
    let (number, extension) = name.split_once('.')?;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.extension() == extension)?;
    Some((kind, number.parse().ok()?))
}
