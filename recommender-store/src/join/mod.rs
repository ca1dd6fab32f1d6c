//! From the store to the library: events to a [`Dataset`], and a person's history to a [`Query`].
//!
//! There is one function for each, and both put events into the same order, so that what a person did gives the same
//! numbers in the matrix a model learns from and in the question it is asked.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use recommender_core::dataset::Dataset;
use recommender_core::engine::{EngineRequest, HistorySource};
use recommender_core::events::{Consent, Event, EventTable};
use recommender_core::{InteractionConfig, Product, Query};

use crate::engine::Engine;
use crate::error::Result;
use crate::exchange::Progress;
use crate::record::{Span, StoredEvent};

/// What is learned from.
#[derive(Clone, Copy)]
pub struct Training<'a> {
    /// Only events of these times.
    pub span: Span,
    /// The person whom a visitor's events are counted for; asked once for each visitor.
    pub person: &'a dyn Fn(&str) -> String,
    /// Whether an event may be learned from. Those of persons who refused are left out before.
    pub allowed: &'a dyn Fn(&Event) -> bool,
    /// Told how many events were read.
    pub progress: Option<Progress<'a>>,
    /// Set to stop early.
    pub cancel: Option<&'a AtomicBool>,
}

impl Default for Training<'_> {
    /// All events, every visitor a person of her own.
    fn default() -> Self {
        Self {
            span: Span::default(),
            person: &str::to_owned,
            allowed: &|_| true,
            progress: None,
            cancel: None,
        }
    }
}

impl fmt::Debug for Training<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Training")
            .field("span", &self.span)
            .finish_non_exhaustive()
    }
}

/// Events between two looks at whether to stop.
const EVENTS_PER_LOOK: u64 = 1 << 14;

/// The dataset of the events of `engine` and of `products`.
///
/// Events are read one by one; only the columns of the dataset are held. The same events give the same dataset,
/// whatever the order they were written in: persons are numbered in the byte order of their first visitors, and a
/// person's events stand in the order of time, visitor, id.
///
/// ```
/// use recommender_core::events::Event;
/// use recommender_core::{InteractionConfig, Timestamp};
/// use recommender_store::join::{Training, training_set};
/// use recommender_store::record::Batch;
/// use recommender_store::{Engine, MemoryEngine};
/// let engine = MemoryEngine::default();
/// let event = |id: &str, visitor: &str| Event {
///     id: Some(id.into()), visitor: visitor.into(), item: Some("cup".into()), quantity: 1.0,
///     time: Some(Timestamp(0)), ..Event::default()
/// };
/// let events = vec![event("1", "phone"), event("2", "till")];
/// engine.write(Batch { events, ..Batch::default() })?.wait()?;
/// let training = Training { person: &|_| "ann".into(), ..Training::default() };
/// let dataset = training_set(&engine, &training, vec![], InteractionConfig::default())?;
/// assert_eq!(dataset.users().len(), 1);
/// # Ok::<(), recommender_store::StoreError>(())
/// ```
///
/// # Errors
/// If the events can't be read; as [`Dataset::new`]; [`recommender_core::Error::Cancelled`] if it was stopped.
pub fn training_set(
    engine: &dyn Engine,
    training: &Training<'_>,
    products: Vec<Product>,
    interactions: InteractionConfig,
) -> Result<Dataset> {
    interactions.validate()?;
    let mut rows = Rows {
        training,
        table: EventTable::new(),
        visitor: None,
        moment: Vec::new(),
    };
    let mut read = 0;
    for stored in engine.events(training.span)? {
        if read % EVENTS_PER_LOOK == 0 {
            training.look_up(read)?;
        }
        read += 1;
        rows.take(stored?.event)?;
    }
    training.look_up(read)?;
    Ok(Dataset::new(rows.finish()?, products, interactions)?)
}

impl Training<'_> {
    /// Tells how many events were read, and hears whether to go on.
    fn look_up(&self, read: u64) -> Result<()> {
        if let Some(progress) = self.progress {
            progress(read);
        }
        match self.cancel {
            Some(cancel) if cancel.load(Ordering::Relaxed) => {
                Err(recommender_core::Error::Cancelled.into())
            }
            _ => Ok(()),
        }
    }
}

/// Events on their way into a table, which come by visitor, then time.
struct Rows<'a, 't> {
    training: &'a Training<'t>,
    table: EventTable,
    /// The latest visitor, and who she is.
    visitor: Option<(String, String)>,
    /// Events of one visitor and moment, which may stand in any order in the log.
    moment: Vec<Event>,
}

impl Rows<'_, '_> {
    fn take(&mut self, event: Event) -> Result<()> {
        let next = self
            .moment
            .first()
            .is_some_and(|first| first.time != event.time || first.visitor != event.visitor);
        if next {
            self.push_moment()?;
        }
        self.moment.push(event);
        Ok(())
    }

    fn push_moment(&mut self) -> Result<()> {
        self.moment.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let mut moment = std::mem::take(&mut self.moment);
        for event in moment.drain(..) {
            self.push(event)?;
        }
        // The buffer serves the next moment.
        self.moment = moment;
        Ok(())
    }

    fn push(&mut self, mut event: Event) -> Result<()> {
        if !usable(&event, self.training.allowed) {
            return Ok(());
        }
        let known = self
            .visitor
            .take_if(|(visitor, _)| *visitor == event.visitor);
        let (visitor, person) = known.unwrap_or_else(|| {
            let person = (self.training.person)(&event.visitor);
            (std::mem::take(&mut event.visitor), person)
        });
        event.visitor.clone_from(&person);
        // The log holds every id once: no need to look for it again.
        event.id = None;
        self.table.push(&event)?;
        self.visitor = Some((visitor, person));
        Ok(())
    }

    fn finish(mut self) -> Result<EventTable> {
        self.push_moment()?;
        Ok(self.table)
    }
}

/// Whether an event may be used at all.
fn usable(event: &Event, allowed: &dyn Fn(&Event) -> bool) -> bool {
    event.consent != Consent::Denied && allowed(event)
}

/// `request` with all that the person did, as her store tells it: `history` holds the events of all her visitors, those
/// that may be used being `allowed`. What an artefact holds of her is not looked at then.
#[must_use]
pub fn with_history(
    request: EngineRequest,
    history: Vec<StoredEvent>,
    allowed: &dyn Fn(&Event) -> bool,
) -> EngineRequest {
    let mut events: Vec<Event> = history.into_iter().map(|stored| stored.event).collect();
    events.retain(|event| usable(event, allowed));
    let order = |a: &Event, b: &Event| {
        let persons = || a.visitor.cmp(&b.visitor);
        let same = || a.id.cmp(&b.id);
        a.time.cmp(&b.time).then_with(persons).then_with(same)
    };
    events.sort_by(order);
    EngineRequest {
        events,
        history: HistorySource::Request,
        ..request
    }
}

/// The question of `request`, asked of `engine` by the person with this history: [`with_history`], in indices. Keys of
/// the request that the engine does not know go to `missing`.
///
/// Its history is the row that [`training_set`] makes of the same events, if it is asked at the end of the data.
///
/// # Errors
/// As [`recommender_core::Engine::query`].
pub fn query(
    engine: &recommender_core::Engine,
    request: EngineRequest,
    history: Vec<StoredEvent>,
    allowed: &dyn Fn(&Event) -> bool,
    missing: &mut Vec<String>,
) -> Result<Query> {
    let request = with_history(request, history, allowed);
    Ok(engine.query(&request, missing)?)
}

#[cfg(test)]
mod tests;
