//! Forgetting for good, and dropping what is old.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Row, Transaction};
use recommender_core::Timestamp;

use super::connect::{Connector, Session};
use super::row::Buckets;
use crate::error::{Result, StoreError};
use crate::record::{Forgotten, Oblivion, Table};

/// How long it waits for older transactions, which may still read what is to be forgotten.
const PATIENCE: Duration = Duration::from_secs(60);

/// Forgets visitors and facts, and rewrites the tables that held them, so that no byte is left in their files.
pub(super) fn forget(
    connector: &Connector,
    buckets: Buckets,
    oblivion: &Oblivion,
) -> Result<Forgotten> {
    let mut session = connector.connect_for(Duration::ZERO)?;
    let failed = |error: postgres::Error| connector.failed(&error);
    let mut work = session.client().transaction().map_err(failed)?;
    let forgotten = delete(&mut work, buckets, oblivion).map_err(failed)?;
    work.commit().map_err(failed)?;
    sweep(connector, &mut session)?;
    Ok(forgotten)
}

/// Deletes the rows, in a turn among the writers, and notes which tables are to be swept.
fn delete(
    work: &mut Transaction<'_>,
    buckets: Buckets,
    oblivion: &Oblivion,
) -> Result<Forgotten, postgres::Error> {
    work.execute("SELECT position FROM head FOR UPDATE", &[])?;
    let events = delete_events(work, buckets, &oblivion.visitors)?;
    let facts = delete_facts(work, &oblivion.facts)?;
    let with_value = facts.iter().filter(|row| row.get(1)).count();
    let sql = "UPDATE head SET events = events - $1, facts = facts - $2";
    let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    work.execute(sql, &[&signed(events.len()), &signed(with_value)])?;
    let held: BTreeSet<String> = events.iter().chain(&facts).map(|row| row.get(0)).collect();
    let held: Vec<String> = held.into_iter().collect();
    let sql = "INSERT INTO unswept SELECT unnest($1::text[]), pg_current_xact_id()
               ON CONFLICT (name) DO UPDATE SET xid = excluded.xid";
    work.execute(sql, &[&held])?;
    Ok(Forgotten {
        events: events.len() as u64,
        facts: facts.len() as u64,
    })
}

/// Deletes the events of visitors; gives the part that held each.
fn delete_events(
    work: &mut Transaction<'_>,
    buckets: Buckets,
    visitors: &[String],
) -> Result<Vec<Row>, postgres::Error> {
    // What holds a NUL was never written, and can't be asked for.
    let visitors: Vec<&String> = visitors.iter().filter(|key| !key.contains('\0')).collect();
    let parts: BTreeSet<i16> = visitors.iter().map(|visitor| buckets.of(visitor)).collect();
    let parts: Vec<i16> = parts.into_iter().collect();
    let sql = "WITH gone AS (
                   DELETE FROM events WHERE bucket = ANY ($1) AND visitor = ANY ($2)
                   RETURNING tableoid::regclass::text AS part, digest_of(id) AS digest)
               DELETE FROM event_ids i USING gone WHERE i.digest = gone.digest RETURNING gone.part";
    work.query(sql, &[&parts, &visitors])
}

/// Deletes facts; gives the part that held each and whether it had a value.
fn delete_facts(
    work: &mut Transaction<'_>,
    facts: &[(Table, String)],
) -> Result<Vec<Row>, postgres::Error> {
    let keys = facts.iter().filter(|(_, key)| !key.contains('\0'));
    let (tables, keys): (Vec<i16>, Vec<&String>) = keys
        .map(|(table, key)| (i16::from(table.code()), key))
        .unzip();
    let sql =
        "DELETE FROM facts f USING unnest($1::smallint[], $2::text[]) AS gone (fact_table, key)
               WHERE f.fact_table = gone.fact_table AND f.key = gone.key
               RETURNING f.tableoid::regclass::text, f.value IS NOT NULL";
    work.query(sql, &[&tables, &keys])
}

/// Rewrites the tables from which something was forgotten since they were last rewritten. A plain VACUUM would leave the
/// bytes where they were until something else is written over them.
fn sweep(connector: &Connector, session: &mut Session) -> Result<()> {
    let failed = |error: postgres::Error| connector.failed(&error);
    let sql = "SELECT name, xid::text FROM unswept ORDER BY name";
    let unswept = session.client().query(sql, &[]).map_err(failed)?;
    for row in unswept {
        let (name, xid): (String, String) = (row.get(0), row.get(1));
        await_older_transactions(connector, session, &xid)?;
        let client = session.client();
        let sql = format!("VACUUM (FULL) {name}");
        client.batch_execute(&sql).map_err(failed)?;
        let sql = "DELETE FROM unswept WHERE name = $1 AND xid::text = $2";
        client.execute(sql, &[&name, &xid]).map_err(failed)?;
    }
    Ok(())
}

/// Waits until no transaction is left that may still see the deleted rows: they would be kept for it.
fn await_older_transactions(
    connector: &Connector,
    session: &mut Session,
    unswept: &str,
) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    // Both ages are counted from the same transaction. A writer, of whichever database, holds rows for readers who begin
    // later, and the rewriting itself is one; a slot or a prepared transaction holds them as they do; who vacuums holds
    // nothing.
    let sql = "WITH holders AS (
                   SELECT unnest(ARRAY[backend_xid, CASE
                       WHEN datname = current_database() OR datname IS NULL THEN backend_xmin
                   END]) AS held FROM pg_stat_activity
                   WHERE pid <> pg_backend_pid()
                       AND pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum)
                   UNION ALL SELECT xmin FROM pg_replication_slots
                   UNION ALL SELECT transaction FROM pg_prepared_xacts)
               SELECT count(*) FROM holders
               WHERE held IS NOT NULL AND age(held) >= age($1::text::xid8::xid)";
    loop {
        let row = session.client().query_one(sql, &[&unswept]);
        let older: i64 = row.map_err(|error| connector.failed(&error))?.get(0);
        if older == 0 {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let reason = format!("{older} older transactions still hold what is to be forgotten");
            return Err(connector.unavailable(&reason));
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Drops the events older than `time`, beside the writers.
pub(super) fn drop_before(connector: &Connector, time: Timestamp) -> Result<u64> {
    let mut session = connector.connect_for(Duration::ZERO)?;
    let mut work = || {
        let mut work = session.client().transaction()?;
        let sql =
            "WITH gone AS (DELETE FROM events WHERE time < $1 RETURNING digest_of(id) AS digest)
                   DELETE FROM event_ids i USING gone WHERE i.digest = gone.digest";
        let dropped = work.execute(sql, &[&time.0])?;
        if dropped > 0 {
            let less = -i64::try_from(dropped).unwrap_or(i64::MAX);
            work.execute("INSERT INTO tallies VALUES ($1)", &[&less])?;
        }
        work.commit()?;
        Ok(dropped)
    };
    let dropped: Result<u64, postgres::Error> = work();
    dropped.map_err(|error| -> StoreError { connector.failed(&error) })
}
