//! Files of the server that callers may name: below a directory that the operator chose, and nowhere else.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::convert::Violations;
use crate::status::Refusal;

/// A directory that the operator chose.
#[derive(Debug, Clone)]
pub(crate) struct Chosen<'a> {
    /// The setting that names it.
    pub(crate) setting: &'static str,
    /// The directory, if there is one.
    pub(crate) directory: Option<&'a Path>,
}

/// A path below a directory that the operator chose.
#[derive(Debug, Clone)]
pub(crate) struct Below {
    root: PathBuf,
    path: String,
    field: &'static str,
}

impl Below {
    /// `path` below `chosen`, as far as its letters tell.
    ///
    /// # Errors
    /// If the operator chose no directory; if the path leads elsewhere.
    pub(crate) fn new(
        chosen: &Chosen<'_>,
        path: &str,
        field: &'static str,
    ) -> Result<Self, Refusal> {
        let setting = chosen.setting;
        let root = chosen.directory.ok_or_else(|| Refusal::Precondition {
            reason: "NO_DIRECTORY",
            message: format!("this server takes no such files: its setting \"{setting}\" is empty"),
        })?;
        let below = Self {
            root: root.to_owned(),
            path: path.to_owned(),
            field,
        };
        let mut parts = Path::new(path).components();
        let stays = !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)));
        if !stays || path.contains('\0') {
            return Err(below.wrong("a relative path without \"..\""));
        }
        Ok(below)
    }

    /// The file or directory that is there.
    ///
    /// # Errors
    /// If there is none, or a link leads out of the directory.
    pub(crate) fn existing(&self) -> Result<PathBuf, Refusal> {
        let full = self.real(&self.root.join(&self.path))?;
        if full.starts_with(self.real(&self.root)?) {
            return Ok(full);
        }
        Err(self.wrong("a path that no link leads out of its directory"))
    }

    /// Where something new can be made.
    ///
    /// # Errors
    /// If there is something already, or no directory to make it in; if a link leads out of the directory.
    pub(crate) fn vacant(&self) -> Result<PathBuf, Refusal> {
        let full = self.root.join(&self.path);
        let (Some(parent), Some(name)) = (full.parent(), full.file_name()) else {
            return Err(self.wrong("the name of a file"));
        };
        let parent = self.real(parent)?;
        if !parent.starts_with(self.real(&self.root)?) {
            return Err(self.wrong("a path that no link leads out of its directory"));
        }
        let vacant = parent.join(name);
        match fs::symlink_metadata(&vacant) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(vacant),
            Err(error) => Err(self.failed(&error)),
            Ok(_) => Err(self.wrong("a path at which there is nothing yet")),
        }
    }

    /// What the caller is told of what the system said.
    pub(crate) fn failed(&self, error: &io::Error) -> Refusal {
        if error.kind() == io::ErrorKind::NotFound {
            return self.wrong("a path that is there");
        }
        tracing::warn!(path = self.path, %error, "a file can't be read or written");
        Refusal::Precondition {
            reason: "FILE_FAILED",
            message: format!("{:?} can't be read or written: {}", self.path, error.kind()),
        }
    }

    /// The path as the caller wrote it.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    fn real(&self, path: &Path) -> Result<PathBuf, Refusal> {
        fs::canonicalize(path).map_err(|error| self.failed(&error))
    }

    fn wrong(&self, expected: &str) -> Refusal {
        let mut wrong = Violations::default();
        wrong.add(
            self.field,
            format!("expected {expected}, found {:?}", self.path),
        );
        wrong.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("imports");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(root.join("sub/a.csv"), "").unwrap();
        fs::write(directory.path().join("secret"), "").unwrap();
        let chosen = Chosen {
            setting: "import_directory",
            directory: Some(&root),
        };
        let below = |path| Below::new(&chosen, path, "path");
        assert!(below("sub/a.csv").unwrap().existing().is_ok());
        assert!(below("sub/a.csv").unwrap().vacant().is_err());
        assert!(below("sub/b.csv").unwrap().vacant().is_ok());
        assert!(below("no/b.csv").unwrap().vacant().is_err());
        for path in [
            "",
            "..",
            "../secret",
            "sub/../../secret",
            "/etc/passwd",
            "a\0b",
        ] {
            assert!(below(path).is_err(), "{path:?}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
            std::os::unix::fs::symlink("..", root.join("out")).unwrap();
            assert!(below("link").unwrap().existing().is_err());
            assert!(below("link").unwrap().vacant().is_err());
            assert!(below("out/new").unwrap().vacant().is_err());
        }
        let none = Chosen {
            setting: "import_directory",
            directory: None,
        };
        let refused = Below::new(&none, "a", "path").unwrap_err();
        assert!(matches!(refused, Refusal::Precondition { .. }));
    }
}
