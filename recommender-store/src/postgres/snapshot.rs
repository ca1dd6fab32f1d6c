//! A consistent copy as files.
//!
//! A snapshot is a directory of `events.jsonl.sz`, `facts.jsonl.sz` and `manifest.json`. The first two are JSON Lines in
//! the framing format of Snappy; the manifest has the version of the form, the position, and records, bytes and SHA-256
//! of each file. It is written last: a directory without it is no snapshot.
//! - An event: `{"position":1,"id":"…","visitor":"…","time":1700000000000,"body":{"kind":"view",…}}`, time in
//!   milliseconds since 1970, by visitor, time and position.
//! - A fact: `{"position":2,"table":"product","key":"…","version":3,"text":"…"}`, its value as `text`, as `hex` if it is
//!   no UTF-8, or neither if it has none; by table and key.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use snap::write::FrameEncoder;

use super::connect::{Connector, Session};
use super::row::{EVENT_COLUMNS, FACT_COLUMNS, Fields, event_of, fact_of};
use super::stream::{Stream, one_moment};
use crate::disk;
use crate::engine::Contents;
use crate::error::{Result, StoreError};
use crate::record::{Fact, Position, StoredEvent, StoredFact, Table};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// An event as a line.
#[derive(Serialize, Deserialize)]
pub(super) struct EventLine {
    pub(super) position: Position,
    #[serde(flatten)]
    pub(super) fields: Fields,
}

/// A fact as a line.
#[derive(Serialize, Deserialize)]
pub(super) struct FactLine {
    pub(super) position: Position,
    table: Table,
    key: String,
    version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

impl From<StoredEvent> for EventLine {
    fn from(stored: StoredEvent) -> Self {
        Self {
            position: stored.position,
            fields: stored.event.into(),
        }
    }
}

impl From<StoredFact> for FactLine {
    fn from(stored: StoredFact) -> Self {
        let fact = stored.fact;
        let (text, hex) = match fact.value.map(String::from_utf8) {
            None => (None, None),
            Some(Ok(text)) => (Some(text), None),
            Some(Err(bytes)) => (None, Some(hex_of(bytes.as_bytes()))),
        };
        Self {
            position: stored.position,
            table: fact.table,
            key: fact.key,
            version: fact.version,
            text,
            hex,
        }
    }
}

impl FactLine {
    /// The fact, if the value can be read.
    pub(super) fn fact(self) -> Option<Fact> {
        let value = match (self.text, self.hex) {
            (Some(text), None) => Some(text.into_bytes()),
            (None, Some(hex)) => Some(bytes_of(&hex)?),
            (None, None) => None,
            (Some(_), Some(_)) => return None,
        };
        Some(Fact {
            table: self.table,
            key: self.key,
            version: self.version,
            value,
        })
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
    let pairs = hex.as_bytes().chunks_exact(2);
    let even = pairs.remainder().is_empty();
    even.then(|| pairs.map(byte).collect()).flatten()
}

/// Writes a snapshot into the new directory `to`. What was begun is taken away again if it fails.
pub(super) fn snapshot(connector: &Arc<Connector>, to: &Path) -> Result<Contents> {
    fs::create_dir(to).map_err(|error| StoreError::io(to, error))?;
    let written = write_all(connector, to);
    if written.is_err()
        && let Err(error) = fs::remove_dir_all(to)
    {
        tracing::warn!(path = %to.display(), %error, "a broken snapshot is left");
    }
    written
}

fn write_all(connector: &Arc<Connector>, to: &Path) -> Result<Contents> {
    let mut session = one_moment(connector)?;
    let position = position_of(connector, &mut session)?;
    let sql = format!("SELECT {EVENT_COLUMNS} FROM events ORDER BY visitor, time, position");
    let mut events = Stream::within(connector, session, &sql, event_of)?;
    let path = to.join(EVENTS);
    let mut file = Lines::create(&path)?;
    for event in &mut events {
        file.write(&EventLine::from(event?))?;
    }
    let (events, session) = (file.finish()?, events.finish()?);
    let session = session.ok_or(StoreError::Closed)?;
    let sql = format!("SELECT {FACT_COLUMNS} FROM facts ORDER BY fact_table, key");
    let facts = Stream::within(connector, session, &sql, fact_of)?;
    let path = to.join(FACTS);
    let (mut file, mut facts_with_value) = (Lines::create(&path)?, 0);
    for fact in facts {
        let fact = fact?;
        facts_with_value += u64::from(fact.fact.value.is_some());
        file.write(&FactLine::from(fact))?;
    }
    let manifest = Manifest {
        format: FORMAT,
        position,
        events,
        facts: file.finish()?,
        facts_with_value,
    };
    write_manifest(to, &manifest)?;
    Ok(manifest.contents())
}

/// The position in the moment that a session sees.
pub(super) fn position_of(connector: &Connector, session: &mut Session) -> Result<Position> {
    let row = session.client().query_one("SELECT position FROM head", &[]);
    let row = row.map_err(|error| connector.failed(&error))?;
    Ok(Position(row.get::<_, i64>(0).cast_unsigned()))
}

fn write_manifest(to: &Path, manifest: &Manifest) -> Result<()> {
    let path = to.join(MANIFEST);
    let text = serde_json::to_vec_pretty(manifest);
    let text = text.map_err(|error| StoreError::io(&path, error.into()))?;
    disk::write_bytes(&path, &text)?;
    to.parent().map_or(Ok(()), disk::sync_directory)
}

/// A file of lines that is being written.
struct Lines<'a> {
    path: &'a Path,
    file: FrameEncoder<Summed<BufWriter<File>>>,
    records: u64,
}

impl<'a> Lines<'a> {
    fn create(path: &'a Path) -> Result<Self> {
        let file = File::create_new(path).map_err(|error| StoreError::io(path, error))?;
        Ok(Self {
            path,
            file: FrameEncoder::new(Summed::new(BufWriter::new(file))),
            records: 0,
        })
    }

    fn write(&mut self, line: &impl Serialize) -> Result<()> {
        let mut text =
            serde_json::to_vec(line).map_err(|error| StoreError::io(self.path, error.into()))?;
        text.push(b'\n');
        self.records += 1;
        self.file
            .write_all(&text)
            .map_err(|error| StoreError::io(self.path, error))
    }

    fn finish(self) -> Result<FileEntry> {
        let failed = |error| StoreError::io(self.path, error);
        let inner = self.file.into_inner();
        let inner = inner.map_err(|error| failed(error.into_error()))?;
        let Summed { inner, sum, bytes } = inner;
        let file = inner
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        Ok(FileEntry {
            records: self.records,
            bytes,
            sha256: hex_of(sum.finish().as_ref()),
        })
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

    /// Bytes and digest of what went through it.
    pub(super) fn totals(self) -> (u64, String) {
        (self.bytes, hex_of(self.sum.finish().as_ref()))
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
