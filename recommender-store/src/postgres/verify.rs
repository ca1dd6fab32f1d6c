//! Reading everything, and counting it.

use std::sync::Arc;

use super::connect::{Connector, Session};
use super::row::{EVENT_COLUMNS, FACT_COLUMNS, event_of, fact_of};
use super::stream::{Stream, one_moment};
use crate::engine::Contents;
use crate::error::{Result, StoreError};
use crate::record::Position;

/// What the database counts.
pub(super) const STANDING: &str = "
    SELECT h.position, (h.events + coalesce((SELECT sum(events) FROM tallies), 0))::bigint, h.facts,
        (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r')::bigint
    FROM head h";

/// Reads what [`STANDING`] gives.
pub(super) fn standing(row: &postgres::Row) -> (Position, Contents) {
    let number = |index: usize| row.get::<_, i64>(index).cast_unsigned();
    let contents = Contents {
        events: number(1),
        facts: number(2),
        bytes: number(3),
    };
    (Position(number(0)), contents)
}

/// Reads every row of one moment, holds it against its checksum, and all of them against the counts.
pub(super) fn verify(connector: &Arc<Connector>) -> Result<Contents> {
    let mut session = one_moment(connector)?;
    let row = session.client().query_one(STANDING, &[]);
    let row = row.map_err(|error| connector.failed(&error))?;
    let (position, contents) = standing(&row);
    let row = session
        .client()
        .query_one("SELECT count(*) FROM event_ids", &[]);
    let ids: i64 = row.map_err(|error| connector.failed(&error))?.get(0);
    let sql = format!("SELECT {EVENT_COLUMNS} FROM events");
    let events = Stream::within(connector, session, &sql, event_of)?;
    let (events, session) = counted(events, position, |event| (event.position, true))?;
    let sql = format!("SELECT {FACT_COLUMNS} FROM facts");
    let facts = Stream::within(connector, session, &sql, fact_of)?;
    let of_fact = |fact: crate::record::StoredFact| (fact.position, fact.fact.value.is_some());
    let (facts, _) = counted(facts, position, of_fact)?;
    let all = [events, ids.cast_unsigned(), facts];
    if all != [contents.events, contents.events, contents.facts] {
        let reason = format!(
            "{} events and {} facts were written; {events} events, {ids} ids and {facts} facts are there",
            contents.events, contents.facts
        );
        return Err(StoreError::damaged(connector.place(), reason));
    }
    Ok(contents)
}

/// Reads all rows and counts those that count. None may have been written after `position`.
fn counted<T>(
    mut rows: Stream<T>,
    position: Position,
    of: impl Fn(T) -> (Position, bool),
) -> Result<(u64, Session)> {
    let mut count = 0;
    for row in &mut rows {
        let (at, counts) = of(row?);
        if at > position {
            let reason = format!(
                "a record has position {}, the latest is {}",
                at.0, position.0
            );
            return Err(StoreError::damaged("a table of PostgreSQL", reason));
        }
        count += u64::from(counts);
    }
    Ok((count, rows.finish()?.ok_or(StoreError::Closed)?))
}
