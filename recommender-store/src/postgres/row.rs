//! Events and facts as rows, with their checksums.

use std::num::NonZeroU16;
use std::path::PathBuf;

use crc32fast::Hasher;
use postgres::Row;
use recommender_core::events::Event;

use crate::error::{Result, StoreError};
use crate::portable::Fields;
use crate::record::{Fact, Position, StoredEvent, StoredFact, Table};

/// Columns of an event, in the order [`event_of`] reads them.
pub(super) const EVENT_COLUMNS: &str = "position, id, visitor, time, checksum, body";

/// Columns of a fact, in the order [`fact_of`] reads them.
pub(super) const FACT_COLUMNS: &str = "position, fact_table, key, version, checksum, value";

/// How many parts the log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Buckets(NonZeroU16);

impl Buckets {
    pub(super) fn new(count: u32) -> Option<Self> {
        let count = u16::try_from(count).ok().and_then(NonZeroU16::new);
        count.filter(|count| count.get() < 1 << 15).map(Self)
    }

    /// How many there are.
    pub(super) fn count(self) -> u16 {
        self.0.get()
    }

    /// The part that holds the events of a visitor.
    pub(super) fn of(self, visitor: &str) -> i16 {
        let bucket = crc32fast::hash(visitor.as_bytes()) % u32::from(self.0.get());
        i16::try_from(bucket).expect("there are less than 2^15 buckets")
    }
}

/// An event as a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EventRow {
    pub(super) id: String,
    pub(super) visitor: String,
    pub(super) time: i64,
    pub(super) checksum: i32,
    pub(super) body: String,
}

/// A fact as a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FactRow {
    pub(super) table: i16,
    pub(super) key: String,
    pub(super) version: i64,
    pub(super) checksum: i32,
    pub(super) value: Option<Vec<u8>>,
}

impl EventRow {
    /// The row of an event that was validated.
    pub(super) fn of(fields: Fields) -> Result<Self> {
        let body = serde_json::to_string(&fields.body)
            .map_err(|error| StoreError::invalid("event", "what JSON can hold", error))?;
        let mut row = Self {
            id: fields.id,
            visitor: fields.visitor,
            time: fields.time,
            checksum: 0,
            body,
        };
        row.checksum = row.computed();
        Ok(row)
    }

    /// Bytes it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.id.len() + self.visitor.len() + self.body.len() + 32
    }

    fn computed(&self) -> i32 {
        let texts = [&self.id, &self.visitor, &self.body].map(|text| text.as_bytes());
        checksum(&[&self.time.to_le_bytes(), texts[0], texts[1], texts[2]])
    }

    /// The event, if it is as it was written.
    pub(super) fn event(self) -> Result<Event> {
        let damaged = |reason: &str| {
            let path = PathBuf::from("table events of PostgreSQL");
            StoreError::damaged(path, format!("event {:?} {reason}", self.id))
        };
        if self.checksum != self.computed() {
            return Err(damaged("does not match its checksum"));
        }
        let body = serde_json::from_str(&self.body);
        let body = body.map_err(|error| damaged(&format!("can't be read: {error}")))?;
        let (id, visitor, time) = (self.id, self.visitor, self.time);
        let fields = Fields {
            id,
            visitor,
            time,
            body,
        };
        Ok(fields.into())
    }
}

impl FactRow {
    /// The row of a fact that was validated.
    pub(super) fn of(fact: Fact) -> Self {
        let mut row = Self {
            table: i16::from(fact.table.code()),
            key: fact.key,
            version: fact.version,
            checksum: 0,
            value: fact.value,
        };
        row.checksum = row.computed();
        row
    }

    /// Bytes it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, Vec::len) + 32
    }

    fn computed(&self) -> i32 {
        let (table, version) = (self.table.to_le_bytes(), self.version.to_le_bytes());
        let value = self.value.as_deref();
        let has_value = [u8::from(value.is_some())];
        let key = self.key.as_bytes();
        checksum(&[&table, &version, key, &has_value, value.unwrap_or_default()])
    }

    /// The fact, if it is as it was written.
    pub(super) fn fact(self) -> Result<Fact> {
        let code = u8::try_from(self.table).ok();
        let table = code.and_then(Table::of_code);
        let (true, Some(table)) = (self.checksum == self.computed(), table) else {
            let reason = format!("fact {:?} does not match its checksum", self.key);
            return Err(StoreError::damaged("table facts of PostgreSQL", reason));
        };
        Ok(Fact {
            table,
            key: self.key,
            version: self.version,
            value: self.value,
        })
    }
}

/// CRC-32 of fields, each with its length.
fn checksum(fields: &[&[u8]]) -> i32 {
    let mut hasher = Hasher::new();
    for field in fields {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field);
    }
    hasher.finalize().cast_signed()
}

/// A column that must be of its type: the tables are this crate's own.
fn column<'a, T: postgres::types::FromSql<'a>>(row: &'a Row, index: usize) -> Result<T> {
    row.try_get(index).map_err(|error| {
        let reason = format!("column {index} can't be read: {error}");
        StoreError::damaged("a table of PostgreSQL", reason)
    })
}

fn position(row: &Row) -> Result<Position> {
    let position: i64 = column(row, 0)?;
    Ok(Position(position.cast_unsigned()))
}

/// The event of a row of [`EVENT_COLUMNS`].
pub(super) fn event_of(row: &Row) -> Result<StoredEvent> {
    let event = EventRow {
        id: column(row, 1)?,
        visitor: column(row, 2)?,
        time: column(row, 3)?,
        checksum: column(row, 4)?,
        body: column(row, 5)?,
    };
    Ok(StoredEvent {
        position: position(row)?,
        event: event.event()?,
    })
}

/// The fact of a row of [`FACT_COLUMNS`].
pub(super) fn fact_of(row: &Row) -> Result<StoredFact> {
    let fact = FactRow {
        table: column(row, 1)?,
        key: column(row, 2)?,
        version: column(row, 3)?,
        checksum: column(row, 4)?,
        value: column(row, 5)?,
    };
    Ok(StoredFact {
        position: position(row)?,
        fact: fact.fact()?,
    })
}
