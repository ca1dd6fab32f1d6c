//! What goes on beside reading and writing: tables in memory become files, and small files become large ones.

use std::fs::File;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::facts::{self, Facts};
use super::layout::Kind;
use super::memory_table::MemoryTable;
use super::merge::{Merge, Source, TableScan};
use super::segment::{Dictionary, Segment, SegmentWriter};
use super::shared::{Shared, Work};
use crate::disk;
use crate::error::Result;
use crate::record::{Position, StoredEvent, StoredFact};

/// How long a failed attempt is rested before the next.
const REST: Duration = Duration::from_secs(1);

/// How long nothing needs to happen.
const LONG: Duration = Duration::from_hours(1);

/// How long those who read a table that is a file now are waited for, and how often is looked. Who answers reads for some
/// microseconds; who reads everything may take longer, and gives the memory back then.
const LAST_READERS: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_millis(1);

/// Files of about one size that are merged into one.
const MERGED: usize = 4;

/// Files of facts that are merged into one.
const FACT_FILES: usize = 8;

/// Makes files of tables put aside, until the store is closed.
pub(super) fn keep_flushing(shared: &Shared) {
    keep_at(shared, Work::Flushing, flush_all);
}

/// Merges files, until the store is closed.
pub(super) fn keep_merging(shared: &Shared) {
    keep_at(shared, Work::Merging, |shared| {
        merge_facts(shared)?;
        while merge_events(shared)? {
            if shared.signal().closing {
                break;
            }
        }
        Ok(())
    });
}

fn keep_at(shared: &Shared, work: Work, turn: impl Fn(&Shared) -> Result<()>) {
    let mut seen = shared.signal();
    while !seen.closing {
        let went = turn(shared);
        shared.note(work, &went);
        let rest = if went.is_ok() { LONG } else { REST };
        seen = shared.wait(seen, rest);
    }
}

/// Makes files of all tables put aside.
pub(super) fn flush_all(shared: &Shared) -> Result<()> {
    let _alone = shared.flushing();
    while let Some(table) = oldest(shared) {
        let went = flush(shared, &table);
        shared.note(Work::Flushing, &went);
        went?;
        shared.notify();
        let_go(table);
    }
    Ok(())
}

fn oldest(shared: &Shared) -> Option<Arc<MemoryTable>> {
    shared.view().frozen.first().cloned()
}

/// Lets a table go that is a file now, after those who still read it: whoever does so last gives all of its memory back,
/// one text after the other, and a thread that answers would keep shoppers waiting for that.
fn let_go(table: Arc<MemoryTable>) {
    let begun = Instant::now();
    while Arc::strong_count(&table) > 1 && begun.elapsed() < LAST_READERS {
        thread::sleep(LOOK);
    }
    drop(table);
}

fn flush(shared: &Shared, table: &Arc<MemoryTable>) -> Result<()> {
    let segment = if table.events() > 0 {
        let scan = TableScan::new(table, shared.hash, Position(u64::MAX));
        let events: Vec<StoredEvent> = scan.collect::<Result<_>>()?;
        let words = Dictionary::of(events.iter().map(|stored| &stored.event));
        write_segment(shared, words, events.into_iter().map(Ok))?
    } else {
        None
    };
    let facts = write_facts(shared, table.facts().into_iter().map(Ok))?;
    let mut manifest = shared.manifest();
    let mut next = manifest.clone();
    next.events
        .extend(segment.iter().map(|segment| segment.number()));
    next.facts.extend(facts);
    next.position = next.position.max(table.last());
    next.journals.retain(|&number| number != table.journal());
    next.save(&shared.layout)?;
    *manifest = next;
    shared.change_view(|view| {
        view.frozen.retain(|frozen| !Arc::ptr_eq(frozen, table));
        view.segments.extend(segment);
        view.files.flushed = view.files.flushed.max(table.last());
    });
    drop(manifest);
    disk::remove(&shared.layout.file(Kind::Journal, table.journal()))
}

/// Writes events, which come in order, into a file of their own; none if there are none.
fn write_segment(
    shared: &Shared,
    words: Dictionary,
    events: impl Iterator<Item = Result<StoredEvent>>,
) -> Result<Option<Arc<Segment>>> {
    let mut events = events.peekable();
    if events.peek().is_none() {
        return Ok(None);
    }
    let number = shared.number();
    let path = shared.layout.file(Kind::Events, number);
    disk::write_whole(&path, |file: &mut File| {
        let mut writer = SegmentWriter::new((file, &path), words, shared.hash)?;
        for event in events {
            writer.push(&event?)?;
        }
        writer.finish().map(|_| ())
    })?;
    Segment::open(&path, number).map(|segment| Some(Arc::new(segment)))
}

/// Writes facts into a file of their own; none if there are none.
fn write_facts(
    shared: &Shared,
    facts: impl Iterator<Item = Result<StoredFact>>,
) -> Result<Option<u64>> {
    let mut facts = facts.peekable();
    if facts.peek().is_none() {
        return Ok(None);
    }
    let number = shared.number();
    facts::write(&shared.layout.file(Kind::Facts, number), facts)?;
    Ok(Some(number))
}

/// Merges some files of events of about one size, if there are enough of them.
fn merge_events(shared: &Shared) -> Result<bool> {
    let _alone = shared.rewriting();
    let Some(few) = alike(shared) else {
        return Ok(false);
    };
    rewrite(shared, &few, |_| true)?;
    shared.notify();
    Ok(true)
}

/// The smallest [`MERGED`] files of one size class that together are not too large for one file.
fn alike(shared: &Shared) -> Option<Vec<Arc<Segment>>> {
    let mut segments = shared.view().segments.clone();
    segments.sort_by_key(|segment| segment.extent().events);
    let class = |segment: &Arc<Segment>| {
        let tables = segment.extent().events / shared.config.memory_events.max(1) as u64;
        tables.max(1).ilog(MERGED as u64)
    };
    let sum = |few: &[Arc<Segment>]| {
        few.iter()
            .map(|segment| segment.extent().events)
            .sum::<u64>()
    };
    segments
        .windows(MERGED)
        .find(|few| {
            class(&few[0]) == class(&few[MERGED - 1])
                && sum(few) <= shared.config.max_segment_events
        })
        .map(<[_]>::to_vec)
}

/// Puts one file of the events that are to be kept in the place of `files`. Says how many were not kept. The caller
/// holds the lock for rewriting.
pub(super) fn rewrite(
    shared: &Shared,
    files: &[Arc<Segment>],
    keep: impl Fn(&StoredEvent) -> bool + Send,
) -> Result<u64> {
    for file in files {
        file.verify_unscanned()?;
    }
    let words = Dictionary::union(files.iter().map(|segment| segment.words()));
    let sources = files
        .iter()
        .map(|segment| Box::new(segment.scan()) as Source);
    let kept = Merge::new(sources.collect()).filter(|event| event.as_ref().map_or(true, &keep));
    let segment = write_segment(shared, words, kept)?;
    let before: u64 = files.iter().map(|segment| segment.extent().events).sum();
    let after = segment
        .as_ref()
        .map_or(0, |segment| segment.extent().events);
    let gone: Vec<u64> = files.iter().map(|segment| segment.number()).collect();
    let mut manifest = shared.manifest();
    let mut next = manifest.clone();
    next.events.retain(|number| !gone.contains(number));
    next.events
        .extend(segment.iter().map(|segment| segment.number()));
    next.save(&shared.layout)?;
    *manifest = next;
    shared.change_view(|view| {
        view.segments
            .retain(|segment| !gone.contains(&segment.number()));
        view.segments.extend(segment);
    });
    drop(manifest);
    for number in gone {
        disk::remove(&shared.layout.file(Kind::Events, number))?;
    }
    shared.layout.sync()?;
    Ok(before - after)
}

fn merge_facts(shared: &Shared) -> Result<()> {
    let _alone = shared.rewriting();
    if shared.manifest().facts.len() < FACT_FILES {
        return Ok(());
    }
    rewrite_facts(shared, |_| true)
}

/// Puts one file of the facts that are to be kept in the place of all that there are. The caller holds the lock for
/// rewriting.
pub(super) fn rewrite_facts(shared: &Shared, keep: impl Fn(&StoredFact) -> bool) -> Result<()> {
    let gone = shared.manifest().facts.clone();
    let open = |&number: &u64| Facts::open(&shared.layout.file(Kind::Facts, number));
    let files: Vec<Facts> = gone.iter().map(open).collect::<Result<_>>()?;
    let kept = facts::merged(files).filter(|fact| fact.as_ref().map_or(true, &keep));
    let number = write_facts(shared, kept)?;
    let mut manifest = shared.manifest();
    let mut next = manifest.clone();
    // What was written meanwhile comes after.
    next.facts.retain(|number| !gone.contains(number));
    next.facts.splice(..0, number);
    next.save(&shared.layout)?;
    *manifest = next;
    drop(manifest);
    for number in gone {
        disk::remove(&shared.layout.file(Kind::Facts, number))?;
    }
    shared.layout.sync()
}
