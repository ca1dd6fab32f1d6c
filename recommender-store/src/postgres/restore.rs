//! A database made of a snapshot.

use std::path::Path;

use postgres::Transaction;
use postgres::types::ToSql;

use super::config::PostgresConfig;
use super::connect::Connector;
use super::migrate::migrate;
use super::row::{Buckets, EventRow, FactRow};
use crate::engine::Contents;
use crate::error::{Result, StoreError};
use crate::portable::Reading;
use crate::record::{Batch, Fact, Position};

/// Fills an empty schema from the snapshot in `from`, all of it or nothing.
///
/// # Errors
/// [`StoreError::Invalid`] if the schema holds records already, or `from` is no snapshot; [`StoreError::Damaged`] if a
/// file does not match the manifest; [`StoreError::Newer`] if a later version wrote it; [`StoreError::Unavailable`] if
/// the database can't be reached.
pub fn restore(from: &Path, config: &PostgresConfig) -> Result<Contents> {
    let config = &config.resolved()?;
    let reading = Reading::open(from)?;
    let connector = Connector::new(config)?;
    let mut session = connector.connect_for(std::time::Duration::ZERO)?;
    let buckets = migrate(&connector, &mut session, config.buckets)?;
    let failed = |error: postgres::Error| connector.failed(&error);
    let mut work = session.client().transaction().map_err(failed)?;
    let sql = "SELECT h.position FROM head h FOR UPDATE";
    let position: i64 = work.query_one(sql, &[]).map_err(failed)?.get(0);
    if position != 0 {
        let found = format!("one at position {position}");
        return Err(StoreError::invalid(
            connector.place(),
            "an empty schema",
            found,
        ));
    }
    let mut into = Into {
        connector: &connector,
        work: &mut work,
        buckets,
    };
    reading.events(|positions, batch| into.put_events(positions, batch))?;
    let mut with_value = 0;
    reading.facts(|positions, batch| {
        let has_value = |fact: &&Fact| fact.value.is_some();
        with_value += batch.facts.iter().filter(has_value).count();
        into.put_facts(positions, batch)
    })?;
    let facts = i64::try_from(with_value).unwrap_or(i64::MAX);
    let events = i64::try_from(reading.contents().events).unwrap_or(i64::MAX);
    let sql = "UPDATE head SET position = $1, events = $2, facts = $3";
    let position = reading.position().0.cast_signed();
    work.execute(sql, &[&position, &events, &facts])
        .map_err(failed)?;
    work.commit().map_err(failed)?;
    Ok(reading.contents())
}

/// Where the rows go.
struct Into<'a, 'b> {
    connector: &'a Connector,
    work: &'a mut Transaction<'b>,
    buckets: Buckets,
}

impl Into<'_, '_> {
    fn put_events(&mut self, positions: Vec<Position>, batch: Batch) -> Result<()> {
        let rows = batch.events.into_iter();
        let rows: Result<Vec<EventRow>> = rows.map(|event| EventRow::of(event.into())).collect();
        let rows = rows?;
        let ids: Vec<&str> = rows.iter().map(|row| &*row.id).collect();
        let visitors: Vec<&str> = rows.iter().map(|row| &*row.visitor).collect();
        let times: Vec<i64> = rows.iter().map(|row| row.time).collect();
        let checksums: Vec<i32> = rows.iter().map(|row| row.checksum).collect();
        let bodies: Vec<&str> = rows.iter().map(|row| &*row.body).collect();
        let buckets: Vec<i16> = rows
            .iter()
            .map(|row| self.buckets.of(&row.visitor))
            .collect();
        let sql = "WITH put AS (
                       INSERT INTO events (position, bucket, id, visitor, time, checksum, body)
                       SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[],
                                            $5::bigint[], $6::integer[], $7::text[])
                       RETURNING id, position)
                   INSERT INTO event_ids SELECT digest_of(id), position FROM put";
        let positions = signed(positions);
        self.put(
            sql,
            &[
                &positions, &buckets, &ids, &visitors, &times, &checksums, &bodies,
            ],
        )
    }

    fn put_facts(&mut self, positions: Vec<Position>, batch: Batch) -> Result<()> {
        let rows: Vec<FactRow> = batch.facts.into_iter().map(FactRow::of).collect();
        let tables: Vec<i16> = rows.iter().map(|row| row.table).collect();
        let keys: Vec<&str> = rows.iter().map(|row| &*row.key).collect();
        let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
        let checksums: Vec<i32> = rows.iter().map(|row| row.checksum).collect();
        let values: Vec<Option<&[u8]>> = rows.iter().map(|row| row.value.as_deref()).collect();
        let sql = "INSERT INTO facts (position, fact_table, key, version, checksum, value)
                   SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[],
                                        $5::integer[], $6::bytea[])";
        let positions = signed(positions);
        self.put(
            sql,
            &[&positions, &tables, &keys, &versions, &checksums, &values],
        )
    }

    fn put(&mut self, sql: &str, columns: &[&(dyn ToSql + Sync)]) -> Result<()> {
        let put = self.work.execute(sql, columns);
        put.map_err(|error| self.connector.failed(&error))?;
        Ok(())
    }
}

fn signed(positions: Vec<Position>) -> Vec<i64> {
    let positions = positions.into_iter();
    positions.map(|position| position.0.cast_signed()).collect()
}
