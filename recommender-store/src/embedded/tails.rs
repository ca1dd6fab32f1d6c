//! The latest events of visitors who were asked for, as they stand in files: kept in memory, so that asking again
//! takes a few microseconds.

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use std::sync::Arc;

use super::bytes::{Cursor, Decoded, Malformed};
use super::fingerprint::Fingerprint;
use super::row::{Previous, Spelled, put_row, row};
use crate::record::{Position, StoredEvent};

/// Events kept of a visitor. Whoever asks for more reads the files.
pub(super) const KEPT: usize = 50;

/// Bytes taken by an entry beside its text and events, more or less.
const OVERHEAD: u64 = 160;

/// What is kept in memory of visitors' events in files, up to a number of bytes.
#[derive(Debug)]
pub(super) struct Tails(Cache<Fingerprint, Arc<Tail>, Bytes>);

/// The latest events of a visitor in files.
#[derive(Debug)]
pub(super) struct Tail {
    visitor: Box<str>,
    /// For which files it was read: those with writes up to here, at that epoch.
    read_at: Moment,
    events: usize,
    /// Rows, compressed: keys of one visitor's events are alike.
    rows: Box<[u8]>,
}

/// Which writes are in files, and how often something in files was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Moment {
    pub(super) flushed: Position,
    pub(super) epoch: u64,
}

#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<Fingerprint, Arc<Tail>> for Bytes {
    fn weight(&self, _: &Fingerprint, tail: &Arc<Tail>) -> u64 {
        OVERHEAD + (tail.visitor.len() + tail.rows.len()) as u64
    }
}

/// Bytes of an entry as it is expected.
const EXPECTED: u64 = 2_000;

impl Tails {
    /// Room for `bytes`.
    pub(super) fn new(bytes: u64) -> Self {
        let entries = usize::try_from(bytes / EXPECTED).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(entries, bytes, Bytes))
    }

    /// What is known of a visitor, if it was read when no file was there that a reader of `now` does not see.
    pub(super) fn get(&self, visitor: &str, print: Fingerprint, now: Moment) -> Option<Arc<Tail>> {
        let tail = self.0.get(&print)?;
        let read_at = tail.read_at;
        let valid = read_at.epoch == now.epoch && read_at.flushed <= now.flushed;
        (valid && *tail.visitor == *visitor).then_some(tail)
    }

    pub(super) fn put(&self, print: Fingerprint, tail: Tail) {
        self.0.insert(print, Arc::new(tail));
    }

    pub(super) fn remove(&self, print: Fingerprint) {
        self.0.remove(&print);
    }

    pub(super) fn clear(&self) {
        self.0.clear();
    }
}

impl Tail {
    /// Keeps `events`, the latest of a visitor, oldest first.
    pub(super) fn of(
        visitor: &str,
        events: &[StoredEvent],
        read_at: Moment,
    ) -> Result<Self, snap::Error> {
        let (mut rows, mut previous) = (Vec::new(), Previous::default());
        for stored in events {
            put_row(
                &mut rows,
                &stored.event,
                stored.position,
                &mut previous,
                &Spelled,
            );
        }
        let compressed = snap::raw::Encoder::new().compress_vec(&rows);
        compressed.map(|rows| Self {
            visitor: visitor.into(),
            read_at,
            events: events.len(),
            rows: rows.into(),
        })
    }

    /// Up to which write the files hold nothing that is not here.
    pub(super) fn flushed(&self) -> Position {
        self.read_at.flushed
    }

    /// The last `limit` of the events it keeps.
    pub(super) fn read(&self, limit: usize) -> Decoded<Vec<StoredEvent>> {
        let rows = snap::raw::Decoder::new().decompress_vec(&self.rows);
        let rows = rows.map_err(|_| Malformed("rows in memory can't be decompressed"))?;
        let (mut cursor, mut previous) = (Cursor(&rows), Previous::default());
        let mut events = Vec::with_capacity(self.events);
        for _ in 0..self.events {
            events.push(row(&mut cursor, &self.visitor, &mut previous, &Spelled)?);
        }
        events.drain(..self.events.saturating_sub(limit));
        Ok(events)
    }
}
