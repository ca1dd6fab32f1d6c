//! One file of events on its way to the disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use ring::digest::{Context, SHA256};

use crate::digits::hex;
use crate::disk;
use crate::error::{Result, StoreError};
use crate::exchange::columns::{self, Columns};
use crate::exchange::manifest::PartFacts;
use crate::record::StoredEvent;

/// A Parquet file that has another name until it is whole. Dropped before, it is removed.
pub(super) struct Part {
    /// The name it will have, below the directory of the export.
    path: String,
    directory: PathBuf,
    writer: Option<SerializedFileWriter<Hashed>>,
    waiting: Columns,
    rows: u64,
}

impl Part {
    /// Begins the file `path` below `directory`.
    ///
    /// # Errors
    /// If it can't be made.
    pub(super) fn create(directory: &Path, path: String) -> Result<Self> {
        let mut part = Self {
            path,
            directory: directory.to_owned(),
            writer: None,
            waiting: Columns::default(),
            rows: 0,
        };
        let (working, target) = (part.working_path(), part.target());
        if let Some(day) = target.parent() {
            fs::create_dir_all(day).map_err(|error| StoreError::io(day, error))?;
        }
        let file = File::create(&working).map_err(|error| StoreError::io(&working, error))?;
        let schema = columns::schema().map_err(|error| part.failed(error))?;
        let properties = Arc::new(columns::properties());
        let writer = SerializedFileWriter::new(Hashed::new(file), schema, properties);
        part.writer = Some(writer.map_err(|error| part.failed(error))?);
        Ok(part)
    }

    /// Adds an event to those that wait to be written; says how many bytes more wait.
    ///
    /// # Errors
    /// As [`Part::flush`].
    pub(super) fn push(&mut self, event: &StoredEvent) -> Result<usize> {
        self.waiting.push(event).map_err(|error| self.failed(error))
    }

    /// Bytes that wait to be written.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting.bytes()
    }

    /// How many events it has, waiting or written.
    pub(super) fn rows(&self) -> u64 {
        self.rows + self.waiting.rows() as u64
    }

    /// Writes what waits as a row group.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(super) fn flush(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.rows() == 0 {
            return Ok(());
        }
        self.rows += waiting.rows() as u64;
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let written = write_group(writer, waiting);
        written.map_err(|error| self.failed(error))
    }

    /// Writes the rest, waits until it is on disk, and gives the file its name.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(super) fn finish(mut self) -> Result<PartFacts> {
        self.flush()?;
        let writer = self.writer.take();
        let writer = writer.ok_or(StoreError::Closed)?;
        let hashed = writer.into_inner().map_err(|error| self.failed(error))?;
        let (working, target) = (self.working_path(), self.target());
        let failed = |error| StoreError::io(&working, error);
        hashed.file.sync_all().map_err(failed)?;
        fs::rename(&working, &target).map_err(failed)?;
        for directory in target.ancestors().skip(1).take(2) {
            disk::sync_directory(directory)?;
        }
        Ok(PartFacts {
            path: self.path.clone(),
            rows: self.rows,
            bytes: hashed.bytes,
            sha256: hex(hashed.digest.finish().as_ref()),
        })
    }

    fn target(&self) -> PathBuf {
        self.directory.join(&self.path)
    }

    fn working_path(&self) -> PathBuf {
        let target = self.target();
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        target.with_file_name(format!(".{name}.new"))
    }

    fn failed(&self, error: ParquetError) -> StoreError {
        let path = self.working_path();
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "only an error of the system says more than its text"
        )]
        let error = match error {
            ParquetError::External(error) => match error.downcast::<io::Error>() {
                Ok(error) => *error,
                Err(error) => io::Error::other(error),
            },
            error => io::Error::other(error),
        };
        StoreError::io(&path, error)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // A finished part has no file of this name any more; of an unfinished one nobody can be told.
        let _ = fs::remove_file(self.working_path());
    }
}

fn write_group(
    writer: &mut SerializedFileWriter<Hashed>,
    columns: Columns,
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    columns.write(&mut group)?;
    group.close()?;
    Ok(())
}

/// A file whose digest is made while it is written.
struct Hashed {
    file: File,
    digest: Context,
    bytes: u64,
}

impl Hashed {
    fn new(file: File) -> Self {
        Self {
            file,
            digest: Context::new(&SHA256),
            bytes: 0,
        }
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
