//! Artefacts on their way in and out: by directories beside those of the models, or byte by byte.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use recommender_core::Engine;
use recommender_core::artifact::Manifest;
use ring::digest::{Context, SHA256};
use tonic_types::FieldViolation;

use crate::digits::hex;
use crate::resource::name_of;
use crate::status::Refusal;
use crate::training::MODELS;
use crate::training::directory::{Draft, bytes_of};
use crate::training::document::{Made, ModelDocument, Version};
use crate::training::registry::Registry;
use crate::training::run::save;

/// Most bytes of a piece of a file.
const LONGEST_PIECE: usize = 1 << 20;

/// Bytes of a piece that is given out: well below what clients take by themselves.
const PIECE: usize = 512 << 10;

/// Most files of an artefact: it has one for each source, and a few more.
const MOST_FILES: usize = 1000;

/// Longest path of a file within an artefact, and most names in it.
const LONGEST_PATH: (usize, usize) = (200, 4);

/// A file of an artefact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ArtefactFile {
    /// Where it is within the artefact, `/` between the names.
    pub(crate) path: String,
    /// Its length.
    pub(crate) bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub(crate) sha256: String,
}

impl Registry {
    /// Takes an artefact that was trained elsewhere as a new version.
    ///
    /// # Errors
    /// As [`Registry::found`] and [`Registry::erased_since`]; while an erasure runs; if it can't be read or written.
    pub(crate) fn import(&self, id: &str, name: &str) -> Result<Version, Refusal> {
        let from = self.directory()?.import(name);
        self.found(id)?;
        self.take(id, &recommender_files::load_engine(&from)?)
    }

    fn take(&self, id: &str, (engine, made): &(Engine, Manifest)) -> Result<Version, Refusal> {
        let document = self.found(id)?;
        let mark = self.0.erasures.mark().ok_or_else(being_erased)?;
        let erased = self.erased_since(engine, made.model_version())?;
        let draft = self.directory()?.draft(id, document.last_version)?;
        let manifest = save(engine, &document, &draft)?;
        let version = Version {
            number: draft.number,
            create_time: self.store()?.now(),
            made: Made::of(&manifest)?,
            comparison: None,
            bytes: bytes_of(&draft.path)?,
            verdict: match erased {
                0 => "held back: imported".into(),
                1 => "held back: imported; erased since its last event: 1 person".into(),
                more => format!("held back: imported; erased since its last event: {more} persons"),
            },
        };
        let _writing = self.writing();
        if self.0.erasures.mark() != Some(mark) {
            return Err(being_erased());
        }
        self.add(id, &version)?;
        draft.keep();
        self.remove_old(id)?;
        Ok(version)
    }

    /// The version of this number, or the one in service, with its model.
    fn chosen(&self, id: &str, number: Option<u64>) -> Result<(ModelDocument, Version), Refusal> {
        let document = self.found(id)?;
        let number = number.or(document.serving).unwrap_or_default();
        let version = document.version(number).cloned();
        let version = version.ok_or_else(|| {
            let model = name_of(&self.0.around.catalog, MODELS, id);
            Refusal::NotFound {
                resource_type: "recommender.v1.ModelVersion",
                name: format!("{model}/versions/{number}"),
            }
        })?;
        Ok((document, version))
    }

    /// Copies a version, the one in service if none is named, and says where.
    ///
    /// # Errors
    /// As [`Registry::found`]; if there is no such version, or it can't be read or written.
    pub(crate) fn export(
        &self,
        id: &str,
        number: Option<u64>,
        name: &str,
    ) -> Result<(Version, PathBuf), Refusal> {
        let (_, version) = self.chosen(id, number)?;
        let directory = self.directory()?;
        let target = directory.export(name)?;
        if target.exists() {
            return Err(Refusal::Precondition {
                reason: "DIRECTORY_EXISTS",
                message: format!("there is a directory \"{name}\" already"),
            });
        }
        let source = directory.version(id, version.number);
        let (engine, manifest) = recommender_files::load_engine(&source)?;
        recommender_files::save_engine(&engine, &manifest.created_by, &target)?;
        Ok((version, target))
    }

    /// Begins to take an artefact of at most `most` bytes, file by file.
    ///
    /// # Errors
    /// As [`Registry::found`]; without a directory for models, or if it can't be written.
    pub(crate) fn begin_upload(&self, id: &str, most: u64) -> Result<Upload, Refusal> {
        self.store()?;
        self.found(id)?;
        Ok(Upload {
            draft: self.directory()?.staging(id)?,
            registry: self.clone(),
            id: id.to_owned(),
            left: most,
            most,
            paths: BTreeSet::new(),
            open: None,
        })
    }

    /// The files of a version, the one in service if none is named.
    ///
    /// # Errors
    /// As [`Registry::export`]; [`Refusal::Precondition`] if its files are missing.
    pub(crate) fn begin_download(
        &self,
        id: &str,
        number: Option<u64>,
    ) -> Result<(Version, Download), Refusal> {
        let (_, version) = self.chosen(id, number)?;
        let directory = self.directory()?.version(id, version.number);
        let mut files = Vec::new();
        // All are opened at once: whoever writes the version anew makes new files, and these stay as they are.
        let opened = open_files(&directory, "", &mut files);
        opened.map_err(|error| unusable(&format!("version {}", version.number), &error))?;
        files.sort_by(|one, other| other.0.cmp(&one.0));
        let download = Download { files, open: None };
        Ok((version, download))
    }
}

/// An artefact that comes piece by piece. Dropping it removes what came.
#[derive(Debug)]
pub(crate) struct Upload {
    registry: Registry,
    id: String,
    draft: Draft,
    /// Bytes that may still be announced, of so many in all.
    left: u64,
    most: u64,
    paths: BTreeSet<String>,
    open: Option<Open>,
}

/// A file that is being taken.
struct Open {
    announced: ArtefactFile,
    file: File,
    left: u64,
    digest: Context,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut open = f.debug_struct("Open");
        open.field("announced", &self.announced)
            .finish_non_exhaustive()
    }
}

impl Upload {
    /// Begins a file.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the one before is not whole, or this one is none of an artefact or too large; if it can't
    /// be written.
    pub(crate) fn file(&mut self, announced: ArtefactFile) -> Result<(), Refusal> {
        self.close()?;
        check_path(&announced.path)?;
        let is_new = self.paths.insert(announced.path.clone());
        if !is_new || self.paths.len() > MOST_FILES {
            let expected = format!("expected at most {MOST_FILES} files, each once");
            let found = format!("{expected}, found {:?}", announced.path);
            return Err(wrong("file.path", found));
        }
        self.left = self.left.checked_sub(announced.bytes).ok_or_else(|| {
            let expected = format!("expected at most {} bytes in all", self.most);
            let found = announced.bytes.saturating_add(self.most - self.left);
            wrong("file.size_bytes", format!("{expected}, found {found}"))
        })?;
        let path = self.draft.path.join(&announced.path);
        let opened = path.parent().map_or(Ok(()), fs::create_dir_all);
        let file = opened.and_then(|()| File::create_new(&path));
        let file = file.map_err(|error| failed(&path, &error))?;
        self.open = Some(Open {
            left: announced.bytes,
            announced,
            file,
            digest: Context::new(&SHA256),
        });
        Ok(())
    }

    /// Takes the next bytes of the file that was begun last.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if there is none, or it is whole; if it can't be written.
    pub(crate) fn chunk(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let Some(open) = &mut self.open else {
            return Err(wrong("chunk", "expected a file first, found none".into()));
        };
        let most = open
            .left
            .min(u64::try_from(LONGEST_PIECE).unwrap_or(u64::MAX));
        if bytes.is_empty() || bytes.len() as u64 > most {
            let found = format!("expected 1 to {most} bytes, found {}", bytes.len());
            return Err(wrong("chunk", found));
        }
        open.left -= bytes.len() as u64;
        open.digest.update(bytes);
        let written = open.file.write_all(bytes);
        written.map_err(|error| failed(&self.draft.path, &error))
    }

    /// Makes a version of what came.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the last file is not whole; [`Refusal::Precondition`] if the files are no artefact; as
    /// [`Registry::import`].
    pub(crate) fn finish(mut self) -> Result<Version, Refusal> {
        self.close()?;
        // Whether what came is an artefact is told apart from whether a version of it can be made.
        let loaded = recommender_files::load_engine(&self.draft.path);
        let loaded = loaded.map_err(|error| unusable("what was sent", &error))?;
        self.registry.take(&self.id, &loaded)
    }

    /// Holds the file that was begun last against what was announced of it.
    fn close(&mut self) -> Result<(), Refusal> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let path = &open.announced.path;
        if open.left > 0 {
            let expected = format!("expected {} more bytes of {path:?}", open.left);
            return Err(wrong("chunk", format!("{expected}, found their end")));
        }
        let found = hex(open.digest.finish().as_ref());
        if !open.announced.sha256.eq_ignore_ascii_case(&found) {
            let expected = format!("expected that of the bytes of {path:?}, {found}");
            let told = format!("{expected}, found {:?}", open.announced.sha256);
            return Err(wrong("file.sha256", told));
        }
        Ok(())
    }
}

/// The files of a version on their way out.
#[derive(Debug)]
pub(crate) struct Download {
    /// Those that are to come, the next one last.
    files: Vec<(String, File)>,
    open: Option<File>,
}

/// A piece of an artefact.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A file begins.
    File(ArtefactFile),
    /// The next bytes of it.
    Chunk(Vec<u8>),
}

impl Download {
    /// The next piece; none after the last.
    ///
    /// # Errors
    /// If a file can't be read.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>, Refusal> {
        self.piece()
            .map_err(|error| unusable("the version", &error))
    }

    fn piece(&mut self) -> io::Result<Option<Piece>> {
        if let Some(file) = &mut self.open {
            let mut bytes = Vec::with_capacity(PIECE);
            file.take(PIECE as u64).read_to_end(&mut bytes)?;
            if !bytes.is_empty() {
                return Ok(Some(Piece::Chunk(bytes)));
            }
            self.open = None;
        }
        let Some((path, mut file)) = self.files.pop() else {
            return Ok(None);
        };
        let (bytes, sha256) = digest_of(&mut file)?;
        self.open = Some(file);
        Ok(Some(Piece::File(ArtefactFile {
            path,
            bytes,
            sha256,
        })))
    }
}

/// Length and SHA-256 of a file, which is at its beginning again then.
fn digest_of(file: &mut File) -> io::Result<(u64, String)> {
    let mut digest = Context::new(&SHA256);
    let mut buffer = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        digest.update(&buffer[..read]);
        bytes += read as u64;
    }
    io::Seek::rewind(file)?;
    Ok((bytes, hex(digest.finish().as_ref())))
}

/// Opens every file below `directory`, with its path from there.
fn open_files(directory: &Path, above: &str, files: &mut Vec<(String, File)>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = format!("{above}{}", entry.file_name().to_string_lossy());
        match entry.file_type()?.is_dir() {
            true => open_files(&entry.path(), &format!("{path}/"), files)?,
            false => files.push((path, File::open(entry.path())?)),
        }
    }
    Ok(())
}

/// Refuses a path that does not stay within the artefact.
fn check_path(path: &str) -> Result<(), Refusal> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '%');
    let is_name =
        |name: &str| !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain);
    let (longest, most) = LONGEST_PATH;
    let names = path.split('/');
    if path.len() <= longest && names.clone().count() <= most && names.into_iter().all(is_name) {
        return Ok(());
    }
    let expected = "expected a path of plain names, such as \"models/item_knn.safetensors\"";
    Err(wrong("file.path", format!("{expected}, found {path:?}")))
}

fn being_erased() -> Refusal {
    Refusal::Precondition {
        reason: "ERASURE_IN_PROGRESS",
        message: "persons are being forgotten: bring the artefact again when they are".into(),
    }
}

fn wrong(field: &str, description: String) -> Refusal {
    Refusal::Invalid(vec![FieldViolation::new(field, description)])
}

fn unusable(what: &str, error: &dyn std::fmt::Display) -> Refusal {
    tracing::warn!(%error, "{what} can't be used");
    Refusal::Precondition {
        reason: "UNUSABLE_ARTEFACT",
        message: format!("{what} can't be used: {error}"),
    }
}

fn failed(path: &Path, error: &io::Error) -> Refusal {
    recommender_core::Error::data(path.display().to_string(), error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leaves_the_artefact() {
        for path in ["manifest.json", "models/a%20b.safetensors", "a/b/c/d"] {
            assert!(check_path(path).is_ok(), "{path}");
        }
        let long = "x".repeat(201);
        for path in [
            "",
            "/etc/passwd",
            "..",
            "models/../../x",
            "models//x",
            "a/b/c/d/e",
            ".hidden",
            "a\\b",
            "a b",
            "models/",
            &long,
        ] {
            assert!(check_path(path).is_err(), "{path}");
        }
    }
}
