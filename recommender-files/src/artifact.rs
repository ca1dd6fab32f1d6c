//! Artefacts in directories: written whole or not at all, mapped into memory when read.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use memmap2::Mmap;
use recommender_core::artifact::{self, ArtifactSink, ArtifactSource, Facts, MANIFEST, Manifest};
use recommender_core::error::InputError;
use recommender_core::{Engine, Error, Result};

/// Saves `engine` as the directory `directory`, whose parent must exist; `created_by` is noted in the manifest.
///
/// Everything is written to a directory beside it, flushed to the disk, and only then given its name: under that name
/// there is never a half-written artefact. An artefact that has the name already is replaced; for the instant between
/// two renames nothing has it. Whoever has mapped the old files keeps them.
///
/// # Errors
/// [`Error::Input`] if `directory` is something other than an artefact or an empty directory; [`Error::Data`] if the
/// disk refuses.
pub fn save_engine(engine: &Engine, created_by: &Facts, directory: &Path) -> Result<Manifest> {
    check_replaceable(directory)?;
    let mut staged = Staged::create(directory).map_err(|error| failed(directory, &error))?;
    let manifest = artifact::save(engine, created_by, &mut staged)?;
    staged
        .publish(directory)
        .map_err(|error| failed(directory, &error))?;
    Ok(manifest)
}

/// Loads the engine that [`save_engine`] saved. Its tensors stay in the files, mapped into memory: the files must not
/// be changed while the engine lives. ([`save_engine`] never changes a file; it makes new ones.)
///
/// ```no_run
/// use recommender_core::EngineRequest;
/// let (engine, manifest) = recommender_files::load_engine("model".as_ref())?;
/// let request = EngineRequest { user: Some("ann".into()), limit: 10, ..EngineRequest::default() };
/// println!("{} says {:?}", manifest.model_version(), engine.recommend(&request)?);
/// # Ok::<(), recommender_core::Error>(())
/// ```
///
/// # Errors
/// As [`artifact::load`]; [`Error::Input`] if there is no such directory.
pub fn load_engine(directory: &Path) -> Result<(Engine, Manifest)> {
    if !directory.is_dir() {
        let found = if directory.exists() {
            "a file"
        } else {
            "nothing"
        };
        return Err(
            InputError::new(named(directory), "a directory with an artefact", found).into(),
        );
    }
    artifact::load(&Directory(directory))
}

pub(crate) fn named(path: &Path) -> String {
    path.display().to_string()
}

pub(crate) fn failed(path: &Path, error: &io::Error) -> Error {
    Error::data(named(path), format!("can't be written: {error}"))
}

/// Nothing, an empty directory or an artefact may be replaced; what else stands there is someone's own.
fn check_replaceable(directory: &Path) -> Result<()> {
    if directory.file_name().is_none() {
        let found = "a path without a name at its end";
        return Err(InputError::new(named(directory), "the name of a directory", found).into());
    }
    let replaceable = if directory.is_dir() {
        let mut entries = fs::read_dir(directory).map_err(|error| failed(directory, &error))?;
        directory.join(MANIFEST).is_file() || entries.next().is_none()
    } else {
        !directory.exists()
    };
    if replaceable {
        return Ok(());
    }
    let expected = "an artefact to replace, an empty directory or nothing";
    Err(InputError::new(named(directory), expected, "something else").into())
}

/// An artefact on its way: a directory beside the final one, removed unless it is published.
#[derive(Debug)]
struct Staged {
    directory: PathBuf,
}

/// `path` with a hidden name of its own, for this process.
pub(crate) fn beside(path: &Path, purpose: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{purpose}.{}", std::process::id()))
}

fn remove_if_there(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

impl Staged {
    fn create(target: &Path) -> io::Result<Self> {
        let directory = beside(target, "new");
        remove_if_there(&directory)?;
        fs::create_dir(&directory)?;
        Ok(Self { directory })
    }

    /// Gives the directory its final name.
    fn publish(self, target: &Path) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.is_dir() {
                sync_directory(&path)?;
            }
        }
        sync_directory(&self.directory)?;
        let old = beside(target, "old");
        remove_if_there(&old)?;
        let replaces = target.exists();
        if replaces {
            fs::rename(target, &old)?;
        }
        if let Err(error) = fs::rename(&self.directory, target) {
            if replaces {
                fs::rename(&old, target)?;
            }
            return Err(error);
        }
        let parent = target.parent().filter(|parent| *parent != Path::new(""));
        sync_directory(parent.unwrap_or(Path::new(".")))?;
        remove_if_there(&old)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After publishing there is nothing left to remove; after a failure there is no one left to tell.
        let _ = remove_if_there(&self.directory);
    }
}

impl ArtifactSink for Staged {
    fn write(
        &mut self,
        name: &str,
        content: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let path = self.directory.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut out = BufWriter::new(File::create(path)?);
        content(&mut out)?;
        out.into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()
    }
}

/// The files of an artefact.
#[derive(Debug)]
struct Directory<'p>(&'p Path);

impl ArtifactSource for Directory<'_> {
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        list(self.0, "", &mut names)?;
        names.sort();
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Option<Bytes>> {
        match File::open(self.0.join(name)) {
            Ok(file) => map(&file).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn origin(&self, name: &str) -> String {
        named(&self.0.join(name))
    }
}

/// Adds the relative path of every file below `directory`, `/` between its parts.
fn list(directory: &Path, prefix: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

/// The content of `file`, without reading it yet.
#[expect(unsafe_code, reason = "a map of a file has no safe form")]
fn map(file: &File) -> io::Result<Bytes> {
    if file.metadata()?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the bytes must not change while they are mapped. `save_engine` only ever makes new files and renames
    // them; the documentation of `load_engine` asks everyone else to do the same.
    let map = unsafe { Mmap::map(file)? };
    Ok(Bytes::from_owner(map))
}
