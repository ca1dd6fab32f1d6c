//! Forgetting for good, and dropping what is old.

use std::thread;
use std::time::{Duration, Instant};

use postgres::Transaction;
use recommender_core::Timestamp;

use super::connect::{Connector, Session};
use crate::error::{Result, StoreError};
use crate::record::{Forgotten, Oblivion};

/// How long it waits for older transactions, which may still read what is to be forgotten.
const PATIENCE: Duration = Duration::from_secs(60);

/// Forgets visitors and facts, and rewrites the tables so that no byte of them is left in their files.
pub(super) fn forget(connector: &Connector, oblivion: &Oblivion) -> Result<Forgotten> {
    let mut session = connector.connect_for(Duration::ZERO)?;
    let failed = |error: postgres::Error| connector.failed(&error);
    let mut work = session.client().transaction().map_err(failed)?;
    let forgotten = delete(&mut work, oblivion).map_err(failed)?;
    work.commit().map_err(failed)?;
    sweep(connector, &mut session)?;
    Ok(forgotten)
}

/// Deletes the rows, in a turn among the writers, and notes that a sweep is due.
fn delete(work: &mut Transaction<'_>, oblivion: &Oblivion) -> Result<Forgotten, postgres::Error> {
    // What holds a NUL was never written, and can't be asked for.
    let visitors = oblivion.visitors.iter().filter(|key| !key.contains('\0'));
    let visitors: Vec<&String> = visitors.collect();
    let keys = oblivion.facts.iter().filter(|(_, key)| !key.contains('\0'));
    let (tables, keys): (Vec<i16>, Vec<&String>) = keys
        .map(|(table, key)| (i16::from(table.code()), key))
        .unzip();
    work.execute("SELECT position FROM head FOR UPDATE", &[])?;
    let sql = "DELETE FROM events WHERE visitor = ANY ($1)";
    let events = work.execute(sql, &[&visitors])?;
    let sql =
        "DELETE FROM facts f USING unnest($1::smallint[], $2::text[]) AS gone (fact_table, key)
               WHERE f.fact_table = gone.fact_table AND f.key = gone.key
               RETURNING f.value IS NOT NULL";
    let facts = work.query(sql, &[&tables, &keys])?;
    let with_value = facts.iter().filter(|row| row.get(0)).count();
    if events > 0 || !facts.is_empty() {
        let sql = "UPDATE head SET events = events - $1, facts = facts - $2,
                       unswept = pg_current_xact_id()";
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        work.execute(sql, &[&count(events), &count(with_value as u64)])?;
    }
    Ok(Forgotten {
        events,
        facts: facts.len() as u64,
    })
}

/// Rewrites the tables if something was forgotten since the last time. A plain VACUUM would leave the bytes where they
/// were until something else is written over them.
fn sweep(connector: &Connector, session: &mut Session) -> Result<()> {
    let failed = |error: postgres::Error| connector.failed(&error);
    let client = session.client();
    let sql = "SELECT unswept::text FROM head";
    let unswept: Option<String> = client.query_one(sql, &[]).map_err(failed)?.get(0);
    let Some(unswept) = unswept else {
        return Ok(());
    };
    await_older_transactions(connector, session, &unswept)?;
    let client = session.client();
    for table in ["events", "facts"] {
        let sql = format!("VACUUM (FULL) {table}");
        client.batch_execute(&sql).map_err(failed)?;
    }
    let sql = "UPDATE head SET unswept = NULL WHERE unswept::text = $1";
    client.execute(sql, &[&unswept]).map_err(failed)?;
    Ok(())
}

/// Waits until no transaction is left that may still see the deleted rows: they would be kept for it.
fn await_older_transactions(
    connector: &Connector,
    session: &mut Session,
    unswept: &str,
) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    // Both ages are counted from the same transaction. A slot or a prepared transaction holds rows as a reader does.
    let sql = "WITH holders AS (
                   SELECT backend_xmin AS held FROM pg_stat_activity
                   WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
                       AND (datname = current_database() OR datname IS NULL)
                   UNION ALL SELECT xmin FROM pg_replication_slots WHERE xmin IS NOT NULL
                   UNION ALL SELECT transaction FROM pg_prepared_xacts WHERE database = current_database())
               SELECT count(*) FROM holders WHERE age(held) >= age($1::text::xid8::xid)";
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
        let dropped = work.execute("DELETE FROM events WHERE time < $1", &[&time.0])?;
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
