//! Opening a directory: what its files and journals say, and what a killed process left behind.

use std::path::Path;
use std::sync::Arc;

use ring::rand::{SecureRandom, SystemRandom};

use super::config::EmbeddedConfig;
use super::facts::{FactTable, Facts};
use super::fingerprint::Fingerprints;
use super::journal::{self, End, Journal};
use super::layout::{Kind, Layout};
use super::manifest::Manifest;
use super::memory_table::MemoryTable;
use super::payload;
use super::segment::Segment;
use super::shared::{Shared, View};
use super::tails::Moment;
use super::writer::begin_journal;
use crate::disk;
use crate::error::{Result, StoreError};
use crate::record::{Position, StoredEvent, StoredFact};

/// Opens the store in `root`, or begins one if the directory is empty.
pub(super) fn open(root: &Path, config: EmbeddedConfig) -> Result<(Shared, Journal)> {
    config.validate()?;
    let layout = Layout::lock(root)?;
    let mut manifest = match Manifest::load(&layout)? {
        Some(manifest) => manifest,
        None => begin(&layout)?,
    };
    // A directory of an older format is of this one from now on.
    manifest.save(&layout)?;
    remove_strays(&layout, &manifest)?;
    let segments = manifest
        .events
        .iter()
        .map(|&number| Segment::open(&layout.file(Kind::Events, number), number).map(Arc::new))
        .collect::<Result<_>>()?;
    let mut read = Replayed {
        facts: FactTable::default(),
        position: manifest.position,
        hash: Fingerprints::new(manifest.key),
    };
    for &number in &manifest.facts {
        for stored in Facts::open(&layout.file(Kind::Facts, number))? {
            read.facts.put(stored?);
        }
    }
    let (mut tables, journal) = read.journals(&layout, &mut manifest)?;
    let view = View {
        active: Arc::new(tables.pop().expect("there is a table for every journal")),
        frozen: tables.into_iter().map(Arc::new).collect(),
        segments,
        files: Moment {
            flushed: manifest.position,
            epoch: 0,
        },
    };
    let shared = Shared::new((layout, config), manifest, read.facts, view, read.position)?;
    Ok((shared, journal))
}

/// A store without anything in it.
fn begin(layout: &Layout) -> Result<Manifest> {
    for kind in [Kind::Journal, Kind::Events, Kind::Facts] {
        if let Some(&number) = layout.numbers(kind)?.first() {
            let file = layout.file(kind, number);
            let reason = format!("it is missing, though {} is there", file.display());
            return Err(StoreError::damaged(layout.manifest(), reason));
        }
    }
    let mut key = [0; 16];
    SystemRandom::new().fill(&mut key).map_err(|_| {
        let source = std::io::Error::other("the system gives no random numbers");
        StoreError::io(layout.root(), source)
    })?;
    Ok(Manifest {
        key,
        position: Position::default(),
        journals: Vec::new(),
        events: Vec::new(),
        facts: Vec::new(),
    })
}

/// Removes files that do not count: those made, or made useless, just before the process ended.
fn remove_strays(layout: &Layout, manifest: &Manifest) -> Result<()> {
    let counts = |kind: Kind, number: u64| match kind {
        Kind::Journal => manifest.journals.contains(&number),
        Kind::Events => manifest.events.contains(&number),
        Kind::Facts => manifest.facts.contains(&number),
    };
    for kind in [Kind::Journal, Kind::Events, Kind::Facts] {
        for number in layout.numbers(kind)? {
            if !counts(kind, number) {
                disk::remove(&layout.file(kind, number))?;
            }
        }
    }
    Ok(())
}

/// What is read back of journals.
struct Replayed {
    facts: FactTable,
    position: Position,
    hash: Fingerprints,
}

impl Replayed {
    /// A table for every journal, and the last journal to be gone on with.
    fn journals(
        &mut self,
        layout: &Layout,
        manifest: &mut Manifest,
    ) -> Result<(Vec<MemoryTable>, Journal)> {
        let journals = manifest.journals.clone();
        let Some((&last, whole)) = journals.split_last() else {
            // Files are numbered in one row, and the first journal comes after all of them.
            let files = manifest.events.iter().chain(&manifest.facts);
            let number = files.max().map_or(1, |last| last + 1);
            let journal = begin_journal(layout, manifest, number)?;
            return Ok((vec![MemoryTable::new(number)], journal));
        };
        let mut tables = Vec::with_capacity(journals.len());
        for &number in whole {
            tables.push(self.journal(layout, number, End::Whole)?.0);
        }
        let (table, good) = self.journal(layout, last, End::MayBeTorn)?;
        tables.push(table);
        let journal = Journal::at_end(&layout.file(Kind::Journal, last), good)?;
        Ok((tables, journal))
    }

    fn journal(&mut self, layout: &Layout, number: u64, end: End) -> Result<(MemoryTable, u64)> {
        let path = layout.file(Kind::Journal, number);
        let table = MemoryTable::new(number);
        let good = journal::replay(&path, end, |position, batch| {
            if position.0 != self.position.0 + 1 {
                let expected = self.position.0 + 1;
                let reason = format!("write {expected} is missing before write {}", position.0);
                return Err(StoreError::damaged(&path, reason));
            }
            let batch =
                payload::decode(batch).map_err(|error| StoreError::damaged(&path, error.0))?;
            self.position = position;
            for fact in batch.facts {
                let stored = StoredFact { position, fact };
                table.put_fact(stored.clone());
                self.facts.put(stored);
            }
            for event in batch.events {
                let stored = StoredEvent { position, event };
                let id = stored.event.id.as_deref().unwrap_or_default();
                table.ids().insert(self.hash.of(id));
                let visitor = self.hash.of(&stored.event.visitor);
                table.insert(stored, visitor);
            }
            Ok(())
        })?;
        Ok((table, good))
    }
}
