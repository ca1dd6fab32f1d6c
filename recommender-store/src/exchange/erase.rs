//! Persons taken out of an export.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use rustc_hash::FxHashSet;

use crate::disk::sync_directory;
use crate::error::{Result, StoreError};
use crate::exchange::directory;
use crate::exchange::manifest::{ExportManifest, PartFacts};
use crate::exchange::part::Part;
use crate::exchange::rows::stored_event;

/// What was taken out of an export.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Erased {
    /// Events that are gone.
    pub events: u64,
    /// Files that are gone or have been written anew, by their former names below the directory.
    pub files: Vec<String>,
}

/// Takes all events of `visitors` out of the export in `directory`: files with such events are written anew under other
/// names, and removed. An interrupted export goes on as if nothing had been; an interrupted erasure goes on when it is
/// asked again.
///
/// # Errors
/// [`StoreError::Invalid`] if there is no export; [`StoreError::InUse`] while one is written;
/// [`StoreError::Damaged`] for a file that can't be read; if something can't be written.
pub fn erase(directory: &Path, visitors: &[String]) -> Result<Erased> {
    let mut manifest = manifest_of(directory)?;
    let _lock = directory::lock(directory)?;
    directory::remove_unfinished(directory, &manifest)?;
    let visitors: FxHashSet<&[u8]> = visitors.iter().map(|visitor| visitor.as_bytes()).collect();
    let mut erased = Erased::default();
    for file in manifest.files.clone() {
        let source = Source::open(directory.join(&file.path))?;
        let found = source.count(&visitors)?;
        if found == 0 {
            continue;
        }
        // The new file is named by the manifest before the old one goes: a kill leaves one or the other.
        let part = match found < file.rows {
            true => Some(source.write_without(&visitors, directory, manifest.next_part(&file))?),
            false => None,
        };
        let place = manifest.files.iter().position(|known| *known == file);
        let place = place.unwrap_or(manifest.files.len());
        manifest.files.splice(place..=place, part);
        manifest.write(directory)?;
        source.remove()?;
        erased.events += found;
        erased.files.push(file.path);
    }
    Ok(erased)
}

/// What the export in `directory` holds.
///
/// # Errors
/// [`StoreError::Invalid`] if there is no export; as [`ExportManifest::read`].
pub(crate) fn manifest_of(directory: &Path) -> Result<ExportManifest> {
    let none = || StoreError::invalid(directory.display().to_string(), "an export", "none");
    ExportManifest::read(directory)?.ok_or_else(none)
}

impl ExportManifest {
    /// The name of the next part beside `file`.
    fn next_part(&self, file: &PartFacts) -> String {
        let day = file.path.split('/').next().unwrap_or_default();
        self.part_name(day)
    }
}

/// A file of an export.
struct Source {
    path: PathBuf,
    reader: SerializedFileReader<File>,
}

/// Where the visitor stands among the columns.
const VISITOR_COLUMN: usize = 1;

impl Source {
    fn open(path: PathBuf) -> Result<Self> {
        let file = File::open(&path).map_err(|error| StoreError::io(&path, error))?;
        match SerializedFileReader::new(file) {
            Ok(reader) => Ok(Self { path, reader }),
            Err(error) => Err(StoreError::damaged(path, error.to_string())),
        }
    }

    fn damaged(&self, error: &impl ToString) -> StoreError {
        StoreError::damaged(&self.path, error.to_string())
    }

    /// How many events are of these visitors.
    fn count(&self, visitors: &FxHashSet<&[u8]>) -> Result<u64> {
        let groups = self.reader.metadata().row_groups().iter().enumerate();
        let mut found = 0;
        for (number, group) in groups.filter(|(_, group)| may_hold(group, visitors)) {
            let values = self.visitors_of(number, group);
            let values = values.map_err(|error| self.damaged(&error))?;
            let hers = values
                .iter()
                .filter(|value| visitors.contains(value.data()));
            found += hers.count() as u64;
        }
        Ok(found)
    }

    fn visitors_of(
        &self,
        number: usize,
        group: &RowGroupMetaData,
    ) -> Result<Vec<ByteArray>, ParquetError> {
        let rows = usize::try_from(group.num_rows());
        let rows = rows.map_err(|error| ParquetError::General(error.to_string()))?;
        let reader = self.reader.get_row_group(number)?;
        let mut values = Vec::new();
        let column = reader.get_column_reader(VISITOR_COLUMN)?;
        let ColumnReader::ByteArrayColumnReader(mut column) = column else {
            return Err(ParquetError::General("visitors are no texts".into()));
        };
        while values.len() < rows {
            let (read, _, _) = column.read_records(rows - values.len(), None, None, &mut values)?;
            if read == 0 {
                return Err(ParquetError::EOF("visitors are missing".into()));
            }
        }
        Ok(values)
    }

    /// Writes the other events as the file `name`.
    fn write_without(
        &self,
        visitors: &FxHashSet<&[u8]>,
        directory: &Path,
        name: String,
    ) -> Result<PartFacts> {
        let mut part = Part::create(directory, name)?;
        for number in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(number);
            let group = group.map_err(|error| self.damaged(&error))?;
            for row in group
                .get_row_iter(None)
                .map_err(|error| self.damaged(&error))?
            {
                let row = row.map_err(|error| self.damaged(&error))?;
                let stored = stored_event(&row).map_err(|reason| self.damaged(&reason))?;
                if !visitors.contains(stored.event.visitor.as_bytes()) {
                    part.push(&stored)?;
                }
            }
            part.flush()?;
        }
        part.finish()
    }

    fn remove(self) -> Result<()> {
        drop(self.reader);
        fs::remove_file(&self.path).map_err(|error| StoreError::io(&self.path, error))?;
        self.path.parent().map_or(Ok(()), sync_directory)
    }
}

/// Whether a row group may hold one of the visitors, by the least and the largest it tells of.
fn may_hold(group: &RowGroupMetaData, visitors: &FxHashSet<&[u8]>) -> bool {
    let statistics = group.column(VISITOR_COLUMN).statistics();
    let bounds = statistics.and_then(|known| known.min_bytes_opt().zip(known.max_bytes_opt()));
    bounds.is_none_or(|(least, most)| {
        let mut visitors = visitors.iter();
        visitors.any(|&visitor| least <= visitor && visitor <= most)
    })
}
