//! What one process at a time may do for all that share the records, such as beginning what is due.
//!
//! A lease is a fact whose version counts its terms, three versions to each. The first two are written in one batch: of
//! all who bid for a term, only the one whose bid came first finds its first fact applied, as the second fact of that bid
//! makes the first facts of the others stale. The third is the holder's alone: it outranks late bids, and holding on is
//! writing it again.

use std::collections::BTreeMap;
use std::time::Duration;

use recommender_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::record::{Batch, Fact, FactOutcome, Table};
use crate::stamp::{Slot, Stamp};
use crate::store::Store;
use crate::store::state::fact;

/// Versions of a term: the two of a bid, and that of its holder.
const VERSIONS: i64 = 3;

/// After this part of its duration a lease is renewed.
const RENEWED_AFTER: i64 = 3;

/// Leases as they stand, by name.
#[derive(Debug, Default)]
pub(super) struct Leases(BTreeMap<String, Slot<Record>>);

impl Leases {
    pub(super) fn apply(&mut self, name: &str, record: Option<Record>, stamp: Stamp) {
        let slot = self.0.entry(name.to_owned()).or_default();
        slot.put(stamp, record);
    }
}

/// What is kept of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Who has it or bids for it; nobody once it was given back.
    holder: Option<String>,
}

/// A right that at most one process at a time has, among all that share an engine, under a name.
///
/// Whoever has it keeps it by calling [`Lease::hold`] now and then. Whoever does not loses it: the others take it when
/// they saw nothing of its holder for the whole duration. Each measures that time by its own store's clock, so clocks
/// may differ, but must not leap.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use recommender_store::store::{Lease, Store, StoreConfig};
/// use recommender_store::MemoryEngine;
/// let engine = Arc::new(MemoryEngine::default());
/// let server = || Store::open(engine.clone(), StoreConfig::default());
/// let lease = |holder| Lease::new("training", holder, Duration::from_secs(30));
/// let (one, other) = (server()?, server()?);
/// let (mut first, mut second) = (lease("one"), lease("other"));
/// assert!(first.hold(&one)? && !second.hold(&other)?);
/// first.release(&one)?;
/// assert!(second.hold(&other)? && !first.hold(&one)?);
/// # Ok::<(), recommender_store::StoreError>(())
/// ```
#[derive(Debug)]
pub struct Lease {
    name: String,
    holder: String,
    duration_ms: i64,
    held: Option<Held>,
    /// What stood when it was looked at last, and since when.
    watched: Option<(Stamp, Timestamp)>,
}

/// That it is held, under this version, since it was written last.
#[derive(Debug, Clone, Copy)]
struct Held {
    version: i64,
    since: Timestamp,
}

impl Lease {
    /// A lease that is not held yet. `holder` tells operators who has it.
    #[must_use]
    pub fn new(name: &str, holder: &str, duration: Duration) -> Self {
        Self {
            name: name.to_owned(),
            holder: holder.to_owned(),
            duration_ms: i64::try_from(duration.as_millis()).unwrap_or(i64::MAX),
            held: None,
            watched: None,
        }
    }

    /// Takes the lease if it is free, keeps it if it is held, and says whether it is. It blocks, as it may write.
    ///
    /// # Errors
    /// If the records can't be read or written; it is not to be relied on then.
    pub fn hold(&mut self, store: &Store) -> Result<bool> {
        store.refresh()?;
        match self.held {
            Some(held) if self.is_valid(held, store) => self.renew(held, store),
            _ => self.take(store),
        }
    }

    /// Gives the lease back, if it is held, so that others need not wait for its end.
    ///
    /// # Errors
    /// If the records can't be written.
    pub fn release(&mut self, store: &Store) -> Result<()> {
        if let Some(held) = self.held.take() {
            write(store, vec![self.fact(held.version, None)?])?;
        }
        Ok(())
    }

    fn is_valid(&self, held: Held, store: &Store) -> bool {
        store.now().0.saturating_sub(held.since.0) < self.duration_ms
    }

    fn renew(&mut self, held: Held, store: &Store) -> Result<bool> {
        let age = store.now().0.saturating_sub(held.since.0);
        if age < self.duration_ms / RENEWED_AFTER {
            return Ok(true);
        }
        self.keep(held.version, store)
    }

    fn take(&mut self, store: &Store) -> Result<bool> {
        self.held = None;
        let Some(version) = self.free_term(store) else {
            return Ok(false);
        };
        let bid = [version, version + 1];
        let bid = bid.map(|version| self.fact(version, Some(&self.holder)));
        let [first, second] = bid;
        let outcomes = write(store, vec![first?, second?])?;
        if outcomes.first() != Some(&FactOutcome::Applied) {
            return Ok(false);
        }
        self.keep(version + 2, store)
    }

    /// The first version of the next term, if nobody has the one that stands.
    fn free_term(&mut self, store: &Store) -> Option<i64> {
        let now = store.now();
        let state = store.0.read();
        let Some(slot) = state.leases.0.get(&self.name) else {
            return Some(0);
        };
        let stamp = slot.stamp();
        let is_free = slot.value().is_none_or(|record| record.holder.is_none());
        let since = match self.watched {
            Some((watched, since)) if watched == stamp => since,
            _ => now,
        };
        self.watched = Some((stamp, since));
        let is_over = now.0.saturating_sub(since.0) >= self.duration_ms;
        (is_free || is_over).then(|| (stamp.version / VERSIONS + 1) * VERSIONS)
    }

    /// Writes that this process is the holder, unless another term has begun.
    fn keep(&mut self, version: i64, store: &Store) -> Result<bool> {
        // The others count from when they see it, which is later.
        let since = store.now();
        let outcomes = write(store, vec![self.fact(version, Some(&self.holder))?])?;
        let is_applied = outcomes.first() == Some(&FactOutcome::Applied);
        self.held = is_applied.then_some(Held { version, since });
        Ok(self.held.is_some_and(|held| self.is_valid(held, store)))
    }

    fn fact(&self, version: i64, holder: Option<&str>) -> Result<Fact> {
        let record = Record {
            holder: holder.map(str::to_owned),
        };
        let fact = fact(Table::Lease, self.name.clone(), &record)?;
        Ok(Fact { version, ..fact })
    }
}

/// Writes facts at once, and says what became of each.
fn write(store: &Store, facts: Vec<Fact>) -> Result<Vec<FactOutcome>> {
    let batch = Batch {
        facts,
        ..Batch::default()
    };
    store
        .0
        .write(batch, |written| written.facts.clone())?
        .wait()
}
