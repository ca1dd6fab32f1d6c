//! What can go wrong, grouped by who has to act on it.

use std::io;
use std::path::{Path, PathBuf};

/// Result of every fallible operation of this crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// An error, grouped by who has to act.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What was asked is wrong: the caller must mend it.
    #[error("{what}: expected {expected}, found {found}")]
    Invalid {
        /// The field or thing that is wrong.
        what: String,
        /// What would have been right.
        expected: String,
        /// What was there.
        found: String,
    },
    /// More is waiting to be written than may wait: ask again in a moment.
    #[error("the store is busy: {waiting} writes are waiting")]
    Busy {
        /// How many writes are waiting.
        waiting: usize,
    },
    /// There is no room to write; reading goes on. The operator must make room.
    #[error("no room to write in {}: {reason}", path.display())]
    Full {
        /// Where.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A file does not hold what was written to it: the operator must restore it from a snapshot.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where in the file.
        reason: String,
    },
    /// The data was written by a later version: the operator must upgrade this program.
    #[error("{origin} has format {found}; this program reads up to {supported}: upgrade it")]
    Newer {
        /// The file, or the database.
        origin: String,
        /// The version found.
        found: u32,
        /// The latest version this program knows.
        supported: u32,
    },
    /// Another process has the directory open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The database can't be reached: ask again later.
    #[error("{what} is not available: {reason}")]
    Unavailable {
        /// What was asked.
        what: String,
        /// Why it did not answer.
        reason: String,
    },
    /// The system refused to read or write.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The store is shut down.
    #[error("the store is closed")]
    Closed,
    /// An error of the library: input, configuration or data.
    #[error(transparent)]
    Core(#[from] recommender_core::Error),
}

impl StoreError {
    /// A [`StoreError::Invalid`].
    pub fn invalid(
        what: impl Into<String>,
        expected: impl Into<String>,
        found: impl std::fmt::Display,
    ) -> Self {
        Self::Invalid {
            what: what.into(),
            expected: expected.into(),
            found: found.to_string(),
        }
    }

    /// A [`StoreError::Damaged`].
    pub fn damaged(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.into(),
            reason: reason.into(),
        }
    }

    /// What the system said of `path`: [`StoreError::Full`] if there is no room, [`StoreError::Io`] otherwise.
    pub fn io(path: &Path, source: io::Error) -> Self {
        let full = matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        );
        let path = path.to_owned();
        if full {
            let reason = source.to_string();
            return Self::Full { path, reason };
        }
        Self::Io { path, source }
    }
}
