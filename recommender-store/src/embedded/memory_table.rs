//! What was written since the last file of sorted events: in memory as it is read, and in one journal.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use rustc_hash::{FxHashMap, FxHashSet};

use super::fingerprint::{Fingerprint, Fingerprints};
use crate::record::{Fact, Position, StoredEvent, StoredFact, Table};
use crate::stances;

/// Parts that are locked apart, so that readers seldom wait for the writer.
const SHARDS: usize = 64;

/// A visitor's events, by time and position.
type Shard = FxHashMap<Box<str>, Vec<StoredEvent>>;

/// Events and facts of one journal.
#[derive(Debug)]
pub(super) struct MemoryTable {
    journal: u64,
    shards: Vec<RwLock<Shard>>,
    ids: Mutex<FxHashSet<Fingerprint>>,
    /// Visitors who refused something here.
    refusers: RwLock<FxHashSet<Fingerprint>>,
    facts: Mutex<BTreeMap<(Table, String), StoredFact>>,
    events: AtomicU64,
    last: AtomicU64,
}

impl MemoryTable {
    /// An empty table of the journal with that number.
    pub(super) fn new(journal: u64) -> Self {
        Self {
            journal,
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            ids: Mutex::default(),
            refusers: RwLock::default(),
            facts: Mutex::default(),
            events: AtomicU64::new(0),
            last: AtomicU64::new(0),
        }
    }

    pub(super) fn journal(&self) -> u64 {
        self.journal
    }

    /// How many events there are.
    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Acquire)
    }

    /// The last position written here.
    pub(super) fn last(&self) -> Position {
        Position(self.last.load(Ordering::Acquire))
    }

    /// The ids here, for who adds to them.
    pub(super) fn ids(&self) -> MutexGuard<'_, FxHashSet<Fingerprint>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an event in whose id is among [`MemoryTable::ids`] already.
    pub(super) fn insert(&self, stored: StoredEvent, visitor: Fingerprint) {
        self.last.fetch_max(stored.position.0, Ordering::AcqRel);
        if stances::is_refusal(&stored) {
            let refusers = self.refusers.write();
            refusers
                .unwrap_or_else(PoisonError::into_inner)
                .insert(visitor);
        }
        let mut shard = self.shards[shard_of(visitor)]
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        self.events.fetch_add(1, Ordering::AcqRel);
        let Some(events) = shard.get_mut(stored.event.visitor.as_str()) else {
            shard.insert(stored.event.visitor.as_str().into(), vec![stored]);
            return;
        };
        let place = events.partition_point(|event| event.event.time <= stored.event.time);
        events.insert(place, stored);
    }

    /// Takes a fact in that stands.
    pub(super) fn put_fact(&self, stored: StoredFact) {
        self.last.fetch_max(stored.position.0, Ordering::AcqRel);
        let Fact { table, key, .. } = &stored.fact;
        self.facts_by_key().insert((*table, key.clone()), stored);
    }

    fn facts_by_key(&self) -> MutexGuard<'_, BTreeMap<(Table, String), StoredFact>> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The facts written here, as they stood last, by table and key.
    pub(super) fn facts(&self) -> Vec<StoredFact> {
        self.facts_by_key().values().cloned().collect()
    }

    /// The latest `limit` events of a visitor, oldest first.
    pub(super) fn recent(
        &self,
        visitor: &str,
        print: Fingerprint,
        limit: usize,
    ) -> Vec<StoredEvent> {
        let shard = self.shards[shard_of(print)]
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let events = shard.get(visitor).map_or(&[][..], Vec::as_slice);
        events[events.len().saturating_sub(limit)..].to_vec()
    }

    /// Whether a visitor refused something here.
    pub(super) fn holds_refuser(&self, visitor: Fingerprint) -> bool {
        let refusers = self.refusers.read();
        refusers
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&visitor)
    }

    /// What a visitor said for and against products, oldest first.
    pub(super) fn stances(&self, visitor: &str, print: Fingerprint) -> Vec<StoredEvent> {
        let shard = self.shards[shard_of(print)]
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let events = shard.get(visitor).map_or(&[][..], Vec::as_slice);
        let outspoken = events.iter().filter(|event| stances::outspoken(event));
        outspoken.cloned().collect()
    }

    /// Visitors, in byte order.
    pub(super) fn visitors(&self) -> Vec<Box<str>> {
        let mut visitors: Vec<Box<str>> = Vec::new();
        for shard in &self.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            visitors.extend(shard.keys().cloned());
        }
        visitors.sort_unstable();
        visitors
    }

    /// Calls `visit` with all events of a visitor, oldest first.
    pub(super) fn with_events<T>(
        &self,
        visitor: &str,
        hash: &Fingerprints,
        visit: impl FnOnce(&[StoredEvent]) -> T,
    ) -> T {
        let shard = self.shards[shard_of(hash.of(visitor))]
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        visit(shard.get(visitor).map_or(&[], Vec::as_slice))
    }
}

fn shard_of(visitor: Fingerprint) -> usize {
    usize::from(visitor.0[0]) % SHARDS
}
