//! What an engine keeps: events, and facts under keys.

use recommender_core::Timestamp;
use recommender_core::events::Event;
use serde::{Deserialize, Serialize};

/// A point in the order of writes; what was written later has a larger one. Also the token by which a reader asks to
/// have seen a write.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

/// An event as the log keeps it. Its id and time are always there.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Where in the order of writes.
    pub position: Position,
    /// What happened.
    pub event: Event,
}

/// What a fact speaks of; the first part of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Table {
    /// A product of the catalogue.
    Product,
    /// Price and quantity of a product at a place.
    Stock,
    /// A store or warehouse.
    Place,
    /// A link between two identifiers of a person.
    Link,
    /// What a person agreed to.
    Consent,
    /// Who did what to identities and persons.
    Audit,
    /// An erasure that was asked for, and how far it has come.
    Erasure,
    /// An export or import that can be taken up again.
    Transfer,
    /// A named recipe for one placement.
    ServingConfig,
    /// A business rule.
    Control,
    /// A model that is served: its versions, and which of them is promoted.
    Model,
    /// What an evaluation of a recipe on past events found.
    Evaluation,
    /// What one process at a time may do for all that share the records.
    Lease,
}

impl Table {
    /// Every table, in order of its code.
    pub const ALL: [Self; 13] = [
        Self::Product,
        Self::Stock,
        Self::Place,
        Self::Link,
        Self::Consent,
        Self::Audit,
        Self::Erasure,
        Self::Transfer,
        Self::ServingConfig,
        Self::Control,
        Self::Model,
        Self::Evaluation,
        Self::Lease,
    ];

    /// The table of a code.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The code kept on disk.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Something that is so from now on: the value of a key of a table, or that it has none any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it speaks of.
    pub table: Table,
    /// Which one; not empty, at most [`MAX_KEY_BYTES`].
    pub key: String,
    /// Facts of one key with a smaller version than the one that stands are stale and change nothing; of equal ones
    /// the later write stands. Zero where the last write shall always stand.
    pub version: i64,
    /// The value, or nothing if the key has none any more.
    pub value: Option<Vec<u8>>,
}

/// A fact as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFact {
    /// Where in the order of writes.
    pub position: Position,
    /// The fact. A key whose value was taken away stays known with its version.
    pub fact: Fact,
}

/// Longest key of a visitor, item, event or fact, in bytes.
pub const MAX_KEY_BYTES: usize = 1024;

/// Longest event or value of a fact, in bytes as kept.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

/// What is written at once: all of it is kept, or nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// What happened, each with an id and a time.
    pub events: Vec<Event>,
    /// What is so from now on.
    pub facts: Vec<Fact>,
}

/// What became of a batch, once it is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The position of the batch: who reads at or after it sees all of it.
    pub position: Position,
    /// What became of each event.
    pub events: Vec<EventOutcome>,
    /// What became of each fact.
    pub facts: Vec<FactOutcome>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventOutcome {
    /// It is in the log now.
    Stored,
    /// The log has an event with this id already, and keeps that one.
    Duplicate,
}

/// What became of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FactOutcome {
    /// It stands.
    Applied,
    /// A newer one stands already.
    Stale,
}

/// Which events are read, by their own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

impl Span {
    /// Whether `time` is within.
    #[must_use]
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= time) && self.until.is_none_or(|until| time < until)
    }
}

/// What is to be forgotten for good.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Oblivion {
    /// All events of these visitors.
    pub visitors: Vec<String>,
    /// These keys of tables, with their values and versions.
    pub facts: Vec<(Table, String)>,
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Forgotten {
    /// How many events.
    pub events: u64,
    /// How many keys of tables, those without a value included.
    pub facts: u64,
}
