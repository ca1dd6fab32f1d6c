//! A database made of a snapshot.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use postgres::Transaction;
use postgres::types::ToSql;
use serde::de::DeserializeOwned;
use snap::read::FrameDecoder;

use super::config::PostgresConfig;
use super::connect::Connector;
use super::migrate::migrate;
use super::row::{Buckets, EventRow, FactRow};
use super::snapshot::{
    EVENTS, EventLine, FACTS, FORMAT, FactLine, FileEntry, MANIFEST, Manifest, Summed,
};
use crate::engine::Contents;
use crate::error::{Result, StoreError};
use crate::record::{Batch, Position};

/// Rows that are inserted at once.
const PIECE: usize = 2_000;

/// Fills an empty schema from the snapshot in `from`, all of it or nothing.
///
/// # Errors
/// [`StoreError::Invalid`] if the schema holds records already, or `from` is no snapshot; [`StoreError::Damaged`] if a
/// file does not match the manifest; [`StoreError::Newer`] if a later version wrote it; [`StoreError::Unavailable`] if
/// the database can't be reached.
pub fn restore(from: &Path, config: &PostgresConfig) -> Result<Contents> {
    let config = &config.resolved()?;
    let manifest = read_manifest(from)?;
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
    into.events(&from.join(EVENTS), &manifest.events)?;
    let with_value = into.facts(&from.join(FACTS), &manifest.facts)?;
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let (events, facts) = (signed(manifest.events.records), signed(with_value));
    let sql = "UPDATE head SET position = $1, events = $2, facts = $3";
    let position = manifest.position.0.cast_signed();
    work.execute(sql, &[&position, &events, &facts])
        .map_err(failed)?;
    work.commit().map_err(failed)?;
    Ok(manifest.contents())
}

fn read_manifest(from: &Path) -> Result<Manifest> {
    let path = from.join(MANIFEST);
    if path.is_file() && !from.join(EVENTS).is_file() {
        // A store in a folder has snapshots of its own form.
        let expected = "a snapshot of a store in PostgreSQL";
        let what = from.display().to_string();
        return Err(StoreError::invalid(what, expected, "another form"));
    }
    let bytes = fs::read(&path).map_err(|error| StoreError::io(&path, error))?;
    let damaged = |error: serde_json::Error| StoreError::damaged(&path, error.to_string());
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(damaged)?;
    let found = value.get("format").and_then(serde_json::Value::as_u64);
    let found = found.and_then(|found| u32::try_from(found).ok());
    let found = found.ok_or_else(|| StoreError::damaged(&path, "it names no format"))?;
    if found > FORMAT {
        return Err(StoreError::Newer {
            origin: path.display().to_string(),
            found,
            supported: FORMAT,
        });
    }
    serde_json::from_value(value).map_err(damaged)
}

/// Where the rows go.
struct Into<'a, 'b> {
    connector: &'a Connector,
    work: &'a mut Transaction<'b>,
    buckets: Buckets,
}

impl Into<'_, '_> {
    fn events(&mut self, path: &Path, entry: &FileEntry) -> Result<()> {
        pieces(path, entry, |lines: Vec<EventLine>| {
            let mut batch = Batch::default();
            let positions = lines.iter().map(|line| line.position).collect();
            let fields = lines.into_iter().map(|line| line.fields);
            batch
                .events
                .extend(fields.map(recommender_core::events::Event::from));
            checked(path, &batch)?;
            let rows = batch.events.into_iter();
            let rows: Result<Vec<EventRow>> =
                rows.map(|event| EventRow::of(event.into())).collect();
            self.put_events(positions, &rows?)
        })
    }

    fn put_events(&mut self, positions: Vec<Position>, rows: &[EventRow]) -> Result<()> {
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

    /// Says how many of the facts have a value.
    fn facts(&mut self, path: &Path, entry: &FileEntry) -> Result<u64> {
        let mut with_value = 0;
        pieces(path, entry, |lines: Vec<FactLine>| {
            let positions = lines.iter().map(|line| line.position).collect();
            let facts: Option<Vec<_>> = lines.into_iter().map(FactLine::fact).collect();
            let unread = || StoreError::damaged(path, "a value is neither text nor hexadecimal");
            let batch = Batch {
                events: Vec::new(),
                facts: facts.ok_or_else(unread)?,
            };
            checked(path, &batch)?;
            let rows: Vec<FactRow> = batch.facts.into_iter().map(FactRow::of).collect();
            with_value += rows.iter().filter(|row| row.value.is_some()).count() as u64;
            self.put_facts(positions, &rows)
        })?;
        Ok(with_value)
    }

    fn put_facts(&mut self, positions: Vec<Position>, rows: &[FactRow]) -> Result<()> {
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

/// What a snapshot holds was once written: what no engine takes is damage.
fn checked(path: &Path, batch: &Batch) -> Result<()> {
    batch
        .validate()
        .map_err(|error| StoreError::damaged(path, error.to_string()))
}

/// Gives the lines of a file in pieces, and holds all of it against the manifest.
fn pieces<T: DeserializeOwned>(
    path: &Path,
    entry: &FileEntry,
    mut put: impl FnMut(Vec<T>) -> Result<()>,
) -> Result<()> {
    let file = File::open(path).map_err(|error| StoreError::io(path, error))?;
    let mut summed = Summed::new(BufReader::new(file));
    let mut lines = BufReader::new(FrameDecoder::new(&mut summed)).lines();
    let (mut piece, mut records) = (Vec::new(), 0);
    for line in &mut lines {
        let damaged = |reason: String| StoreError::damaged(path, reason);
        let line = line.map_err(|error| damaged(format!("after line {records}: {error}")))?;
        records += 1;
        let line = serde_json::from_str(&line);
        piece.push(line.map_err(|error| damaged(format!("line {records}: {error}")))?);
        if piece.len() == PIECE {
            put(std::mem::take(&mut piece))?;
        }
    }
    drop(lines);
    put(piece)?;
    let (bytes, sha256) = summed.totals();
    let found = FileEntry {
        records,
        bytes,
        sha256,
    };
    if found != *entry {
        let reason = format!("the manifest says {entry:?}, the file is {found:?}");
        return Err(StoreError::damaged(path, reason));
    }
    Ok(())
}
