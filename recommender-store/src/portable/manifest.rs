//! What a snapshot says of itself.

use std::io::{self, Write};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::digits::hex;
use crate::engine::Contents;
use crate::record::Position;

/// The present version of the form.
pub(super) const FORMAT: u32 = 1;

/// Names of the files.
pub(super) const EVENTS: &str = "events.jsonl.sz";
pub(super) const FACTS: &str = "facts.jsonl.sz";
pub(super) const MANIFEST: &str = "manifest.json";

/// What a snapshot holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    pub(super) position: Position,
    pub(super) events: FileEntry,
    pub(super) facts: FileEntry,
    pub(super) facts_with_value: u64,
}

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct FileEntry {
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Manifest {
    /// How much the snapshot holds.
    pub(super) fn contents(&self) -> Contents {
        Contents {
            events: self.events.records,
            facts: self.facts_with_value,
            bytes: self.events.bytes + self.facts.bytes,
        }
    }
}

/// Counts and digests what goes through it.
pub(super) struct Summed<T> {
    inner: T,
    sum: Context,
    bytes: u64,
}

impl<T> Summed<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            sum: Context::new(&SHA256),
            bytes: 0,
        }
    }

    /// What is within, and bytes and digest of what went through it.
    pub(super) fn finish(self) -> (T, u64, String) {
        let digest = hex(self.sum.finish().as_ref());
        (self.inner, self.bytes, digest)
    }

    fn add(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.add(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: io::Read> io::Read for Summed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.add(&bytes[..read]);
        Ok(read)
    }
}
