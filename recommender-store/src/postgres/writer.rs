//! The thread that writes: many batches in one transaction, and again after a lost connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use postgres::Row;
use postgres::types::ToSql;
use ring::rand::{SecureRandom, SystemRandom};
use rustc_hash::FxHashSet;

use super::connect::{Connector, Session, described, is_lost, is_passing};
use super::queue::{Job, Queue};
use super::row::{Buckets, EventRow, FactRow};
use crate::error::{Result, StoreError};
use crate::record::{EventOutcome, FactOutcome, Position, Written};

/// The call that writes a group; see `migrations/002_write_batch.sql`.
const WRITE: &str = "SELECT base, duplicates, stale FROM write_batch(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

/// How long it waits before it tries again.
const PAUSE: Duration = Duration::from_millis(50);

/// Writes what waits in the queue until that is closed and empty.
pub(super) struct Writer {
    connector: Arc<Connector>,
    queue: Arc<Queue>,
    position: Arc<AtomicU64>,
    patience: Duration,
    session: Option<Session>,
    buckets: Buckets,
    /// Its name and the number of its transaction: asked again with both, the database answers as before.
    name: String,
    sequence: i64,
}

/// Why a group was not written.
enum Failure {
    /// Whatever it holds: the database is away.
    Away(StoreError),
    /// Something it holds can't be written.
    Refused(StoreError),
}

/// What became of a group.
struct Answer {
    base: u64,
    duplicates: FxHashSet<i64>,
    stale: FxHashSet<i64>,
}

impl Writer {
    pub(super) fn new(
        connector: Arc<Connector>,
        queue: Arc<Queue>,
        position: Arc<AtomicU64>,
        buckets: Buckets,
        patience: Duration,
    ) -> Result<Self> {
        let mut name = [0u8; 16];
        let random = SystemRandom::new().fill(&mut name);
        random.map_err(|_| connector.unavailable("the system gives no random numbers"))?;
        Ok(Self {
            connector,
            queue,
            position,
            patience,
            session: None,
            buckets,
            name: format!("{:032x}", u128::from_le_bytes(name)),
            sequence: 0,
        })
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self) {
        while let Some(jobs) = self.queue.take() {
            self.write(jobs);
        }
        // A row that nobody asks for any more; it would also go after a week.
        let name = &self.name;
        if let Some(session) = &mut self.session {
            let sql = "DELETE FROM writers WHERE writer = $1";
            let gone = session.client().execute(sql, &[name]);
            gone.map_or_else(|error| tracing::debug!(%error, "writer not removed"), drop);
        }
    }

    /// Writes jobs together; if something in them is refused, one by one.
    fn write(&mut self, jobs: Vec<Job>) {
        match self.attempt(&jobs) {
            Ok(answer) => self.settle(jobs, &answer),
            Err(Failure::Refused(_)) if jobs.len() > 1 => {
                for job in jobs {
                    self.write(vec![job]);
                }
            }
            Err(Failure::Refused(error) | Failure::Away(error)) => self.give_up(jobs, &error),
        }
    }

    /// Tries until the database answers, or the first of the jobs has waited long enough.
    fn attempt(&mut self, jobs: &[Job]) -> Result<Answer, Failure> {
        let group = Group::of(jobs, self.buckets);
        self.sequence += 1;
        let deadline = jobs.iter().map(|job| job.deadline).min();
        let deadline = deadline.unwrap_or_else(Instant::now);
        loop {
            let away = match self.call(&group) {
                Ok(row) => {
                    self.queue.refuse(None);
                    return Answer::of(&row).map_err(Failure::Refused);
                }
                Err(Failure::Away(error)) => error,
                Err(Failure::Refused(error)) => {
                    if matches!(error, StoreError::Full { .. }) {
                        self.queue.refuse(Some(error.to_string()));
                    }
                    return Err(Failure::Refused(error));
                }
            };
            self.queue.refuse(Some(away.to_string()));
            if Instant::now() + PAUSE >= deadline || self.queue.is_closed() {
                return Err(Failure::Away(away));
            }
            thread::sleep(PAUSE);
        }
    }

    /// One call, on the connection at hand or a new one.
    fn call(&mut self, group: &Group<'_>) -> Result<Row, Failure> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self
                .connector
                .connect_for(self.patience)
                .map_err(Failure::Away)?,
        };
        let answer = group.write(&mut session, &self.name, self.sequence);
        let lost = answer
            .as_ref()
            .is_err_and(|error| is_lost(error, session.client()));
        if !lost {
            self.session = Some(session);
        }
        answer.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &postgres::Error) -> Failure {
        if is_passing(error) {
            tracing::warn!(error = described(error), "writing is tried again");
            return Failure::Away(self.connector.failed(error));
        }
        Failure::Refused(self.connector.failed(error))
    }

    /// Tells everyone what became of their batch.
    fn settle(&self, jobs: Vec<Job>, answer: &Answer) {
        let records: usize = jobs.iter().map(Job::records).sum();
        self.position
            .fetch_max(answer.base + records as u64, Ordering::AcqRel);
        self.queue.done(jobs.len());
        let mut offset = 0;
        for job in jobs {
            let (events, facts) = (job.events.len(), job.facts.len());
            let written = answer.written(offset, events, facts);
            offset += events + facts;
            job.pending.settle(Ok(written));
        }
    }

    /// Tells everyone that nothing came of it.
    fn give_up(&self, jobs: Vec<Job>, error: &StoreError) {
        self.queue.done(jobs.len());
        for job in jobs {
            job.pending.settle(Err(again(error)));
        }
    }
}

/// The same error for one more caller.
fn again(error: &StoreError) -> StoreError {
    if let StoreError::Full { path, reason } = error {
        return StoreError::Full {
            path: path.clone(),
            reason: reason.clone(),
        };
    }
    if let StoreError::Damaged { path, reason } = error {
        return StoreError::damaged(path, reason);
    }
    if let StoreError::Unavailable { what, reason } = error {
        return StoreError::Unavailable {
            what: what.clone(),
            reason: reason.clone(),
        };
    }
    StoreError::Unavailable {
        what: "writing to PostgreSQL".into(),
        reason: error.to_string(),
    }
}

impl Answer {
    fn of(row: &Row) -> Result<Self> {
        let columns = || {
            let set = |index: usize| {
                let offsets: Vec<i64> = row.try_get(index)?;
                Ok::<_, postgres::Error>(offsets.into_iter().collect())
            };
            Ok::<_, postgres::Error>(Self {
                base: row.try_get::<_, i64>(0)?.cast_unsigned(),
                duplicates: set(1)?,
                stale: set(2)?,
            })
        };
        columns().map_err(|error| StoreError::damaged("function write_batch", described(&error)))
    }

    /// What became of a batch whose records begin after `offset` others.
    fn written(&self, offset: usize, events: usize, facts: usize) -> Written {
        let is_in = |set: &FxHashSet<i64>, at: usize| set.contains(&offset_of(offset + at));
        let event = |at| match is_in(&self.duplicates, at) {
            true => EventOutcome::Duplicate,
            false => EventOutcome::Stored,
        };
        let fact = |at| match is_in(&self.stale, at) {
            true => FactOutcome::Stale,
            false => FactOutcome::Applied,
        };
        Written {
            position: Position(self.base + (offset + events + facts) as u64),
            events: (0..events).map(event).collect(),
            facts: (events..events + facts).map(fact).collect(),
        }
    }
}

/// The offset of the record after `before` others: the first has offset one.
fn offset_of(before: usize) -> i64 {
    i64::try_from(before).unwrap_or(i64::MAX).saturating_add(1)
}

/// The rows of several jobs, each with its offset.
struct Group<'a> {
    records: i64,
    event_offsets: Vec<i64>,
    buckets: Vec<i16>,
    events: Vec<&'a EventRow>,
    fact_offsets: Vec<i64>,
    facts: Vec<&'a FactRow>,
}

impl<'a> Group<'a> {
    fn of(jobs: &'a [Job], buckets: Buckets) -> Self {
        let mut group = Self {
            records: 0,
            event_offsets: Vec::new(),
            buckets: Vec::new(),
            events: Vec::new(),
            fact_offsets: Vec::new(),
            facts: Vec::new(),
        };
        for job in jobs {
            for event in &job.events {
                group.records += 1;
                group.event_offsets.push(group.records);
                group.buckets.push(buckets.of(&event.visitor));
                group.events.push(event);
            }
            for fact in &job.facts {
                group.records += 1;
                group.fact_offsets.push(group.records);
                group.facts.push(fact);
            }
        }
        group
    }

    fn write(
        &self,
        session: &mut Session,
        writer: &str,
        sequence: i64,
    ) -> Result<Row, postgres::Error> {
        let (events, facts) = (&self.events, &self.facts);
        let ids: Vec<&str> = events.iter().map(|row| &*row.id).collect();
        let visitors: Vec<&str> = events.iter().map(|row| &*row.visitor).collect();
        let times: Vec<i64> = events.iter().map(|row| row.time).collect();
        let event_checksums: Vec<i32> = events.iter().map(|row| row.checksum).collect();
        let bodies: Vec<&str> = events.iter().map(|row| &*row.body).collect();
        let tables: Vec<i16> = facts.iter().map(|row| row.table).collect();
        let keys: Vec<&str> = facts.iter().map(|row| &*row.key).collect();
        let versions: Vec<i64> = facts.iter().map(|row| row.version).collect();
        let fact_checksums: Vec<i32> = facts.iter().map(|row| row.checksum).collect();
        let values: Vec<Option<&[u8]>> = facts.iter().map(|row| row.value.as_deref()).collect();
        let parameters: [&(dyn ToSql + Sync); 16] = [
            &writer,
            &sequence,
            &self.records,
            &self.event_offsets,
            &self.buckets,
            &ids,
            &visitors,
            &times,
            &event_checksums,
            &bodies,
            &self.fact_offsets,
            &tables,
            &keys,
            &versions,
            &fact_checksums,
            &values,
        ];
        let (client, statement) = session.prepared(WRITE)?;
        client.query_one(&statement, &parameters)
    }
}
