//! Writing a segment, event by event in its order.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::super::bytes::{put_text, put_varint};
use super::super::fingerprint::{Fingerprint, Fingerprints};
use super::block::BlockBuilder;
use super::filter::Filter;
use super::footer::{Extent, Footer, Section};
use super::words::{Dictionary, Numbers};
use super::{BLOCK_BYTES, HEAD, TAIL, prints};
use crate::error::{Result, StoreError};
use crate::record::StoredEvent;
use crate::stances;

/// Writes one segment. Memory: nine bytes an event, nine a visitor, the words and the index of blocks.
#[derive(Debug)]
pub(in super::super) struct SegmentWriter<'a> {
    out: Counted<'a>,
    hash: Fingerprints,
    dictionary: Dictionary,
    numbers: Numbers,
    block: BlockBuilder,
    /// The first visitor of the block that is being gathered.
    first: String,
    visitor: Option<String>,
    index: Vec<u8>,
    blocks: u64,
    ids: Vec<Fingerprint>,
    visitors: Vec<Fingerprint>,
    refusers: Vec<Fingerprint>,
    extent: Extent,
}

impl<'a> SegmentWriter<'a> {
    /// Begins a segment in `file`, whose events use no words but those of `dictionary`.
    pub(in super::super) fn new(
        (file, path): (&'a mut File, &Path),
        dictionary: Dictionary,
        hash: Fingerprints,
    ) -> Result<Self> {
        let mut out = Counted {
            file: BufWriter::with_capacity(1 << 18, file),
            path: path.to_owned(),
            offset: 0,
        };
        out.write(HEAD)?;
        Ok(Self {
            out,
            hash,
            numbers: Numbers::of(&dictionary),
            dictionary,
            block: BlockBuilder::default(),
            first: String::new(),
            visitor: None,
            index: Vec::new(),
            blocks: 0,
            ids: Vec::new(),
            visitors: Vec::new(),
            refusers: Vec::new(),
            extent: Extent::default(),
        })
    }

    /// Adds the next event in order of visitor, time and position.
    pub(in super::super) fn push(&mut self, stored: &StoredEvent) -> Result<()> {
        let event = &stored.event;
        if self.visitor.as_deref() != Some(&event.visitor) {
            self.visitors.push(self.hash.of(&event.visitor));
            self.visitor = Some(event.visitor.clone());
        }
        if self.block.len() == 0 {
            self.first.clone_from(&event.visitor);
        }
        self.ids
            .push(self.hash.of(event.id.as_deref().unwrap_or_default()));
        self.extent.take_in(stored);
        if stances::is_refusal(stored) {
            self.refusers.extend(self.visitors.last());
        }
        self.block.push(stored, &self.numbers);
        if self.block.len() >= BLOCK_BYTES {
            self.end_block()?;
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<()> {
        if self.block.len() == 0 {
            return Ok(());
        }
        let bytes = self.block.finish().map_err(|error| {
            let source = std::io::Error::other(error);
            StoreError::io(&self.out.path, source)
        })?;
        put_text(&mut self.index, &self.first);
        put_varint(&mut self.index, self.out.offset);
        put_varint(&mut self.index, bytes.len() as u64);
        self.index
            .extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        self.blocks += 1;
        self.out.write(&bytes)
    }

    /// Writes what finds the events. The file is complete then, but not yet on disk.
    pub(in super::super) fn finish(mut self) -> Result<Extent> {
        self.end_block()?;
        let words = self.out.section(&self.dictionary.encode())?;
        let mut index = Vec::new();
        put_varint(&mut index, self.blocks);
        index.append(&mut self.index);
        let index = self.out.section(&index)?;
        let ids = Filter::of(self.ids.iter().copied()).to_bytes();
        self.ids.sort_unstable();
        let (bytes, pages) = prints::pages(&self.ids, self.out.offset);
        self.out.write(&bytes)?;
        self.refusers.dedup();
        let refusers = Some(&self.refusers).filter(|refusers| !refusers.is_empty());
        let refusers = refusers.map(|refusers| Filter::of(refusers.iter().copied()).to_bytes());
        let footer = Footer {
            extent: self.extent,
            words,
            index,
            pages: self.out.section(&prints::encode_index(&pages))?,
            ids: self.out.section(&ids)?,
            visitors: {
                let visitors = Filter::of(self.visitors.iter().copied());
                self.out.section(&visitors.to_bytes())?
            },
            refusers: refusers.map(|bytes| self.out.section(&bytes)).transpose()?,
        };
        self.out.end(&footer)?;
        Ok(self.extent)
    }
}

/// A file and how much was written to it.
#[derive(Debug)]
struct Counted<'a> {
    file: BufWriter<&'a mut File>,
    path: PathBuf,
    offset: u64,
}

impl Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|error| StoreError::io(&self.path, error))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    fn section(&mut self, bytes: &[u8]) -> Result<Section> {
        let section = Section {
            offset: self.offset,
            length: bytes.len() as u64,
            checksum: crc32fast::hash(bytes),
        };
        self.write(bytes)?;
        Ok(section)
    }

    fn end(&mut self, footer: &Footer) -> Result<()> {
        let footer = serde_json::to_vec(footer).expect("a footer is made of numbers");
        self.write(&footer)?;
        let mut tail = (footer.len() as u64).to_le_bytes().to_vec();
        tail.extend_from_slice(&crc32fast::hash(&footer).to_le_bytes());
        tail.extend_from_slice(TAIL);
        self.write(&tail)?;
        self.file
            .flush()
            .map_err(|error| StoreError::io(&self.path, error))
    }
}
