//! Events of a store as Parquet, a directory a day.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::day::Day;
use crate::engine::Engine;
use crate::error::{Result, StoreError};
use crate::exchange::Progress;
use crate::exchange::directory;
use crate::exchange::manifest::{ExportManifest, PartFacts, Unfinished};
use crate::exchange::part::Part;
use crate::record::{Position, Span, StoredEvent};

/// How events are exported.
///
/// | field | default | range |
/// |---|---|---|
/// | `after` | what the directory holds already, or nothing | a position; that of the directory, if it holds an export |
/// | `span` | all times | |
/// | `buffer_bytes` | 256 MiB | > 0 |
/// | `open_files` | 128 | > 0 |
#[derive(Clone, Copy)]
pub struct ExportOptions<'a> {
    /// Only events written after this position.
    pub after: Option<Position>,
    /// Only events of these times.
    pub span: Span,
    /// Memory for rows that wait to be written, more or less.
    pub buffer_bytes: usize,
    /// Most files written at a time, one for each day. Data of more days is read more than once.
    pub open_files: usize,
    /// Told how many events were written.
    pub progress: Option<Progress<'a>>,
    /// Set to stop; the export can be taken up again.
    pub cancel: Option<&'a AtomicBool>,
}

impl Default for ExportOptions<'_> {
    fn default() -> Self {
        Self {
            after: None,
            span: Span::default(),
            buffer_bytes: 256 << 20,
            open_files: 128,
            progress: None,
            cancel: None,
        }
    }
}

/// What an export wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Events, in this call.
    pub rows: u64,
    /// Files, in this call.
    pub files: u64,
    /// The directory now holds what was written up to this position.
    pub position: Position,
}

/// Writes the events of `engine` into `directory`, made if need be, as `day=2026-01-31/part-00000.parquet` by the UTC
/// day of each event, sorted by visitor, then time; the manifest `_manifest.json` lists the files and their digests.
///
/// Asked again, it adds the events written since as further parts; late events come into the directory of their own
/// day. After an interruption it goes on at the first day that is not whole on disk: nothing is there twice, and files
/// that were not finished are removed. An export takes the events up to the position at which it began. An erasure does
/// not reach into exports by itself: see [`erase`](crate::exchange::erase).
///
/// ```
/// use recommender_core::Timestamp;
/// use recommender_core::events::Event;
/// use recommender_store::exchange::{ExportOptions, export};
/// use recommender_store::record::Batch;
/// use recommender_store::{Engine, MemoryEngine};
/// let engine = MemoryEngine::default();
/// let bought = Event { id: Some("1".into()), visitor: "ann".into(), item: Some("cup".into()), quantity: 1.0,
///                      time: Some(Timestamp(0)), ..Event::default() };
/// engine.write(Batch { events: vec![bought], ..Batch::default() })?.wait()?;
/// let directory = std::env::temp_dir().join(format!("export-{}", std::process::id()));
/// let exported = export(&engine, &directory, &ExportOptions::default())?;
/// assert_eq!(exported.rows, 1);
/// assert!(directory.join("day=1970-01-01/part-00000.parquet").is_file());
/// # std::fs::remove_dir_all(directory).expect("the directory is ours");
/// # Ok::<(), recommender_store::StoreError>(())
/// ```
///
/// # Errors
/// [`StoreError::Invalid`] if `directory` holds something else, or `after` is not where it stands;
/// [`StoreError::InUse`] if another export writes there; if the events can't be read or the files not written;
/// [`recommender_core::Error::Cancelled`] if it was stopped.
pub fn export(
    engine: &dyn Engine,
    directory: &Path,
    options: &ExportOptions<'_>,
) -> Result<Exported> {
    options.validate()?;
    fs::create_dir_all(directory).map_err(|error| StoreError::io(directory, error))?;
    directory::check(directory)?;
    let _lock = directory::lock(directory)?;
    let mut manifest = directory::begin(directory, options.after, engine.position())?;
    directory::remove_unfinished(directory, &manifest)?;
    let (rows, files) = (manifest.rows(), manifest.files.len());
    while let Some(unfinished) = manifest.unfinished {
        let mut pass = Pass::new(directory, &manifest, options, unfinished);
        pass.read(engine)?;
        let (parts, next) = pass.finish()?;
        manifest.files.extend(parts);
        manifest.unfinished = next.map(|day| Unfinished {
            done_before: Some(day.start()),
            ..unfinished
        });
        if manifest.unfinished.is_none() {
            manifest.position = unfinished.up_to;
        }
        manifest.write(directory)?;
    }
    Ok(Exported {
        rows: manifest.rows() - rows,
        files: (manifest.files.len() - files) as u64,
        position: manifest.position,
    })
}

impl fmt::Debug for ExportOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportOptions")
            .field("after", &self.after)
            .field("span", &self.span)
            .field("buffer_bytes", &self.buffer_bytes)
            .field("open_files", &self.open_files)
            .finish_non_exhaustive()
    }
}

impl ExportOptions<'_> {
    fn validate(&self) -> Result<()> {
        for (name, value) in [
            ("buffer_bytes", self.buffer_bytes),
            ("open_files", self.open_files),
        ] {
            if value == 0 {
                return Err(StoreError::invalid(name, "a number above 0", value));
            }
        }
        Ok(())
    }

    fn check_cancelled(&self) -> Result<()> {
        match self.cancel {
            Some(cancel) if cancel.load(Ordering::Relaxed) => {
                Err(recommender_core::Error::Cancelled.into())
            }
            _ => Ok(()),
        }
    }
}

/// One reading of the events: the earliest days that are not done yet, as many as files may be open.
struct Pass<'a> {
    directory: &'a Path,
    options: &'a ExportOptions<'a>,
    manifest: &'a ExportManifest,
    after: Position,
    unfinished: Unfinished,
    days: BTreeMap<Day, Part>,
    /// Days from this one on are left to the next pass.
    end: Option<Day>,
    waiting_bytes: usize,
    rows: u64,
}

/// Events between two looks at whether to stop.
const EVENTS_PER_LOOK: u64 = 1 << 12;

impl<'a> Pass<'a> {
    fn new(
        directory: &'a Path,
        manifest: &'a ExportManifest,
        options: &'a ExportOptions<'a>,
        unfinished: Unfinished,
    ) -> Self {
        Self {
            directory,
            options,
            manifest,
            after: manifest.position,
            unfinished,
            days: BTreeMap::new(),
            end: None,
            waiting_bytes: 0,
            rows: manifest.rows(),
        }
    }

    fn read(&mut self, engine: &dyn Engine) -> Result<()> {
        let span = Span {
            from: self.options.span.from.max(self.unfinished.done_before),
            ..self.options.span
        };
        for (number, stored) in engine.events(span)?.enumerate() {
            if (number as u64).is_multiple_of(EVENTS_PER_LOOK) {
                self.options.check_cancelled()?;
                if let Some(progress) = self.options.progress {
                    progress(self.rows);
                }
            }
            let stored = stored?;
            if stored.position > self.after && stored.position <= self.unfinished.up_to {
                self.take(&stored)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, stored: &StoredEvent) -> Result<()> {
        let day = Day::of(stored.event.time.unwrap_or_default());
        if self.end.is_some_and(|end| day >= end) {
            return Ok(());
        }
        if !self.days.contains_key(&day) && !self.open(day)? {
            return Ok(());
        }
        let Some(part) = self.days.get_mut(&day) else {
            return Ok(());
        };
        self.waiting_bytes += part.push(stored)?;
        self.rows += 1;
        if self.waiting_bytes > self.options.buffer_bytes {
            self.flush_largest()?;
        }
        Ok(())
    }

    /// Opens a part for `day`, if need be in place of the latest day; false if `day` is left to the next pass.
    fn open(&mut self, day: Day) -> Result<bool> {
        if self.days.len() == self.options.open_files {
            if self
                .days
                .last_key_value()
                .is_some_and(|(&latest, _)| day > latest)
            {
                self.end = Some(day);
                return Ok(false);
            }
            if let Some((latest, part)) = self.days.pop_last() {
                self.waiting_bytes -= part.waiting_bytes();
                self.rows -= part.rows();
                self.end = Some(latest);
            }
        }
        let path = self.manifest.part_name(&format!("day={day}"));
        self.days.insert(day, Part::create(self.directory, path)?);
        Ok(true)
    }

    fn flush_largest(&mut self) -> Result<()> {
        let largest = self
            .days
            .values_mut()
            .max_by_key(|part| part.waiting_bytes());
        if let Some(part) = largest {
            self.waiting_bytes -= part.waiting_bytes();
            part.flush()?;
        }
        Ok(())
    }

    /// Gives every file its name; says where the next pass begins, if there must be one.
    fn finish(self) -> Result<(Vec<PartFacts>, Option<Day>)> {
        let mut facts = Vec::with_capacity(self.days.len());
        for part in self.days.into_values() {
            self.options.check_cancelled()?;
            facts.push(part.finish()?);
        }
        if let Some(progress) = self.options.progress {
            progress(self.rows);
        }
        Ok((facts, self.end))
    }
}
