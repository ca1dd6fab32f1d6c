//! Events on their way from a file into the store.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

use recommender_core::error::InputError;
use recommender_core::events::read::EventField;
use recommender_core::events::{Consent, Event, EventSink, Taken, WrongField};

use crate::batch::check_event;
use crate::engine::Engine;
use crate::error::{Result, StoreError};
use crate::exchange::import::progress::{self, Done};
use crate::exchange::import::{Admission, BadRow, ImportOptions};
use crate::record::{Batch, EventOutcome, Fact, Written};
use crate::ticket::Ticket;

/// How long to wait before a busy store is asked again.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// Collects the events of a file into batches, and writes them with several on their way at a time.
pub(super) struct Batches<'a, 'o> {
    engine: &'a dyn Engine,
    options: &'a ImportOptions<'o>,
    /// First part of the ids of rows that have none: the same file gives the same ids.
    id_prefix: String,
    /// Key of the fact that says how far this file has come.
    progress_key: String,
    /// What an earlier import of this file had done.
    before: Done,
    /// What is on disk.
    settled: Done,
    /// Events done in files before this one.
    events_before: u64,
    waiting: Vec<Event>,
    last_row: u64,
    in_flight: VecDeque<(u64, Ticket<Written>)>,
    recorded: bool,
    bad_rows: BadRow<'a>,
    /// Why the reader was told to stop.
    failure: Option<StoreError>,
}

/// The file that is imported.
pub(super) struct FileKeys {
    /// SHA-256 of its bytes.
    pub(super) digest: String,
    /// How it is read.
    pub(super) reading: String,
}

impl<'a, 'o> Batches<'a, 'o> {
    /// Goes on where an earlier import of the same file stopped.
    ///
    /// # Errors
    /// If the store can't be read.
    pub(super) fn new(
        engine: &'a dyn Engine,
        options: &'a ImportOptions<'o>,
        keys: &FileKeys,
        events_before: u64,
        bad_rows: BadRow<'a>,
    ) -> Result<Self> {
        let progress_key = progress::key(&keys.digest, &keys.reading);
        let before = progress::read(engine, &progress_key)?;
        Ok(Self {
            engine,
            options,
            id_prefix: format!("file:{}:", &keys.digest[..32]),
            progress_key,
            before,
            settled: before,
            events_before,
            waiting: Vec::with_capacity(options.batch_events),
            last_row: before.rows,
            in_flight: VecDeque::with_capacity(options.batches_in_flight),
            recorded: before.rows > 0,
            bad_rows,
            failure: None,
        })
    }

    /// Why the reader was told to stop, if it was.
    pub(super) fn take_failure(&mut self) -> Option<StoreError> {
        self.failure.take()
    }

    /// Writes what is left and waits for everything; the file is done then. Says what was done before and now.
    ///
    /// # Errors
    /// If something could not be written.
    pub(super) fn finish(&mut self) -> Result<(Done, Done)> {
        self.submit()?;
        self.settle_down_to(0)?;
        if self.recorded {
            let done = progress::fact(&self.progress_key, None)?;
            self.write_fact(done)?;
        }
        Ok((self.before, self.settled))
    }

    /// Waits for what is on its way and notes how far the file has come, so that the next import of it goes on there.
    ///
    /// # Errors
    /// If something could not be written.
    pub(super) fn interrupt(mut self) -> Result<()> {
        self.settle_down_to(0)?;
        if self.settled.rows == self.before.rows {
            return Ok(());
        }
        let settled = progress::fact(&self.progress_key, Some(self.settled))?;
        self.write_fact(settled)
    }

    fn write_fact(&mut self, fact: Fact) -> Result<()> {
        let facts = vec![fact];
        let events = Vec::new();
        self.write(&Batch { events, facts })?.wait().map(|_| ())
    }

    fn add(&mut self, ordinal: u64, event: Event) -> Result<()> {
        self.waiting.push(event);
        self.last_row = ordinal;
        if self.waiting.len() < self.options.batch_events {
            return Ok(());
        }
        self.submit()
    }

    fn submit(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.check_cancelled()?;
        self.settle_down_to(self.options.batches_in_flight - 1)?;
        let mut facts = Vec::new();
        // Only what is on disk for sure is said to be done: the batches between are written again, and count once.
        if self.settled.rows > self.before.rows {
            facts.push(progress::fact(&self.progress_key, Some(self.settled))?);
            self.recorded = true;
        }
        let events = std::mem::take(&mut self.waiting);
        self.waiting.reserve(self.options.batch_events);
        let ticket = self.write(&Batch { events, facts })?;
        self.in_flight.push_back((self.last_row, ticket));
        Ok(())
    }

    fn write(&mut self, batch: &Batch) -> Result<Ticket<Written>> {
        loop {
            match self.engine.write(batch.clone()) {
                Err(StoreError::Busy { .. }) if self.in_flight.is_empty() => {
                    self.check_cancelled()?;
                    std::thread::sleep(BUSY_PAUSE);
                }
                Err(StoreError::Busy { .. }) => self.settle_down_to(self.in_flight.len() - 1)?,
                answer => return answer,
            }
        }
    }

    /// Waits until at most `left` batches are on their way.
    fn settle_down_to(&mut self, left: usize) -> Result<()> {
        while self.in_flight.len() > left
            && let Some((row, ticket)) = self.in_flight.pop_front()
        {
            let written = match ticket.wait() {
                Ok(written) => written,
                Err(error) => {
                    // Whatever becomes of the batches behind it, the file is not done beyond this one.
                    self.in_flight.clear();
                    return Err(error);
                }
            };
            let stored = written
                .events
                .iter()
                .filter(|&&one| one == EventOutcome::Stored);
            let stored = stored.count() as u64;
            self.settled.stored += stored;
            self.settled.duplicates += written.events.len() as u64 - stored;
            self.settled.rows = row;
            if let Some(progress) = self.options.progress {
                progress(self.events_before + self.settled.stored + self.settled.duplicates);
            }
        }
        Ok(())
    }

    fn check_cancelled(&self) -> Result<()> {
        match self.options.cancel {
            Some(cancel) if cancel.load(Ordering::Relaxed) => {
                Err(recommender_core::Error::Cancelled.into())
            }
            _ => Ok(()),
        }
    }

    /// Keeps what went wrong, and gives the reader an error to stop at.
    fn stop(&mut self, error: StoreError) -> recommender_core::Error {
        self.failure = Some(error);
        recommender_core::Error::Cancelled
    }
}

impl EventSink for Batches<'_, '_> {
    fn take(&mut self, ordinal: u64, event: &Event) -> recommender_core::Result<Taken> {
        let mut event = event.clone();
        if event.id.is_none() {
            event.id = Some(format!("{}{ordinal}", self.id_prefix));
        }
        let admission = match (self.options.admit, event.consent) {
            (_, Consent::Denied) => Admission::Refused,
            (Some(admit), _) => admit(&mut event),
            (None, _) => Admission::Admitted,
        };
        if admission == Admission::Refused {
            return Ok(Taken::RefusedConsent);
        }
        if let Some(wrong) = wrong_field(&event) {
            return Ok(Taken::Bad(wrong));
        }
        if ordinal > self.before.rows {
            let added = self.add(ordinal, event);
            added.map_err(|error| self.stop(error))?;
        }
        Ok(Taken::Kept)
    }

    fn bad_row(&mut self, _: u64, error: &InputError) -> recommender_core::Result<()> {
        let told = (self.bad_rows)(error);
        told.map_err(|error| self.stop(error))
    }
}

/// Only looks at the rows, so that a file with a bad one is refused before anything of it is written.
pub(super) struct Check;

impl EventSink for Check {
    fn take(&mut self, _: u64, event: &Event) -> recommender_core::Result<Taken> {
        if event.consent == Consent::Denied {
            return Ok(Taken::RefusedConsent);
        }
        let mut event = event.clone();
        event.id.get_or_insert_with(|| "made of its row".into());
        Ok(wrong_field(&event).map_or(Taken::Kept, Taken::Bad))
    }
}

/// What an event has that the log can't keep, or lacks.
fn wrong_field(event: &Event) -> Option<WrongField> {
    let wrong = check_event(event).err()?;
    Some(WrongField {
        // What has no field of its own is too long because of the attributes.
        field: wrong.field.parse().unwrap_or(EventField::Attributes),
        expected: wrong.expected,
        found: wrong.found,
    })
}
