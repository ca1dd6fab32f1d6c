//! Facts by the order of writing.

use postgres::Row;

use super::pool::Pool;
use super::row::fact_of;
use crate::error::{Result, StoreError};
use crate::record::{Position, StoredFact};

/// Facts that are read with one statement.
const PIECE: i64 = 10_000;

/// The first facts after a position, and where the order of writes stands in the same moment.
const FIRST: &str = "SELECT f.*, h.position FROM head h LEFT JOIN LATERAL (
    SELECT position, fact_table, key, version, checksum, value FROM facts
    WHERE position > $1 ORDER BY position LIMIT $2) f ON true ORDER BY f.position";

/// Further facts, up to where the order stood. What was written again meanwhile stands behind it, and is left to the
/// next call.
const FURTHER: &str = "SELECT position, fact_table, key, version, checksum, value FROM facts
    WHERE position > $1 AND position <= $3 ORDER BY position LIMIT $2";

/// Facts written after `after`, and the position up to which they were read.
pub(super) fn changes(pool: &Pool, after: Position) -> Result<(Vec<StoredFact>, Position)> {
    let from = i64::try_from(after.0).unwrap_or(i64::MAX);
    let rows = pool.read(|session| {
        let (client, statement) = session.prepared(FIRST)?;
        client.query(&statement, &[&from, &PIECE])
    })?;
    let until: i64 = rows.first().map_or(0, |row| row.get(6));
    if until < from {
        let expected = format!("at most {until}, where the database stands");
        return Err(StoreError::invalid("position", expected, after.0));
    }
    let is_fact = |row: &&Row| row.get::<_, Option<i64>>(0).is_some();
    let mut piece: Vec<StoredFact> = rows
        .iter()
        .filter(is_fact)
        .map(fact_of)
        .collect::<Result<_>>()?;
    let mut facts = Vec::new();
    loop {
        let last = piece.last().map(|fact| fact.position.0.cast_signed());
        let is_whole = (piece.len() as i64) < PIECE;
        facts.append(&mut piece);
        let (Some(last), false) = (last, is_whole) else {
            return Ok((facts, Position(until.cast_unsigned())));
        };
        let rows = pool.read(|session| {
            let (client, statement) = session.prepared(FURTHER)?;
            client.query(&statement, &[&last, &PIECE, &until])
        })?;
        piece = rows.iter().map(fact_of).collect::<Result<_>>()?;
    }
}
