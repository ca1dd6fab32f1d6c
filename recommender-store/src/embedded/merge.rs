//! Events of several sorted sources as one.

use std::cmp::Ordering;
use std::sync::Arc;

use super::fingerprint::Fingerprints;
use super::memory_table::MemoryTable;
use crate::error::Result;
use crate::record::{Position, StoredEvent};

/// A sorted source.
pub(super) type Source = Box<dyn Iterator<Item = Result<StoredEvent>> + Send>;

/// By visitor in byte order, then time, then position.
fn order(a: &StoredEvent, b: &StoredEvent) -> Ordering {
    let key = |stored: &StoredEvent| (stored.event.time, stored.position);
    let visitors = a.event.visitor.as_bytes().cmp(b.event.visitor.as_bytes());
    visitors.then_with(|| key(a).cmp(&key(b)))
}

/// The events of all sources in order. Ends with the first error.
pub(super) struct Merge {
    heads: Vec<(StoredEvent, Source)>,
    unread: Vec<Source>,
}

impl Merge {
    pub(super) fn new(sources: Vec<Source>) -> Self {
        Self {
            heads: Vec::with_capacity(sources.len()),
            unread: sources,
        }
    }

    fn read(&mut self, mut source: Source) -> Result<()> {
        if let Some(event) = source.next() {
            self.heads.push((event?, source));
        }
        Ok(())
    }

    /// The next event of the source that is first in order.
    fn take(&mut self) -> Result<Option<StoredEvent>> {
        while let Some(source) = self.unread.pop() {
            self.read(source)?;
        }
        let first =
            (0..self.heads.len()).min_by(|&a, &b| order(&self.heads[a].0, &self.heads[b].0));
        let Some(first) = first else {
            return Ok(None);
        };
        let (head, source) = &mut self.heads[first];
        match source.next() {
            Some(next) => Ok(Some(std::mem::replace(head, next?))),
            None => Ok(Some(self.heads.swap_remove(first).0)),
        }
    }
}

impl Iterator for Merge {
    type Item = Result<StoredEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        let taken = self.take();
        if taken.is_err() {
            self.heads.clear();
            self.unread.clear();
        }
        taken.transpose()
    }
}

/// The events of a table in memory up to a position, visitor by visitor.
pub(super) struct TableScan {
    table: Arc<MemoryTable>,
    hash: Fingerprints,
    until: Position,
    visitors: std::vec::IntoIter<Box<str>>,
    events: std::vec::IntoIter<StoredEvent>,
}

impl TableScan {
    pub(super) fn new(table: &Arc<MemoryTable>, hash: Fingerprints, until: Position) -> Self {
        Self {
            table: Arc::clone(table),
            hash,
            until,
            visitors: table.visitors().into_iter(),
            events: Vec::new().into_iter(),
        }
    }
}

impl Iterator for TableScan {
    type Item = Result<StoredEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.events.next() {
                return Some(Ok(event));
            }
            let visitor = self.visitors.next()?;
            let until = self.until;
            let events = self.table.with_events(&visitor, &self.hash, |events| {
                let seen = events.iter().filter(|event| event.position <= until);
                seen.cloned().collect::<Vec<_>>()
            });
            self.events = events.into_iter();
        }
    }
}
