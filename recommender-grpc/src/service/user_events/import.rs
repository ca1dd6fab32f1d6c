//! Files of events, taken in.

mod content;

use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use recommender_core::Error;
use recommender_core::error::InputError;
use recommender_core::events::Event;
use recommender_core::rows::{BadRows, Format, ReadReport};
use recommender_files::EventOptions;
use recommender_store::exchange::{self, Admission, ImportOptions};
use recommender_store::{Store, StoreError};

use super::Desk;
use crate::answering::Freshness;
use crate::convert::{self, Violations, writes};
use crate::operations::Progress;
use crate::proto::import_user_events_request::Source;
use crate::proto::longrunning::Operation;
use crate::proto::{BadRow, EventFileFormat, ImportUserEventsRequest, ImportUserEventsResponse};
use crate::settings::EventSettings;
use crate::status::Refusal;

/// Most columns that a call renames.
const MAX_COLUMNS: usize = 100;
/// Most rows that an answer names.
const NAMED_ROWS: usize = 100;
/// Most characters of what was found in a row that an answer shows.
const SHOWN: usize = 200;

/// A file that is to be imported.
struct Job {
    store: Store,
    rules: EventSettings,
    source: Source,
    reading: EventOptions,
}

/// What was noted of rows that did not come in.
#[derive(Debug, Default)]
struct Notes {
    unknown_types: AtomicU64,
    bad: u64,
    named: Vec<BadRow>,
}

impl Desk {
    pub(super) fn import(&self, request: ImportUserEventsRequest) -> Result<Operation, Refusal> {
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.shop.catalog, &mut wrong);
        let reading = reading(&request, &mut wrong);
        let source = source(request.source, &reading, &mut wrong);
        let (Some(source), true) = (source, wrong.is_empty()) else {
            return Err(wrong.into());
        };
        if matches!(source, Source::Path(_)) && self.shop.rules.events.import_directory.is_none() {
            return Err(Refusal::Precondition {
                reason: "NO_IMPORT_DIRECTORY",
                message: "this server has no import_directory: send the content".to_owned(),
            });
        }
        let job = Job {
            store: self.shop.store()?.clone(),
            rules: self.shop.rules.events.clone(),
            source,
            reading,
        };
        let work = move |progress: &Progress| job.run(progress);
        let target = request.parent;
        self.shop.operations.begin("ImportUserEvents", target, work)
    }
}

/// How the file is read.
fn reading(request: &ImportUserEventsRequest, wrong: &mut Violations) -> EventOptions {
    let mut reading = EventOptions {
        bad_rows: match request.refuse_bad_rows {
            true => BadRows::Refuse,
            false => BadRows::Count,
        },
        ..EventOptions::default()
    };
    reading.format = match EventFileFormat::try_from(request.format) {
        Ok(EventFileFormat::Unspecified) => None,
        Ok(EventFileFormat::Jsonl) => Some(Format::Jsonl),
        Ok(EventFileFormat::Csv) => Some(Format::Csv),
        Ok(EventFileFormat::Tsv) => Some(Format::Tsv),
        Ok(EventFileFormat::Parquet) => Some(Format::Parquet),
        Err(_) => {
            let found = format!("expected an EventFileFormat, found {}", request.format);
            wrong.add("format", found);
            None
        }
    };
    wrong.bound("columns", request.columns.len(), MAX_COLUMNS);
    for (number, column) in request.columns.iter().take(MAX_COLUMNS).enumerate() {
        if let Err(error) = reading.map.assign(column) {
            wrong.add(format!("columns[{number}]"), error.to_string());
        }
    }
    reading
}

/// Where the events come from. A path leads below the import directory, and nowhere else.
fn source(
    source: Option<Source>,
    reading: &EventOptions,
    wrong: &mut Violations,
) -> Option<Source> {
    match &source {
        None => wrong.add("source", "expected content or a path, found none"),
        Some(Source::Content(_)) if reading.format.is_none() => {
            wrong.add("format", "expected one, as content has no name; found none");
        }
        Some(Source::Content(content)) if content.is_empty() => {
            wrong.add("content", "expected a file, found nothing");
        }
        Some(Source::Content(_)) => {}
        Some(Source::Path(path)) => {
            let mut parts = Path::new(path).components();
            if path.is_empty() || !parts.all(|part| matches!(part, Component::Normal(_))) {
                let expected = "expected a path below the import directory without \"..\"";
                wrong.add("path", format!("{expected}, found {path:?}"));
            }
        }
    }
    source
}

impl Job {
    fn run(&self, progress: &Progress) -> Result<ImportUserEventsResponse, Refusal> {
        progress.stage("reading events");
        let mut notes = Notes::default();
        let rows = match &self.source {
            Source::Content(content) => self.import_content(content, &mut notes, progress)?,
            Source::Path(path) => self.import_path(path, &mut notes, progress)?,
        };
        let unknown = notes.unknown_types.into_inner();
        Ok(ImportUserEventsResponse {
            row_count: rows.rows,
            imported_count: rows.kept,
            duplicate_count: rows.duplicates,
            refused_consent_count: rows.refused_consent.saturating_sub(unknown),
            unknown_type_count: unknown,
            bad_row_count: notes.bad,
            bad_rows: notes.named,
            freshness_token: Freshness(self.store.position()).to_string(),
        })
    }

    fn import_path(
        &self,
        path: &str,
        notes: &mut Notes,
        progress: &Progress,
    ) -> Result<ReadReport, Refusal> {
        let directory = self.rules.import_directory.as_deref();
        let directory = directory.unwrap_or(Path::new(""));
        let (root, file) = below(directory, path)?;
        let Notes {
            unknown_types,
            bad,
            named,
        } = notes;
        let door = |event: &mut Event| self.admit(event, unknown_types);
        let told = |count| progress.succeeded(count);
        let options = ImportOptions {
            reading: self.reading.clone(),
            admit: Some(&door),
            progress: Some(&told),
            cancel: Some(progress.cancel_flag()),
            ..ImportOptions::default()
        };
        let mut bad_row = |error: &InputError| {
            note(bad, named, named_row(error, &root));
            progress.failed(*bad);
            Ok(())
        };
        let engine = &**self.store.engine();
        let report = exchange::import(engine, &[file], &options, &mut bad_row);
        Ok(report.map_err(|error| without_root(error, &root))?.rows)
    }

    /// Whether an event comes in, with its keys as they are kept.
    fn admit(&self, event: &mut Event, unknown_types: &AtomicU64) -> Admission {
        if writes::is_known_type(event, &self.rules) {
            return self.store.admit(event);
        }
        unknown_types.fetch_add(1, Ordering::Relaxed);
        Admission::Refused
    }
}

/// The file or folder that `path` leads to, and the import directory that it lies below, links followed.
fn below(directory: &Path, path: &str) -> Result<(PathBuf, PathBuf), Refusal> {
    let root = directory
        .canonicalize()
        .map_err(|error| StoreError::io(directory, error))?;
    let file = root.join(path).canonicalize().ok();
    file.filter(|file| file.starts_with(&root))
        .map(|file| (root, file))
        .ok_or_else(|| {
            let mut wrong = Violations::default();
            let expected = "expected a file or folder below the import directory";
            wrong.add("path", format!("{expected}, found {path:?}"));
            wrong.into()
        })
}

fn note(bad: &mut u64, named: &mut Vec<BadRow>, row: BadRow) {
    *bad += 1;
    if named.len() < NAMED_ROWS {
        named.push(row);
    }
}

/// A bad row, of a file below `root`.
fn named_row(error: &InputError, root: &Path) -> BadRow {
    BadRow {
        file: relative(&error.origin, root),
        row: error.row.unwrap_or_default(),
        field: error.field.clone().unwrap_or_default(),
        expected: error.expected.clone(),
        found: error.found.chars().take(SHOWN).collect(),
    }
}

/// The error without the server's own directories.
fn without_root(error: StoreError, root: &Path) -> Refusal {
    if let StoreError::Core(Error::Input(mut error)) = error {
        error.origin = relative(&error.origin, root);
        return Error::Input(error).into();
    }
    error.into()
}

fn relative(origin: &str, root: &Path) -> String {
    let path = Path::new(origin);
    let path = path.strip_prefix(root).unwrap_or(path);
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_below_the_directory_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("in");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("a.csv"), "").unwrap();
        std::fs::write(folder.path().join("secret.csv"), "").unwrap();
        std::os::unix::fs::symlink(folder.path(), root.join("out")).unwrap();
        assert!(below(&root, "a.csv").is_ok());
        for path in ["../secret.csv", "out/secret.csv", "b.csv"] {
            assert!(
                matches!(below(&root, path), Err(Refusal::Invalid(_))),
                "{path}"
            );
        }
        for (path, right) in [
            ("a.csv", true),
            ("day/a.csv", true),
            ("", false),
            ("/etc/passwd", false),
            ("../a.csv", false),
            ("day/../../a.csv", false),
        ] {
            let mut wrong = Violations::default();
            let path = Some(Source::Path(path.to_owned()));
            source(path, &EventOptions::default(), &mut wrong);
            assert_eq!(wrong.is_empty(), right);
        }
    }
}
