//! Event and product files by path.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use recommender_core::catalog::read::{ProductMap, ProductReader};
use recommender_core::error::InputError;
use recommender_core::events::EventSink;
use recommender_core::events::read::{EventMap, EventReader};
use recommender_core::rows::{BadRows, Format, ReadReport};
use recommender_core::{Error, Product, Result, Timestamp};

use crate::random::FileAccess;

/// How a file of events is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventOptions {
    /// How the rows are written; none goes by the file's extension (see [`Format::of_name`]).
    pub format: Option<Format>,
    /// Which column fills which field.
    pub map: EventMap,
    /// What to do about a row that can't be understood.
    pub bad_rows: BadRows,
}

/// How a file of products is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProductOptions {
    /// How the rows are written; none goes by the file's extension (see [`Format::of_name`]).
    pub format: Option<Format>,
    /// Which column fills which field.
    pub map: ProductMap,
    /// What to do about a row that can't be understood.
    pub bad_rows: BadRows,
    /// Rows of this time and later are left out.
    pub before: Option<Timestamp>,
}

/// Reads the events of a file into `sink`, such as an [`EventTable`](recommender_core::events::EventTable), which may
/// hold those of other files already. The file is read piece by piece, whatever its size.
///
/// ```no_run
/// use recommender_core::events::EventTable;
/// use recommender_files::{EventOptions, read_events};
/// let mut table = EventTable::new();
/// let report = read_events("events.csv.gz".as_ref(), &EventOptions::default(), &mut table)?;
/// println!("{report}");
/// # Ok::<(), recommender_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::Input`] naming the path if the file can't be opened, its extension stands for no format, it lacks a column,
/// or a row is bad where those are refused. [`Error::Config`] if the map is wrong. What `sink` says.
pub fn read_events(
    path: &Path,
    options: &EventOptions,
    sink: &mut dyn EventSink,
) -> Result<ReadReport> {
    let origin = path.display().to_string();
    let format = format_of(path, options.format)?;
    let reader = EventReader::new(format)
        .with_map(options.map.clone())
        .with_bad_rows(options.bad_rows);
    if format == Format::Parquet {
        let file = FileAccess::new(open(path)?).map_err(|error| unreadable(path, &error))?;
        reader.read_random(&origin, Arc::new(file), sink)
    } else {
        reader.read(&origin, open(path)?, sink)
    }
}

/// Reads the products of a file.
///
/// # Errors
/// As [`read_events`].
pub fn read_products(path: &Path, options: &ProductOptions) -> Result<(Vec<Product>, ReadReport)> {
    let origin = path.display().to_string();
    let format = format_of(path, options.format)?;
    let mut reader = ProductReader::new(format)
        .with_map(options.map.clone())
        .with_bad_rows(options.bad_rows);
    if let Some(time) = options.before {
        reader = reader.before(time);
    }
    if format == Format::Parquet {
        reader.read_bytes(&origin, whole(path)?.into())
    } else {
        reader.read(&origin, open(path)?)
    }
}

/// Reads an [`EventMap`] from a TOML file.
///
/// # Errors
/// [`Error::Input`] if the file can't be read, [`Error::Config`] if it is no event map.
pub fn read_event_map(path: &Path) -> Result<EventMap> {
    EventMap::from_toml(&path.display().to_string(), &text(path)?)
}

/// Reads a [`ProductMap`] from a TOML file.
///
/// # Errors
/// [`Error::Input`] if the file can't be read, [`Error::Config`] if it is no product map.
pub fn read_product_map(path: &Path) -> Result<ProductMap> {
    ProductMap::from_toml(&path.display().to_string(), &text(path)?)
}

fn format_of(path: &Path, given: Option<Format>) -> Result<Format> {
    let by_name = || Format::of_name(&path.file_name()?.to_string_lossy());
    given.or_else(by_name).ok_or_else(|| {
        let names = Format::ALL.map(Format::name).join(", ");
        let expected = format!("a known extension, or a format to be named: one of {names}");
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy());
        let found = match extension {
            Some(extension) => format!("the extension \"{extension}\""),
            None => "no extension".into(),
        };
        InputError::new(path.display().to_string(), expected, found).into()
    })
}

fn open(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let kind = file.metadata().map_err(|error| unreadable(path, &error))?;
    if kind.is_dir() {
        return Err(unreadable(path, &io::ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

fn whole(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| unreadable(path, &error))
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

/// The error for a file that can't be opened or read.
fn unreadable(path: &Path, error: &io::Error) -> Error {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the system has many errors; those a user mends most often are put in words"
    )]
    let found = match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::IsADirectory => "a directory".to_owned(),
        io::ErrorKind::PermissionDenied => "one that may not be read".to_owned(),
        io::ErrorKind::InvalidData => "one that is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    InputError::new(path.display().to_string(), "a readable file", found).into()
}

#[cfg(test)]
mod tests {
    use recommender_core::events::EventTable;

    use super::*;

    fn error_of(path: &Path) -> String {
        let error = read_events(path, &EventOptions::default(), &mut EventTable::new());
        let error = error.expect_err("the file can't be read");
        assert!(matches!(error, Error::Input(_)), "{error:?}");
        error.to_string()
    }

    #[test]
    fn files_that_can_not_be_read_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("none.csv");
        let error = error_of(&missing);
        assert!(error.starts_with(&missing.display().to_string()), "{error}");
        assert!(
            error.ends_with("expected a readable file, found no such file"),
            "{error}"
        );
        for name in ["dir.csv", "dir.parquet"] {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            assert!(error_of(&path).ends_with("found a directory"), "{name}");
        }
        let odd = dir.path().join("events.xlsx");
        fs::write(&odd, "x").unwrap();
        assert!(error_of(&odd).contains("the extension \"xlsx\""));
        let empty = dir.path().join("events.jsonl");
        fs::write(&empty, "").unwrap();
        assert!(error_of(&empty).contains("an empty file"));
    }

    #[test]
    fn the_format_is_that_of_the_extension_or_the_one_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.log");
        fs::write(&path, "visitor\titem\ttime\nann\tcup\t1\n").unwrap();
        let options = EventOptions {
            format: Some(Format::Tsv),
            ..EventOptions::default()
        };
        let mut table = EventTable::new();
        let report = read_events(&path, &options, &mut table).unwrap();
        assert_eq!(report.kept, 1);
        let path = dir.path().join("more.CSV");
        fs::write(&path, "visitor,item,time\nann,pot,2\n").unwrap();
        read_events(&path, &EventOptions::default(), &mut table).unwrap();
        assert_eq!((table.len(), table.users().len()), (2, 1));
    }

    #[test]
    fn maps_are_read_from_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("map.toml");
        fs::write(&path, "columns = { visitor = \"who\" }").unwrap();
        assert_eq!(read_event_map(&path).unwrap().columns.len(), 1);
        assert!(matches!(read_product_map(&path), Err(Error::Config(_))));
        assert!(matches!(read_event_map(dir.path()), Err(Error::Input(_))));
    }
}
