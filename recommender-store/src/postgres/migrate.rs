//! The tables, and bringing older ones up to date.

use postgres::{Client, GenericClient, Transaction};
use recommender_core::Error;

use super::connect::{Connector, Session};
use super::row::Buckets;
use crate::error::{Result, StoreError};

/// Every step from an empty schema to the present one, in order; the number of steps done is the version of a schema.
/// A step is never changed once it was released.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/001_tables.sql"),
    include_str!("migrations/002_write_batch.sql"),
    include_str!("migrations/003_refusals.sql"),
];

/// The oldest server that has what the statements need.
const OLDEST_SERVER: i32 = 130_000;

/// Makes the schema, with a log of so many buckets, or brings it up to date. Servers that start at once take turns.
/// Gives the buckets it has.
pub(super) fn migrate(
    connector: &Connector,
    session: &mut Session,
    buckets: u16,
) -> Result<Buckets> {
    let client = session.client();
    check_server(connector, client)?;
    let failed = |error: postgres::Error| connector.failed(&error);
    let mut work = client.transaction().map_err(failed)?;
    // Two processes may find the schema missing at once: the lock comes first.
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    work.execute(lock, &[&connector.schema()]).map_err(failed)?;
    let (found, buckets) = format(connector, &mut work, buckets)?;
    let known = MIGRATIONS.len();
    let supported = u32::try_from(known).unwrap_or(u32::MAX);
    let Some(missing) = MIGRATIONS.get(found as usize..) else {
        return Err(StoreError::Newer {
            origin: connector.place().into(),
            found,
            supported,
        });
    };
    for migration in missing {
        work.batch_execute(migration).map_err(failed)?;
    }
    if !missing.is_empty() {
        let known = i32::try_from(known).unwrap_or(i32::MAX);
        work.execute("UPDATE format SET version = $1", &[&known])
            .map_err(failed)?;
    }
    work.commit().map_err(failed)?;
    Ok(buckets)
}

/// Whether the schema was made.
pub(super) fn is_there(connector: &Connector, client: &mut impl GenericClient) -> Result<bool> {
    let sql = "SELECT to_regclass($1 || '.format') IS NOT NULL";
    let row = client.query_one(sql, &[&connector.schema()]);
    Ok(row.map_err(|error| connector.failed(&error))?.get(0))
}

/// Version and buckets of the schema; a new one has version zero.
fn format(
    connector: &Connector,
    work: &mut Transaction<'_>,
    buckets: u16,
) -> Result<(u32, Buckets)> {
    let failed = |error: postgres::Error| connector.failed(&error);
    let schema = connector.schema();
    if !is_there(connector, work)? {
        let sql = format!(
            "CREATE SCHEMA IF NOT EXISTS {schema};
             CREATE TABLE format (version integer NOT NULL, buckets integer NOT NULL);
             INSERT INTO format VALUES (0, {buckets});"
        );
        work.batch_execute(&sql).map_err(failed)?;
    }
    let row = work.query_opt("SELECT version, buckets FROM format", &[]);
    let row = row.map_err(failed)?;
    let number = |index: usize| u32::try_from(row.as_ref()?.get::<_, i32>(index)).ok();
    let buckets = number(1).and_then(Buckets::new);
    let both = number(0).zip(buckets);
    both.ok_or_else(|| StoreError::damaged(connector.place(), "table format holds no version"))
}

/// Refuses a server that can't keep the promises.
fn check_server(connector: &Connector, client: &mut Client) -> Result<()> {
    let sql = "SELECT current_setting('server_version_num')::integer,
                      current_setting('server_encoding'), current_setting('fsync')";
    let row = client.query_one(sql, &[]);
    let row = row.map_err(|error| connector.failed(&error))?;
    let (number, encoding, fsync): (i32, String, String) = (row.get(0), row.get(1), row.get(2));
    if number < OLDEST_SERVER {
        let found = number / 10_000;
        return Err(Error::config("url", "PostgreSQL 13 or later", found).into());
    }
    if encoding != "UTF8" {
        return Err(Error::config("url", "a database of encoding UTF8", encoding).into());
    }
    if fsync != "on" {
        tracing::warn!(
            place = connector.place(),
            "fsync is off: what is acknowledged may be lost when the machine stops"
        );
    }
    Ok(())
}
