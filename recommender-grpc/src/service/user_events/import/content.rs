//! The content of a file that came with the call: read from memory, so that nothing of it lies on a disk but in the store.

use recommender_core::Error;
use recommender_core::error::InputError;
use recommender_core::events::read::{EventField, EventReader};
use recommender_core::events::{Consent, Event, EventSink, Taken, WrongField};
use recommender_core::rows::{BadRows, Format, ReadReport};
use recommender_store::StoreError;
use recommender_store::exchange::Admission;
use recommender_store::record::{Batch, EventOutcome};
use ring::digest::{SHA256, digest};

use super::{Job, Notes, named_row, note};
use crate::digits::hex;
use crate::operations::Progress;
use crate::status::Refusal;

/// What the content is called in what is said of its rows.
const ORIGIN: &str = "content";
/// Events written at once.
const BATCH: usize = 1000;
/// How long to wait before a busy store is asked again.
const BUSY_PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

impl Job {
    pub(super) fn import_content(
        &self,
        content: &[u8],
        notes: &mut Notes,
        progress: &Progress,
    ) -> Result<ReadReport, Refusal> {
        let format = self.reading.format.unwrap_or(Format::Jsonl);
        let reader = EventReader::new(format)
            .with_map(self.reading.map.clone())
            .with_bad_rows(self.reading.bad_rows);
        if self.reading.bad_rows == BadRows::Refuse {
            reader.read(ORIGIN, content, &mut Check)?;
        }
        let digest = digest(&SHA256, content);
        let half = hex(&digest.as_ref()[..16]);
        let mut sink = Sink {
            job: self,
            id_prefix: format!("file:{half}"),
            waiting: Vec::new(),
            counts: (0, 0),
            notes,
            progress,
            failure: None,
        };
        let read = reader.read(ORIGIN, content, &mut sink);
        let read = read.map_err(Refusal::from).and_then(|rows| {
            sink.write()?;
            Ok(rows)
        });
        let mut rows = match (read, sink.failure.take()) {
            (Ok(rows), _) => rows,
            (Err(_), Some(failure)) => return Err(failure.into()),
            (Err(refusal), None) => return Err(refusal),
        };
        (rows.kept, rows.duplicates) = sink.counts;
        Ok(rows)
    }
}

/// Takes events to the store.
struct Sink<'a> {
    job: &'a Job,
    id_prefix: String,
    waiting: Vec<Event>,
    /// Events that are new, and that were there already.
    counts: (u64, u64),
    notes: &'a mut Notes,
    progress: &'a Progress,
    /// Why the reader was told to stop.
    failure: Option<StoreError>,
}

impl Sink<'_> {
    fn write(&mut self) -> Result<(), StoreError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let batch = Batch {
            events: std::mem::take(&mut self.waiting),
            facts: Vec::new(),
        };
        let ticket = loop {
            if self.progress.is_cancelled() {
                return Err(Error::Cancelled.into());
            }
            match self.job.store.engine().write(batch.clone()) {
                Err(StoreError::Busy { .. }) => std::thread::sleep(BUSY_PAUSE),
                ticket => break ticket?,
            }
        };
        let written = ticket.wait()?;
        let all = written.events.len() as u64;
        let stored = written.events.iter();
        let stored = stored.filter(|outcome| **outcome == EventOutcome::Stored);
        let stored = stored.count() as u64;
        self.counts.0 += stored;
        self.counts.1 += all - stored;
        self.progress.succeeded(self.counts.0 + self.counts.1);
        Ok(())
    }
}

impl EventSink for Sink<'_> {
    fn take(&mut self, ordinal: u64, event: &Event) -> recommender_core::Result<Taken> {
        let mut event = event.clone();
        if event.id.is_none() {
            event.id = Some(format!("{}:{ordinal}", self.id_prefix));
        }
        let admitted = event.consent != Consent::Denied
            && self.job.admit(&mut event, &self.notes.unknown_types) == Admission::Admitted;
        if !admitted {
            return Ok(Taken::RefusedConsent);
        }
        let event = match checked(event) {
            Ok(event) => event,
            Err(wrong) => return Ok(Taken::Bad(wrong)),
        };
        self.waiting.push(event);
        if self.waiting.len() >= BATCH
            && let Err(error) = self.write()
        {
            self.failure = Some(error);
            return Err(Error::Cancelled);
        }
        Ok(Taken::Kept)
    }

    fn bad_row(&mut self, _: u64, error: &InputError) -> recommender_core::Result<()> {
        let row = named_row(error, "".as_ref());
        note(&mut self.notes.bad, &mut self.notes.named, row);
        self.progress.failed(self.notes.bad);
        Ok(())
    }
}

/// Only looks at the rows, so that content with a bad one is refused before anything of it is written.
struct Check;

impl EventSink for Check {
    fn take(&mut self, _: u64, event: &Event) -> recommender_core::Result<Taken> {
        let mut event = event.clone();
        event.id.get_or_insert_with(|| "made of its row".into());
        Ok(checked(event).map_or_else(Taken::Bad, |_| Taken::Kept))
    }
}

/// The event, if the log can keep it.
fn checked(event: Event) -> Result<Event, WrongField> {
    let mut batch = Batch {
        events: vec![event],
        facts: Vec::new(),
    };
    let (what, expected, found) = match batch.validate() {
        Ok(()) => return Ok(batch.events.remove(0)),
        Err(StoreError::Invalid {
            what,
            expected,
            found,
        }) => (what, expected, found),
        Err(other) => (
            String::new(),
            "an event that can be kept".into(),
            other.to_string(),
        ),
    };
    let field = what.split(' ').next().unwrap_or_default();
    Err(WrongField {
        // What has no field of its own is too long because of the attributes.
        field: field.parse().unwrap_or(EventField::Attributes),
        expected,
        found,
    })
}
