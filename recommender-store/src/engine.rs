//! What keeps records, and what it promises.

use std::fmt;
use std::path::Path;

use recommender_core::Timestamp;
use serde::Serialize;

use crate::error::Result;
use crate::record::{
    Batch, Forgotten, Oblivion, Position, Span, StoredEvent, StoredFact, Table, Written,
};
use crate::stances;
use crate::ticket::Ticket;

/// Events in an order the caller is told, read piece by piece.
pub type Events<'a> = Box<dyn Iterator<Item = Result<StoredEvent>> + Send + 'a>;

/// Facts, read piece by piece.
pub type Facts<'a> = Box<dyn Iterator<Item = Result<StoredFact>> + Send + 'a>;

/// Keeps events and facts.
///
/// Every engine promises the same, and `tests/conformance` holds each to it:
/// - What a settled ticket says is on disk: it survives a kill of the process at any moment.
/// - A batch is there as a whole or not at all.
/// - The log has one event of an id: the first. This holds as long as the event is in the log.
/// - Who reads after a ticket settled sees the batch. Batches are ordered by their positions, and nobody sees a batch
///   without those that its own process settled before.
/// - Reading goes on while nothing can be written.
/// - What is damaged is named, and never given out.
///
/// The calls block, but for `write`, which only waits for nothing: its ticket can be awaited.
pub trait Engine: Send + Sync + fmt::Debug {
    /// Takes a batch to be written.
    ///
    /// # Errors
    /// [`StoreError::Invalid`](crate::StoreError::Invalid) for an event without id or time, a number that is not
    /// finite, or a record that is too long; [`StoreError::Busy`](crate::StoreError::Busy) if too much is waiting. The
    /// ticket says what went wrong later, such as [`StoreError::Full`](crate::StoreError::Full).
    fn write(&self, batch: Batch) -> Result<Ticket<Written>>;

    /// The latest events of a visitor by time (those of one moment by position), oldest first, at most `limit`.
    ///
    /// # Errors
    /// If the records can't be read.
    fn recent(&self, visitor: &str, limit: usize) -> Result<Vec<StoredEvent>>;

    /// What `visitors`, taken as one person, said for and against products, however long ago: hides and dislikes, and the
    /// kinds of events that take products up again ([`Stance`](recommender_core::events::Stance)), by time, then position,
    /// oldest first; of more than [`MOST_STANCES`](crate::stances::MOST_STANCES) the latest. Nothing if none of it is a
    /// refusal, which is told without reading what else they did by engines that keep much.
    ///
    /// # Errors
    /// If the records can't be read.
    fn stances(&self, visitors: &[&str]) -> Result<Vec<StoredEvent>> {
        let all = visitors
            .iter()
            .map(|visitor| self.recent(visitor, usize::MAX));
        let all: Vec<Vec<StoredEvent>> = all.collect::<Result<_>>()?;
        Ok(stances::among(all.into_iter().flatten().collect()))
    }

    /// All events of a span, as they stand now: by visitor in byte order, then time, then position. Memory is bounded,
    /// whatever the number of events.
    ///
    /// # Errors
    /// If the records can't be read.
    fn events(&self, span: Span) -> Result<Events<'_>>;

    /// All facts of a table that have a value, by key in byte order.
    ///
    /// # Errors
    /// If the records can't be read.
    fn facts(&self, table: Table) -> Result<Facts<'_>>;

    /// Facts written after `after`, each key once as it stands now, with or without a value, and the position up to
    /// which they were read. It is how a process learns what others wrote.
    ///
    /// # Errors
    /// If the records can't be read.
    fn changes(&self, after: Position) -> Result<(Vec<StoredFact>, Position)>;

    /// Forgets visitors and facts for good: when it returns, no byte of them is left in the files of the engine, nor in
    /// what it keeps in memory. What is written of them afterwards is kept. Asked again, it forgets what is left.
    ///
    /// # Errors
    /// If the records can't be read or written; what was not forgotten is then forgotten by the next call.
    fn forget(&self, oblivion: &Oblivion) -> Result<Forgotten>;

    /// Drops all events older than `time` and says how many. They are not read any more when it returns; their room on
    /// the disk is given back in the background.
    ///
    /// # Errors
    /// If the records can't be written.
    fn drop_before(&self, time: Timestamp) -> Result<u64>;

    /// Writes a consistent copy of everything into the directory `to`, which must not exist, while writing goes on.
    ///
    /// # Errors
    /// If `to` exists or can't be written, or the records can't be read.
    fn snapshot(&self, to: &Path) -> Result<Contents>;

    /// Reads everything and holds it against its checksums.
    ///
    /// # Errors
    /// [`StoreError::Damaged`](crate::StoreError::Damaged) naming the first place that is wrong.
    fn verify(&self) -> Result<Contents>;

    /// The position of the latest write that is on disk.
    fn position(&self) -> Position;

    /// Whether others write to it too, over a network: what they wrote is not known here at once, and a read may be
    /// long in coming. Whoever must not wait reads on a thread that may.
    fn is_shared(&self) -> bool {
        true
    }

    /// How it stands.
    ///
    /// # Errors
    /// If the records can't be read.
    fn status(&self) -> Result<Status>;
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Contents {
    /// Events in the log.
    pub events: u64,
    /// Facts that have a value.
    pub facts: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// How an engine stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// What it is, and where it keeps its records.
    pub engine: String,
    /// The latest write on disk.
    pub position: Position,
    /// How much there is.
    pub contents: Contents,
    /// Writes that are waiting.
    pub waiting: usize,
    /// Why nothing can be written at the moment, if so.
    pub refusing: Option<String>,
}
