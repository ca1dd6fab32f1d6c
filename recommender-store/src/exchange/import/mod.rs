//! Event files into a store.

mod batches;
mod files;
mod progress;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use recommender_core::error::InputError;
use recommender_core::events::Event;
use recommender_core::rows::{BadRows, ReadReport};
use recommender_files::{EventOptions, read_events};
use ring::digest::{SHA256, digest};
use serde::Serialize;

use crate::digits::hex;
use crate::engine::Engine;
use crate::error::{Result, StoreError};
use crate::exchange::Progress;
use crate::exchange::import::batches::{Batches, Check, FileKeys};
use crate::exchange::import::files::EventFile;

/// Decides at the door whether an event comes in, and may change it, such as its keys for pseudonyms.
pub type Door<'a> = &'a (dyn Fn(&mut Event) -> Admission + Sync);

/// Told of a row that can't be understood; an error stops the import.
pub type BadRow<'a> = &'a mut dyn FnMut(&InputError) -> Result<()>;

/// Whether an event comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It does.
    Admitted,
    /// It does not: its person did not agree.
    Refused,
}

/// How files of events are imported.
///
/// | field | default | range |
/// |---|---|---|
/// | `reading` | format by extension, columns by name, bad rows refused | see [`EventOptions`] |
/// | `batch_events` | 4,000 | 1 to 100,000 |
/// | `batches_in_flight` | 4 | 1 to 1,000 |
#[derive(Clone)]
pub struct ImportOptions<'a> {
    /// How the files are read. Where bad rows are refused, nothing of a file with a bad row is written.
    pub reading: EventOptions,
    /// Events written at once.
    pub batch_events: usize,
    /// Batches that may be on their way to the disk at a time.
    pub batches_in_flight: usize,
    /// Asked about every event; those of persons who refused are left out before.
    pub admit: Option<Door<'a>>,
    /// Told how many events are on disk.
    pub progress: Option<Progress<'a>>,
    /// Set to stop; the import can be taken up again.
    pub cancel: Option<&'a AtomicBool>,
}

impl Default for ImportOptions<'_> {
    fn default() -> Self {
        Self {
            reading: EventOptions::default(),
            batch_events: 4_000,
            batches_in_flight: 4,
            admit: None,
            progress: None,
            cancel: None,
        }
    }
}

/// What became of the files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ImportReport {
    /// How many files there were.
    pub files: u64,
    /// What became of their rows. Kept are the events that are in the log now and were not before.
    pub rows: ReadReport,
    /// Of the kept events, those that an earlier import of the same files had written before it was interrupted.
    pub kept_before: u64,
}

/// Writes the events of files into `engine`: of any format the library reads, of directories, of exports, which are
/// held against their digests. Memory is bounded, whatever the size of the files.
///
/// An event without an id gets one made of the digest of its file and its row, so that a file imported twice counts
/// once; rows that were bad are best mended in a file of their own. An import that was interrupted goes on where it
/// stopped when it is asked again with the same files. `bad_rows` is told of every row that can't be understood.
///
/// ```
/// use recommender_store::MemoryEngine;
/// use recommender_store::exchange::{ImportOptions, import};
/// let path = std::env::temp_dir().join(format!("import-{}.csv", std::process::id()));
/// std::fs::write(&path, "visitor,item,time\nann,cup,2024-05-01\n").expect("a temporary file");
/// let engine = MemoryEngine::default();
/// let files = [path];
/// let options = ImportOptions::default();
/// assert_eq!(import(&engine, &files, &options, &mut |_| Ok(()))?.rows.kept, 1);
/// let again = import(&engine, &files, &options, &mut |_| Ok(()))?;
/// assert_eq!((again.rows.kept, again.rows.duplicates), (0, 1));
/// # let [path] = files; std::fs::remove_file(path).expect("the file is ours");
/// # Ok::<(), recommender_store::StoreError>(())
/// ```
///
/// # Errors
/// As [`read_events`]; [`StoreError::Damaged`] for a file of an export that was changed; if the engine can't write;
/// [`recommender_core::Error::Cancelled`] if it was stopped. What is on disk then stays there.
pub fn import(
    engine: &dyn Engine,
    paths: &[PathBuf],
    options: &ImportOptions<'_>,
    bad_rows: BadRow<'_>,
) -> Result<ImportReport> {
    options.validate()?;
    let mut report = ImportReport::default();
    for file in files::list(paths)? {
        let done = report.rows.kept + report.rows.duplicates;
        report.merge(import_file(engine, &file, options, done, bad_rows)?);
    }
    Ok(report)
}

fn import_file(
    engine: &dyn Engine,
    file: &EventFile,
    options: &ImportOptions<'_>,
    events_before: u64,
    bad_rows: BadRow<'_>,
) -> Result<ImportReport> {
    let keys = FileKeys {
        digest: file.digest()?,
        reading: options.reading_digest(),
    };
    if options.reading.bad_rows == BadRows::Refuse {
        read_events(&file.path, &options.reading, &mut Check)?;
    }
    let mut batches = Batches::new(engine, options, &keys, events_before, bad_rows)?;
    let read = read_events(&file.path, &options.reading, &mut batches);
    let mut rows = match read {
        Ok(rows) => rows,
        Err(error) => {
            let cause = batches.take_failure().unwrap_or_else(|| error.into());
            return Err(interrupted(batches, cause));
        }
    };
    let (before, done) = match batches.finish() {
        Ok(done) => done,
        Err(cause) => return Err(interrupted(batches, cause)),
    };
    rows.kept = done.stored;
    rows.duplicates = done.duplicates;
    Ok(ImportReport {
        files: 1,
        rows,
        kept_before: before.stored,
    })
}

/// Notes what came so far, and gives back why no more did.
fn interrupted(batches: Batches<'_, '_>, cause: StoreError) -> StoreError {
    match batches.interrupt() {
        // What went wrong first says more than that the rest could not be kept either.
        Ok(()) | Err(_) => cause,
    }
}

impl fmt::Debug for ImportOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportOptions")
            .field("reading", &self.reading)
            .field("batch_events", &self.batch_events)
            .field("batches_in_flight", &self.batches_in_flight)
            .finish_non_exhaustive()
    }
}

impl ImportOptions<'_> {
    fn validate(&self) -> Result<()> {
        for (name, value, most) in [
            ("batch_events", self.batch_events, 100_000),
            ("batches_in_flight", self.batches_in_flight, 1_000),
        ] {
            if !(1..=most).contains(&value) {
                return Err(StoreError::invalid(name, format!("1 to {most}"), value));
            }
        }
        Ok(())
    }

    /// A short name of how files are read: read otherwise, a file is another.
    fn reading_digest(&self) -> String {
        let reading = format!("{:?} {:?}", self.reading.format, self.reading.map);
        hex(&digest(&SHA256, reading.as_bytes()).as_ref()[..8])
    }
}

impl ImportReport {
    fn merge(&mut self, other: Self) {
        self.files += other.files;
        self.rows.merge(other.rows);
        self.kept_before += other.kept_before;
    }
}
