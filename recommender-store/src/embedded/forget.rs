//! Forgetting for good: files are written anew without what is to go.

use std::collections::BTreeSet;
use std::sync::Arc;

use recommender_core::Timestamp;

use super::fingerprint::Fingerprint;
use super::segment::Segment;
use super::shared::Shared;
use super::upkeep;
use crate::error::Result;
use crate::record::{Fact, Forgotten, Oblivion, Position, StoredEvent, StoredFact, Table};

/// Forgets what was written up to `until`, all of which is in files.
pub(super) fn forget(shared: &Shared, oblivion: &Oblivion, until: Position) -> Result<Forgotten> {
    let _alone = shared.rewriting();
    Ok(Forgotten {
        facts: forget_facts(shared, &oblivion.facts, until)?,
        events: forget_events(shared, &oblivion.visitors, until)?,
    })
}

fn forget_facts(shared: &Shared, keys: &[(Table, String)], until: Position) -> Result<u64> {
    let keys: BTreeSet<(Table, &str)> = keys
        .iter()
        .map(|(table, key)| (*table, key.as_str()))
        .collect();
    if keys.is_empty() {
        return Ok(0);
    }
    upkeep::rewrite_facts(shared, |stored| {
        let StoredFact { position, fact } = stored;
        let Fact { table, key, .. } = fact;
        *position > until || !keys.contains(&(*table, key.as_str()))
    })?;
    let mut facts = shared.facts_mut();
    let forgotten = keys
        .iter()
        .filter(|(table, key)| facts.forget(*table, key, until));
    Ok(forgotten.count() as u64)
}

fn forget_events(shared: &Shared, visitors: &[String], until: Position) -> Result<u64> {
    let gone: BTreeSet<&str> = visitors.iter().map(String::as_str).collect();
    let prints: Vec<Fingerprint> = gone.iter().map(|visitor| shared.hash.of(visitor)).collect();
    let keep = |stored: &StoredEvent| {
        stored.position > until || !gone.contains(stored.event.visitor.as_str())
    };
    let concerned = |segment: &Segment| prints.iter().any(|&print| segment.may_hold_visitor(print));
    rewrite_each(shared, concerned, keep)
}

/// Drops events before `time`, all of which are in files.
pub(super) fn drop_before(shared: &Shared, time: Timestamp) -> Result<u64> {
    let _alone = shared.rewriting();
    let keep = |stored: &StoredEvent| stored.event.time.unwrap_or_default() >= time;
    rewrite_each(shared, |segment| segment.extent().first_time < time, keep)
}

/// Writes every file that is concerned anew, one after the other, so that what is done stays done.
fn rewrite_each(
    shared: &Shared,
    concerned: impl Fn(&Segment) -> bool,
    keep: impl Fn(&StoredEvent) -> bool + Send + Sync,
) -> Result<u64> {
    let files: Vec<Arc<Segment>> = shared.view().segments.clone();
    let mut dropped = 0;
    for file in files.iter().filter(|file| concerned(file)) {
        dropped += upkeep::rewrite(shared, std::slice::from_ref(file), &keep)?;
        shared.forget_tails();
    }
    Ok(dropped)
}
