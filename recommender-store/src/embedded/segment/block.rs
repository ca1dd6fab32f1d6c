//! A block: runs of one visitor's events after another, compressed.
//!
//! A run is the visitor, the number of its events, their bytes, and the events. Nothing in it depends on another run.

use super::super::bytes::{Cursor, Decoded, Malformed, put_text, put_varint};
use super::super::row::{GetWord, Previous, PutWord, put_row, row};
use crate::record::StoredEvent;

/// Gathers the events of a block, in their order.
#[derive(Debug, Default)]
pub(super) struct BlockBuilder {
    bytes: Vec<u8>,
    visitor: String,
    run: Vec<u8>,
    rows: u64,
    previous: Previous,
}

impl BlockBuilder {
    pub(super) fn push(&mut self, stored: &StoredEvent, words: &dyn PutWord) {
        let event = &stored.event;
        if self.rows == 0 || event.visitor != self.visitor {
            self.end_run();
            self.visitor.clone_from(&event.visitor);
        }
        put_row(
            &mut self.run,
            event,
            stored.position,
            &mut self.previous,
            words,
        );
        self.rows += 1;
    }

    fn end_run(&mut self) {
        if self.rows > 0 {
            put_text(&mut self.bytes, &self.visitor);
            put_varint(&mut self.bytes, self.rows);
            put_varint(&mut self.bytes, self.run.len() as u64);
            self.bytes.append(&mut self.run);
        }
        self.rows = 0;
        self.previous = Previous::default();
    }

    /// How long the block is so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() + self.run.len()
    }

    /// The block as it is written; the builder is empty then.
    pub(super) fn finish(&mut self) -> Result<Vec<u8>, snap::Error> {
        self.end_run();
        let compressed = snap::raw::Encoder::new().compress_vec(&self.bytes);
        self.bytes.clear();
        compressed
    }
}

/// A block read back, over and over into the same memory.
#[derive(Debug, Default)]
pub(super) struct Block(Vec<u8>);

/// One visitor's events of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) visitor: &'a str,
    rows: usize,
    bytes: &'a [u8],
}

impl Block {
    /// Makes this the block that was written as `bytes`.
    pub(super) fn decompress(&mut self, bytes: &[u8]) -> Decoded<()> {
        let wrong = |_| Malformed("a block can't be decompressed");
        let length = snap::raw::decompress_len(bytes).map_err(wrong)?;
        self.0.resize(length, 0);
        let read = snap::raw::Decoder::new().decompress(bytes, &mut self.0);
        read.map(|_| ()).map_err(wrong)
    }

    pub(super) fn runs(&self) -> Runs<'_> {
        Runs(Cursor(&self.0))
    }
}

/// The runs of a block, in order.
#[derive(Debug)]
pub(super) struct Runs<'a>(Cursor<'a>);

impl<'a> Runs<'a> {
    fn read(&mut self) -> Decoded<Run<'a>> {
        let visitor = self.0.text()?;
        let rows = self.0.size()?;
        let length = self.0.size()?;
        let bytes = self.0.bytes(length)?;
        Ok(Run {
            visitor,
            rows,
            bytes,
        })
    }
}

impl<'a> Iterator for Runs<'a> {
    type Item = Decoded<Run<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.is_empty()).then(|| self.read())
    }
}

impl Run<'_> {
    /// Appends the run's events to `events`.
    pub(super) fn read(self, words: &dyn GetWord, events: &mut Vec<StoredEvent>) -> Decoded<()> {
        let mut cursor = Cursor(self.bytes);
        let mut previous = Previous::default();
        for _ in 0..self.rows {
            events.push(row(&mut cursor, self.visitor, &mut previous, words)?);
        }
        if cursor.is_empty() {
            return Ok(());
        }
        Err(Malformed("a run is longer than it says"))
    }
}
