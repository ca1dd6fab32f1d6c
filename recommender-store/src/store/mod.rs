//! The store: what the records of an engine mean, kept in memory and written through.
//!
//! A [`Store`] takes what happens at the door (consent, pseudonyms, identities, catalogue) and answers who a person is,
//! what she did and what may be offered to her. Everything it holds in memory can be read again from the engine.

mod config;
mod consents;
mod documents;
mod erasing;
mod events;
mod goods;
mod hearing;
mod identities;
mod learning;
mod leases;
mod listing;
mod opening;
mod past;
mod persons;
mod shared;
mod state;
mod writing;

pub use config::StoreConfig;
pub use events::{EventsWritten, NotStored, Submission, SubmissionOutcome};
pub use goods::Missing;
pub use hearing::ErasureWatcher;
pub use identities::Person;
pub use learning::Reading;
pub use leases::Lease;
pub use opening::Surroundings;
pub use writing::Writing;

use std::sync::Arc;

use recommender_core::Timestamp;

use crate::engine::Engine;
use crate::error::Result;
use crate::record::Position;
use crate::store::shared::Shared;

/// What the records of an engine mean: events with consent, identities, catalogue, stock and places. A handle that can
/// be cloned; all share one memory.
///
/// Writing gives a [`Writing`]: a thread waits for it, a task awaits it, and what it wrote is seen by everyone who asks
/// afterwards. Reading answers from memory, but for the events of a person, which the engine reads.
///
/// ```
/// use std::sync::Arc;
/// use recommender_core::events::Event;
/// use recommender_store::identity::{Identifier, Link};
/// use recommender_store::store::{Store, StoreConfig, Submission};
/// use recommender_store::MemoryEngine;
/// let store = Store::open(Arc::new(MemoryEngine::default()), StoreConfig::default())?;
/// let event = |id: &str, visitor: &str| Submission::from(Event {
///     id: Some(id.into()), visitor: visitor.into(), item: Some("cup".into()), quantity: 1.0, ..Event::default()
/// });
/// store.write_events(vec![event("1", "phone"), event("2", "till")])?.wait()?;
/// let [phone, till] = [Identifier::visitor("phone")?, Identifier::visitor("till")?];
/// assert_eq!(store.history(&[phone.clone()], 50)?.len(), 1);
/// let link = Link { a: phone.clone(), b: till, evidence: "showed her card".into(), since: store.now(), by: "till 7".into() };
/// store.link(vec![link])?.wait()?;
/// assert_eq!(store.history(&[phone], 50)?.len(), 2);
/// # Ok::<(), recommender_store::StoreError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Store(Arc<Shared>);

impl Store {
    /// The engine below.
    #[must_use]
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.0.engine
    }

    /// How it is kept.
    #[must_use]
    pub fn config(&self) -> &StoreConfig {
        &self.0.config
    }

    /// The time by the store's clock, which never goes back while it is open.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// The position of the latest write that is on disk: the token by which a reader asks to have seen it.
    #[must_use]
    pub fn position(&self) -> Position {
        self.0.engine.position()
    }

    /// Up to where this store has seen everything that was written: facts and events of before are in its answers.
    #[must_use]
    pub fn seen(&self) -> Position {
        if self.0.engine.is_shared() {
            self.0.read().cursor
        } else {
            self.position()
        }
    }

    /// Takes in the facts that other processes wrote to the same engine, and says up to where. What this process wrote
    /// is taken in as it is written. [`StoreConfig::refresh_ms`] does this in the background.
    ///
    /// # Errors
    /// If the facts can't be read.
    pub fn refresh(&self) -> Result<Position> {
        self.0.refresh()
    }

    /// Drops the events older than [`StoreConfig::retention_days`] for good, and says how many; none without that
    /// setting. A store that stays open does so four times a day.
    ///
    /// # Errors
    /// If the records can't be written.
    pub fn expire(&self) -> Result<u64> {
        self.0.expire()
    }
}

#[cfg(test)]
mod tests;
