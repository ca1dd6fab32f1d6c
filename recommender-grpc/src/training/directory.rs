//! Where the versions of models lie: `<directory>/<model>/<version>/`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use recommender_core::{Error, Result};

use crate::training::document::ModelDocument;

/// The directory of all models, which holds nothing else but `import` and `export`.
#[derive(Debug, Clone)]
pub(crate) struct ModelsDirectory(PathBuf);

/// A directory for a version that is being made. It goes, with all that is in it, unless it is kept.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Where to.
    pub(crate) path: PathBuf,
    /// The number of the version.
    pub(crate) number: u64,
    kept: bool,
}

impl Draft {
    /// Keeps the directory.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = remove(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "left behind");
        }
    }
}

impl ModelsDirectory {
    /// The directory, which is made when it is needed.
    pub(crate) fn new(path: &Path) -> Self {
        // Where the process stands may change, and receipts of erasures name artefacts.
        Self(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
    }

    /// Where a version of a model lies.
    pub(crate) fn version(&self, model: &str, number: u64) -> PathBuf {
        self.0.join(model).join(number.to_string())
    }

    /// Where artefacts are taken from.
    pub(crate) fn import(&self, name: &str) -> PathBuf {
        self.0.join("import").join(name)
    }

    /// Where copies go to.
    pub(crate) fn export(&self, name: &str) -> Result<PathBuf> {
        let folder = self.0.join("export");
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        Ok(folder.join(name))
    }

    /// Takes a number above `last` for a new version. No other process takes the same.
    pub(crate) fn draft(&self, model: &str, last: u64) -> Result<Draft> {
        self.make(model, "", last)
    }

    /// A directory for files of a model that are no version yet. It is not to be kept.
    pub(crate) fn staging(&self, model: &str) -> Result<Draft> {
        self.make(model, ".upload-", 0)
    }

    fn make(&self, model: &str, prefix: &str, last: u64) -> Result<Draft> {
        let folder = self.0.join(model);
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        let mut number = last + 1;
        loop {
            let path = folder.join(format!("{prefix}{number}"));
            match fs::create_dir(&path) {
                Ok(()) => {
                    return Ok(Draft {
                        path,
                        number,
                        kept: false,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(failed(&path, &error)),
            }
        }
    }

    /// Removes a version, if it is there.
    pub(crate) fn remove(&self, model: &str, number: u64) -> Result<()> {
        let path = self.version(model, number);
        remove(&path).map_err(|error| failed(&path, &error))
    }

    /// Removes all of a model.
    pub(crate) fn remove_model(&self, model: &str) -> Result<()> {
        let path = self.0.join(model);
        remove(&path).map_err(|error| failed(&path, &error))
    }

    /// Removes what a training that was cut short left behind: everything of a model that is none of its versions.
    /// Only for a process that knows that no other trains here.
    pub(crate) fn clean(&self, model: &ModelDocument) -> Result<()> {
        let folder = self.0.join(&model.id);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(&folder, &error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| failed(&folder, &error))?.path();
            let number = path
                .file_name()
                .and_then(|name| name.to_str()?.parse().ok());
            let is_version = number.is_some_and(|number| model.version(number).is_some());
            if !is_version {
                tracing::info!(path = %path.display(), "removed what was not finished");
                remove(&path).map_err(|error| failed(&path, &error))?;
            }
        }
        Ok(())
    }
}

/// Bytes of the files below `directory`.
pub(crate) fn bytes_of(directory: &Path) -> Result<u64> {
    let entries = fs::read_dir(directory).map_err(|error| failed(directory, &error))?;
    let mut bytes = 0;
    for entry in entries {
        let entry = entry.map_err(|error| failed(directory, &error))?;
        let facts = entry
            .metadata()
            .map_err(|error| failed(directory, &error))?;
        bytes += match facts.is_dir() {
            true => bytes_of(&entry.path())?,
            false => facts.len(),
        };
    }
    Ok(bytes)
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::data(path.display().to_string(), error.to_string())
}

#[cfg(test)]
mod tests {
    use recommender_core::Timestamp;

    use super::*;

    #[test]
    fn numbers_are_taken_once_and_given_back_when_nothing_came_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let models = ModelsDirectory::new(&folder.path().join("models"));
        let first = models.draft("daily", 0).unwrap();
        let second = models.draft("daily", 0).unwrap();
        assert_eq!((first.number, second.number), (1, 2));
        let (kept, dropped) = (first.path.clone(), second.path.clone());
        first.keep();
        drop(second);
        assert!(kept.is_dir() && !dropped.exists());
        assert_eq!(models.draft("daily", 5).unwrap().number, 6);
    }

    #[test]
    fn what_was_not_finished_goes_and_versions_stay() {
        let folder = tempfile::tempdir().unwrap();
        let models = ModelsDirectory::new(folder.path());
        let model = ModelDocument::new("daily", Timestamp(0));
        models.clean(&model).unwrap();
        let half = models.draft("daily", 0).unwrap();
        let path = half.path.clone();
        half.keep();
        let staged = folder.path().join("daily/.2.new.77");
        fs::create_dir(&staged).unwrap();
        fs::write(staged.join("items.json"), "[").unwrap();
        assert_eq!(bytes_of(folder.path()).unwrap(), 1);
        models.clean(&model).unwrap();
        assert!(!path.exists() && !staged.exists());
    }
}
