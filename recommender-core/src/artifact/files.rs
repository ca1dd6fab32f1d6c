//! Where an artefact lies: the seam between this crate, which touches no file, and whatever stores the bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::error::{Error, InputError, Result};

/// Takes the files of an artefact as they are made.
pub trait ArtifactSink {
    /// Makes the file `name`, a relative path with `/` between its parts, of what `content` writes.
    ///
    /// # Errors
    /// What the storage or `content` gives.
    fn write(
        &mut self,
        name: &str,
        content: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()>;
}

/// Gives the files of an artefact back.
pub trait ArtifactSource: Sync {
    /// The relative path of every file there is.
    ///
    /// # Errors
    /// What the storage gives.
    fn names(&self) -> io::Result<Vec<String>>;

    /// The content of file `name`, shared and not copied where the storage can; none if there is no such file.
    /// It must not change while it is in use.
    ///
    /// # Errors
    /// What the storage gives.
    fn read(&self, name: &str) -> io::Result<Option<Bytes>>;

    /// What to call file `name` in errors.
    fn origin(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// An artefact in memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryFiles {
    /// The content of each file by its name.
    pub files: BTreeMap<String, Bytes>,
}

impl ArtifactSink for MemoryFiles {
    fn write(
        &mut self,
        name: &str,
        content: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut bytes = Vec::new();
        content(&mut bytes)?;
        self.files.insert(name.to_owned(), bytes.into());
        Ok(())
    }
}

impl ArtifactSource for MemoryFiles {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.files.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Option<Bytes>> {
        Ok(self.files.get(name).cloned())
    }
}

/// Passes bytes on, counting and hashing them.
pub(crate) struct Hashing<'w> {
    out: &'w mut dyn Write,
    hash: Sha256,
    bytes: u64,
}

impl<'w> Hashing<'w> {
    pub(crate) fn new(out: &'w mut dyn Write) -> Self {
        Self {
            out,
            hash: Sha256::new(),
            bytes: 0,
        }
    }

    /// How many bytes passed, and their SHA-256.
    pub(crate) fn finish(self) -> (u64, [u8; 32]) {
        (self.bytes, self.hash.finalize().into())
    }
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The content of a file that must be there.
pub(crate) fn read(source: &dyn ArtifactSource, name: &str) -> Result<Bytes> {
    let refused =
        |found: String| InputError::new(source.origin(name), "a file of an artefact", found);
    match source.read(name) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(refused("no such file".into()).into()),
        Err(error) => Err(refused(format!("a file that can't be read: {error}")).into()),
    }
}

/// The error of a file that could not be written.
pub(crate) fn unwritten(name: &str, error: &io::Error) -> Error {
    Error::data(name, format!("can't be written: {error}"))
}
