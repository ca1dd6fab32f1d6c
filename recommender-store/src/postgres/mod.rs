//! Records in PostgreSQL, for several servers that share them.
//!
//! **Writing.** A thread takes what waits and writes it with one call in one transaction. Writers take turns by the lock
//! of one row, which holds the position: positions become visible in their order, so that [`Engine::changes`] misses
//! nothing that commits late. A ticket settles when the transaction is on the disk of the server.
//!
//! **A lost connection.** A write on its way is sent again when the database is back, for as long as
//! [`PostgresConfig::write_patience_ms`], under the same number: if the first one had come through, the database gives
//! the answer of the first, so that the outcomes are right and nothing is written twice. A ticket that settles with
//! [`StoreError::Unavailable`] may have been written: to write it again is safe.
//!
//! **What others wrote.** [`Engine::changes`] refuses a position that the database has not reached: it was put back to
//! an earlier state, and who read beyond it must open it anew.
//!
//! **Forgetting.** Deleted rows stay in the files of a table, even after a plain VACUUM. [`Engine::forget`] therefore
//! rewrites what held them (`VACUUM FULL`): the parts of the log in which the visitors are, and the facts of a table. It
//! waits for older transactions, needs room for a second copy of a part, and who reads or writes there waits meanwhile.
//! The role needs to own the tables, and `pg_monitor` to see transactions of other roles. Of an event that is forgotten
//! the digest of its id may stay a while. Beyond the tables the operator must see to the write-ahead log and its archive,
//! to replicas, backups and the server's own log.
//!
//! **On the way.** A connection that leaves the machine is encrypted, and the server proves by its certificate that it is
//! the one that was meant, unless the operator says `sslmode=disable` ([`SslMode`]).
//!
//! **What it takes.** PostgreSQL 13 or later, encoding UTF8, sessions that are not pooled by transaction, a role that
//! may create the schema, and no one else who writes to its tables.

mod changes;
mod config;
mod connect;
mod forget;
mod migrate;
mod pool;
mod queue;
mod restore;
mod row;
mod snapshot;
mod stances;
mod stream;
mod tls;
mod url;
mod verify;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use recommender_core::Timestamp;

pub use config::{PostgresConfig, SslMode};
pub use restore::restore;

use crate::engine::{Contents, Engine, Events, Facts, Status};
use crate::error::{Result, StoreError};
use crate::record::{
    Batch, Forgotten, Oblivion, Position, Span, StoredEvent, StoredFact, Table, Written,
};
use crate::ticket::Ticket;
use connect::Connector;
use pool::Pool;
use queue::{Job, Queue};
use row::{Buckets, EVENT_COLUMNS, FACT_COLUMNS, event_of, fact_of};
use stream::Stream;
use writer::Writer;

/// An engine that keeps its records in a schema of a PostgreSQL database.
pub struct PostgresEngine {
    connector: Arc<Connector>,
    pool: Pool,
    queue: Arc<Queue>,
    position: Arc<AtomicU64>,
    buckets: Buckets,
    /// The question for the latest events of a visitor, for each bucket.
    recent: Vec<String>,
    /// The question for what visitors said for and against products.
    stances: String,
    patience: Duration,
    writer: Option<JoinHandle<()>>,
}

impl PostgresEngine {
    /// Opens the schema, making it if it is not there and bringing it up to date if an older version made it.
    ///
    /// # Errors
    /// [`StoreError::Core`] for a wrong setting; [`StoreError::Unavailable`] if the database can't be reached;
    /// [`StoreError::Newer`] if a later version made the schema.
    pub fn open(config: &PostgresConfig) -> Result<Self> {
        let config = &config.resolved()?;
        let connector = Arc::new(Connector::new(config)?);
        let mut session = connector.connect_for(Duration::ZERO)?;
        let buckets = migrate::migrate(&connector, &mut session, config.buckets)?;
        let sql = "DELETE FROM writers WHERE seen < now() - interval '7 days'";
        let cleaned = session.client().execute(sql, &[]);
        cleaned.map_err(|error| connector.failed(&error))?;
        let position = snapshot::position_of(&connector, &mut session)?;
        let position = Arc::new(AtomicU64::new(position.0));
        let patience = Duration::from_millis(config.write_patience_ms);
        let queue = Arc::new(Queue::new(config));
        let writer = Writer::new(
            Arc::clone(&connector),
            Arc::clone(&queue),
            Arc::clone(&position),
            buckets,
            patience,
        )?;
        let wait = Duration::from_millis(config.statement_timeout_ms);
        let thread = thread::Builder::new().name("postgres-writer".into());
        let writer = thread.spawn(move || writer.run());
        let writer = writer.map_err(|error| StoreError::io(Path::new("a thread"), error))?;
        Ok(Self {
            pool: Pool::new(Arc::clone(&connector), config.connections, wait),
            connector,
            queue,
            position,
            buckets,
            recent: (0..buckets.count()).map(recent_of).collect(),
            stances: stances::question(),
            patience,
            writer: Some(writer),
        })
    }

    /// As [`open`](Self::open), but refuses a schema that is not there.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`StoreError::Invalid`] if there is no store.
    pub fn open_existing(config: &PostgresConfig) -> Result<Self> {
        let connector = Connector::new(&config.resolved()?)?;
        let mut session = connector.connect()?;
        if !migrate::is_there(&connector, session.client())? {
            return Err(StoreError::invalid(connector.place(), "a store", "none"));
        }
        Self::open(config)
    }

    /// Position and contents as the database counts them.
    fn standing(&self) -> Result<(Position, Contents)> {
        let row = self.pool.read(|session| {
            let (client, statement) = session.prepared(verify::STANDING)?;
            client.query_one(&statement, &[])
        })?;
        let (position, contents) = verify::standing(&row);
        self.position.fetch_max(position.0, Ordering::AcqRel);
        Ok((position, contents))
    }
}

fn recent_of(bucket: u16) -> String {
    format!(
        "SELECT {EVENT_COLUMNS} FROM events_{bucket}
         WHERE visitor = $1 ORDER BY time DESC, position DESC LIMIT $2"
    )
}

impl Engine for PostgresEngine {
    fn write(&self, batch: Batch) -> Result<Ticket<Written>> {
        batch.validate()?;
        let (pending, ticket) = Ticket::new();
        let deadline = Instant::now() + self.patience;
        self.queue.push(Job::new(batch, pending, deadline)?)?;
        Ok(ticket)
    }

    fn recent(&self, visitor: &str, limit: usize) -> Result<Vec<StoredEvent>> {
        if visitor.contains('\0') {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let recent = &self.recent[usize::from(self.buckets.of(visitor).cast_unsigned())];
        let rows = self.pool.read(|session| {
            let (client, statement) = session.prepared(recent)?;
            client.query(&statement, &[&visitor, &limit])
        })?;
        rows.iter().rev().map(event_of).collect()
    }

    fn stances(&self, visitors: &[&str]) -> Result<Vec<StoredEvent>> {
        stances::of(&self.pool, (self.buckets, &self.stances), visitors)
    }

    fn events(&self, span: Span) -> Result<Events<'_>> {
        let from = span.from.map_or(i64::MIN, |time| time.0);
        let mut within = format!("time >= {from}");
        if let Some(until) = span.until {
            within = format!("{within} AND time < {}", until.0);
        }
        let sql = format!(
            "SELECT {EVENT_COLUMNS} FROM events WHERE {within} ORDER BY visitor, time, position"
        );
        Ok(Box::new(Stream::open(&self.connector, &sql, event_of)?))
    }

    fn facts(&self, table: Table) -> Result<Facts<'_>> {
        let code = table.code();
        let sql = format!(
            "SELECT {FACT_COLUMNS} FROM facts
             WHERE fact_table = {code} AND value IS NOT NULL ORDER BY key"
        );
        Ok(Box::new(Stream::open(&self.connector, &sql, fact_of)?))
    }

    fn changes(&self, after: Position) -> Result<(Vec<StoredFact>, Position)> {
        let (facts, until) = changes::changes(&self.pool, after)?;
        self.position.fetch_max(until.0, Ordering::AcqRel);
        Ok((facts, until))
    }

    fn forget(&self, oblivion: &Oblivion) -> Result<Forgotten> {
        forget::forget(&self.connector, self.buckets, oblivion)
    }

    fn drop_before(&self, time: Timestamp) -> Result<u64> {
        forget::drop_before(&self.connector, time)
    }

    fn snapshot(&self, to: &Path) -> Result<Contents> {
        snapshot::snapshot(&self.connector, to)
    }

    fn verify(&self) -> Result<Contents> {
        verify::verify(&self.connector)
    }

    fn position(&self) -> Position {
        Position(self.position.load(Ordering::Acquire))
    }

    fn status(&self) -> Result<Status> {
        let (position, contents) = self.standing()?;
        let (waiting, refusing) = self.queue.standing();
        Ok(Status {
            engine: self.connector.place().into(),
            position,
            contents,
            waiting,
            refusing,
        })
    }
}

impl Drop for PostgresEngine {
    /// Writes what waits, unless the database is away.
    fn drop(&mut self) {
        self.queue.close();
        // Closing a connection blocks, which a thread that runs asynchronous tasks may not do itself.
        let idle = self.pool.close();
        let closing = thread::Builder::new().spawn(move || drop(idle));
        let closing = closing.map_err(|error| tracing::warn!(%error, "no thread to close with"));
        let threads = [self.writer.take(), closing.ok()];
        for thread in threads.into_iter().flatten() {
            if thread.join().is_err() {
                tracing::error!("a thread of the engine ended in a panic");
            }
        }
    }
}

impl fmt::Debug for PostgresEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresEngine")
            .field("place", &self.connector.place())
            .finish_non_exhaustive()
    }
}
