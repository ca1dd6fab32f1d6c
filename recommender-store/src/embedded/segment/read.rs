//! Reading a segment: a visitor's latest events, whether an id is there, or everything in order.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::bytes::{Cursor, Decoded, Malformed};
use super::super::fingerprint::Fingerprint;
use super::block::Block;
use super::filter::Filter;
use super::footer::{Extent, Footer, Section};
use super::prints::{self, Page};
use super::words::Dictionary;
use super::{HEAD, TAIL};
use crate::error::{Result, StoreError};
use crate::record::StoredEvent;

/// Bytes of the tail.
const TAIL_BYTES: u64 = 16;

/// An open segment. Its index and filters are in memory, its events on disk.
#[derive(Debug)]
pub(in super::super) struct Segment {
    file: File,
    path: PathBuf,
    number: u64,
    bytes: u64,
    extent: Extent,
    words: Dictionary,
    blocks: Vec<Place>,
    pages: Vec<Page>,
    ids: Filter,
    visitors: Filter,
    refusers: Option<Filter>,
}

/// Memory that is used for one block after another.
#[derive(Debug, Default)]
pub(in super::super) struct Scratch {
    bytes: Vec<u8>,
    block: Block,
}

/// Where a block is.
#[derive(Debug)]
struct Place {
    first: Box<str>,
    offset: u64,
    length: usize,
    checksum: u32,
}

impl Segment {
    /// Opens a segment, with everything checked but its blocks and pages: those are when they are read.
    pub(in super::super) fn open(path: &Path, number: u64) -> Result<Self> {
        let file = File::open(path).map_err(|error| StoreError::io(path, error))?;
        let bytes = crate::disk::length(path)?;
        let raw = Raw { file: &file, path };
        let footer = raw.footer(bytes)?;
        raw.head()?;
        let part = |section: Section| raw.section(section);
        let decoded = |what: &'static str| move |error: Malformed| raw.malformed(what, error);
        Ok(Self {
            words: Dictionary::decode(&part(footer.words)?).map_err(decoded("words"))?,
            blocks: places(&part(footer.index)?).map_err(decoded("index"))?,
            pages: prints::decode_index(&part(footer.pages)?).map_err(decoded("pages"))?,
            ids: Filter::from_bytes(&part(footer.ids)?).map_err(decoded("filter"))?,
            visitors: Filter::from_bytes(&part(footer.visitors)?).map_err(decoded("filter"))?,
            refusers: match footer.refusers {
                Some(refusers) => {
                    Some(Filter::from_bytes(&part(refusers)?).map_err(decoded("filter"))?)
                }
                None => None,
            },
            extent: footer.extent,
            path: path.to_owned(),
            number,
            bytes,
            file,
        })
    }

    pub(in super::super) fn extent(&self) -> &Extent {
        &self.extent
    }

    /// The number of its file.
    pub(in super::super) fn number(&self) -> u64 {
        self.number
    }

    /// Bytes on disk.
    pub(in super::super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(in super::super) fn words(&self) -> &Dictionary {
        &self.words
    }

    /// False only if no event here is of that visitor.
    pub(in super::super) fn may_hold_visitor(&self, visitor: Fingerprint) -> bool {
        self.visitors.may_contain(visitor)
    }

    /// False only if that visitor refused nothing here.
    pub(in super::super) fn may_hold_refuser(&self, visitor: Fingerprint) -> bool {
        let refusers = self.refusers.as_ref();
        refusers.is_some_and(|refusers| refusers.may_contain(visitor))
    }

    /// Whether an event with this id is here.
    pub(in super::super) fn holds_id(&self, id: Fingerprint) -> Result<bool> {
        if !self.ids.may_contain(id) {
            return Ok(false);
        }
        let after = self.pages.partition_point(|page| page.first <= id);
        let Some(page) = after.checked_sub(1).map(|page| &self.pages[page]) else {
            return Ok(false);
        };
        let bytes = self.raw().page(page)?;
        prints::page_contains(&bytes, &id).map_err(|error| self.raw().malformed("page", error))
    }

    /// The latest `limit` events of a visitor, oldest first.
    pub(in super::super) fn recent(
        &self,
        visitor: &str,
        limit: usize,
        scratch: &mut Scratch,
    ) -> Result<Vec<StoredEvent>> {
        // The last block that begins before or with the visitor is the last that may have events of hers.
        let after = self
            .blocks
            .partition_point(|place| &*place.first <= visitor);
        let mut found: VecDeque<Vec<StoredEvent>> = VecDeque::new();
        let mut count = 0;
        for place in self.blocks[..after].iter().rev() {
            let events = self.events_of(place, visitor, scratch)?;
            count += events.len();
            found.push_front(events);
            if count >= limit || &*place.first < visitor {
                break;
            }
        }
        Ok(found
            .into_iter()
            .flatten()
            .skip(count.saturating_sub(limit))
            .collect())
    }

    fn events_of(
        &self,
        place: &Place,
        visitor: &str,
        scratch: &mut Scratch,
    ) -> Result<Vec<StoredEvent>> {
        let block = self.block(place, scratch)?;
        let mut events = Vec::new();
        self.read_visitor(block, visitor, &mut events)
            .map_err(|error| self.raw().malformed("block", error))?;
        Ok(events)
    }

    fn read_visitor(
        &self,
        block: &Block,
        visitor: &str,
        events: &mut Vec<StoredEvent>,
    ) -> Decoded<()> {
        for run in block.runs() {
            let run = run?;
            if run.visitor == visitor {
                return run.read(&self.words, events);
            }
            if run.visitor > visitor {
                break;
            }
        }
        Ok(())
    }

    fn block<'a>(&self, place: &Place, scratch: &'a mut Scratch) -> Result<&'a Block> {
        let section = Section {
            offset: place.offset,
            length: place.length as u64,
            checksum: place.checksum,
        };
        let Scratch { bytes, block } = scratch;
        self.raw().checked_into("block", section, bytes)?;
        block
            .decompress(bytes)
            .map_err(|error| self.raw().malformed("block", error))?;
        Ok(block)
    }

    /// All events in order, block by block.
    pub(in super::super) fn scan(self: &Arc<Self>) -> Scan {
        Scan {
            segment: Arc::clone(self),
            next: 0,
            scratch: Scratch::default(),
            events: Vec::new().into_iter(),
        }
    }

    /// Reads everything and holds it against its checksums and counts.
    pub(in super::super) fn verify(self: &Arc<Self>) -> Result<()> {
        self.verify_unscanned()?;
        let mut count = 0;
        for event in self.scan() {
            event?;
            count += 1;
        }
        if count == self.extent.events {
            return Ok(());
        }
        let expected = self.extent.events;
        Err(self
            .raw()
            .damaged(&format!("it has {count} events instead of {expected}")))
    }

    /// Holds against its checksums what [`scan`](Self::scan) does not read. Who puts another file in this one's place
    /// asks first: damage would go with the file, and nobody would hear of it.
    pub(in super::super) fn verify_unscanned(&self) -> Result<()> {
        let raw = self.raw();
        raw.head()?;
        raw.footer(self.bytes)?;
        for page in &self.pages {
            raw.page(page)?;
        }
        Ok(())
    }

    fn raw(&self) -> Raw<'_> {
        Raw {
            file: &self.file,
            path: &self.path,
        }
    }
}

fn places(bytes: &[u8]) -> Decoded<Vec<Place>> {
    let mut cursor = Cursor(bytes);
    let count = cursor.size()?;
    let place = |_| {
        Ok(Place {
            first: cursor.text()?.into(),
            offset: cursor.varint()?,
            length: cursor.size()?,
            checksum: cursor.u32()?,
        })
    };
    (0..count).map(place).collect()
}

/// The bytes of a file, and how what is wrong with them is said.
#[derive(Clone, Copy)]
struct Raw<'a> {
    file: &'a File,
    path: &'a Path,
}

impl Raw<'_> {
    fn head(self) -> Result<()> {
        let mut head = [0; HEAD.len()];
        self.read(0, &mut head)?;
        if head == *HEAD {
            return Ok(());
        }
        Err(self.damaged("it does not begin as a segment"))
    }

    fn footer(self, bytes: u64) -> Result<Footer> {
        let tail_at = bytes.checked_sub(TAIL_BYTES);
        let tail_at = tail_at.ok_or_else(|| self.damaged("it is too short for a segment"))?;
        let mut tail = [0; 16];
        self.read(tail_at, &mut tail)?;
        let mut cursor = Cursor(&tail);
        let (Ok(length), Ok(checksum)) = (cursor.u64(), cursor.u32()) else {
            return Err(self.damaged("it is too short for a segment"));
        };
        if cursor.0 != TAIL || length > tail_at {
            return Err(self.damaged("it does not end as a segment"));
        }
        let footer = self.checked(
            "footer",
            Section {
                offset: tail_at - length,
                length,
                checksum,
            },
        )?;
        serde_json::from_slice(&footer)
            .map_err(|error| self.damaged(&format!("its footer is not as expected: {error}")))
    }

    fn section(self, section: Section) -> Result<Vec<u8>> {
        self.checked("section", section)
    }

    fn page(self, page: &Page) -> Result<Vec<u8>> {
        let section = Section {
            offset: page.offset,
            length: page.length as u64,
            checksum: page.checksum,
        };
        self.checked("page", section)
    }

    fn checked(self, what: &str, section: Section) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.checked_into(what, section, &mut bytes)?;
        Ok(bytes)
    }

    fn checked_into(self, what: &str, section: Section, bytes: &mut Vec<u8>) -> Result<()> {
        let offset = section.offset;
        let length = usize::try_from(section.length).unwrap_or(usize::MAX);
        bytes.resize(length, 0);
        self.read(offset, bytes)?;
        if crc32fast::hash(bytes) == section.checksum {
            return Ok(());
        }
        Err(self.damaged(&format!(
            "the {what} at byte {offset} is not what was written"
        )))
    }

    fn read(self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(bytes, offset).map_err(|error| {
            if error.kind() == std::io::ErrorKind::UnexpectedEof {
                return self.damaged(&format!("it ends before byte {offset}"));
            }
            StoreError::io(self.path, error)
        })
    }

    fn malformed(self, what: &str, Malformed(reason): Malformed) -> StoreError {
        self.damaged(&format!("its {what} does not make sense: {reason}"))
    }

    fn damaged(self, reason: &str) -> StoreError {
        StoreError::damaged(self.path, reason)
    }
}

/// The events of a segment in order.
#[derive(Debug)]
pub(in super::super) struct Scan {
    segment: Arc<Segment>,
    next: usize,
    scratch: Scratch,
    events: std::vec::IntoIter<StoredEvent>,
}

impl Scan {
    fn read_block(&mut self) -> Result<bool> {
        let Some(place) = self.segment.blocks.get(self.next) else {
            return Ok(false);
        };
        self.next += 1;
        let block = self.segment.block(place, &mut self.scratch)?;
        let mut events = Vec::new();
        for run in block.runs() {
            run.and_then(|run| run.read(&self.segment.words, &mut events))
                .map_err(|error| self.segment.raw().malformed("block", error))?;
        }
        self.events = events.into_iter();
        Ok(true)
    }
}

impl Iterator for Scan {
    type Item = Result<StoredEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.events.next() {
                return Some(Ok(event));
            }
            match self.read_block() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    // What comes after damage is not given out.
                    self.next = self.segment.blocks.len();
                    return Some(Err(error));
                }
            }
        }
    }
}
