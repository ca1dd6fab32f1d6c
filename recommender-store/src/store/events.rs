//! What comes in, and what becomes of it.

use recommender_core::events::{Consent, Event};
use serde::Serialize;

use crate::batch::check_event;
use crate::error::Result;
use crate::exchange::Admission;
use crate::identity::{Identifier, Link, Refusal};
use crate::record::{Batch, EventOutcome, Position, Written};
use crate::store::Store;
use crate::store::identities::Noted;
use crate::store::shared::Shared;
use crate::store::writing::Writing;

/// An event as it comes in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Submission {
    /// What happened. Without a time it is as of when it came.
    pub event: Event,
    /// What else she is known by: a card shown, an account logged in to. Her visitor key is linked to each, unless a
    /// cap refuses it.
    pub identifiers: Vec<Identifier>,
    /// Never to be stored: a kiosk's, or of someone who has not been asked.
    pub ephemeral: bool,
}

impl From<Event> for Submission {
    fn from(event: Event) -> Self {
        Self {
            event,
            ..Self::default()
        }
    }
}

/// What became of an event that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmissionOutcome {
    /// It is in the log now.
    Stored,
    /// The log has an event of this id already, and keeps that one.
    Duplicate,
    /// It was not stored.
    NotStored(NotStored),
}

/// Why an event was not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotStored {
    /// It was not to be.
    Ephemeral,
    /// It, or its person, denied.
    Denied,
    /// Nobody agreed to it, and [`Unspecified::Refuse`](crate::privacy::Unspecified::Refuse) is set.
    Unspecified,
    /// It is no event that can be kept: what is wrong with it.
    Invalid(String),
}

/// What became of events that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventsWritten {
    /// Who reads at or after it sees them.
    pub position: Position,
    /// What became of each.
    pub outcomes: Vec<SubmissionOutcome>,
    /// Links between their visitors and other identifiers that were not believed.
    pub refused_links: Vec<Refusal>,
}

/// Events on their way in.
#[derive(Debug, Default)]
struct Door {
    /// What is known already of each; none for those that go to the log, in their order.
    outcomes: Vec<Option<SubmissionOutcome>>,
    events: Vec<Event>,
    links: Vec<Link>,
}

impl Store {
    /// Takes events in: stores those that may be kept, together with the links they show, and says of each what became
    /// of it. One that is wrong does not keep the others out.
    ///
    /// # Errors
    /// As [`Engine::write`](crate::Engine::write).
    pub fn write_events(&self, submissions: Vec<Submission>) -> Result<Writing<EventsWritten>> {
        let mut door = Door::default();
        for submission in submissions {
            let outcome = self.0.admit(submission, &mut door)?;
            door.outcomes.push(outcome);
        }
        let judged = self.0.judge(&door.links, Noted::Once)?;
        let refused_links = judged.refusals();
        let batch = Batch {
            events: door.events,
            facts: judged.facts,
        };
        let outcomes = door.outcomes;
        self.0.write(batch, move |written| EventsWritten {
            position: written.position,
            outcomes: merged(outcomes, written),
            refused_links,
        })
    }

    /// Whether an event may be stored, of an import that writes to the engine itself; its keys are replaced by
    /// pseudonyms, if the store has them.
    #[must_use]
    pub fn admit(&self, event: &mut Event) -> Admission {
        let consent = event.consent;
        self.0.replace_keys(event);
        let person = self.0.person_consent(&event.visitor);
        if self.0.config.consent.uses(consent, person).stored {
            return Admission::Admitted;
        }
        Admission::Refused
    }

    /// Whether a stored event may count in the answers to its person.
    #[must_use]
    pub fn may_serve(&self, event: &Event) -> bool {
        let person = self.0.person_consent(&event.visitor);
        self.0.config.consent.uses(event.consent, person).served
    }

    /// Whether a stored event may be learned from.
    #[must_use]
    pub fn may_train(&self, event: &Event) -> bool {
        let person = self.0.person_consent(&event.visitor);
        self.0.config.consent.uses(event.consent, person).trained
    }
}

impl Shared {
    /// Puts a submission into the door, or says why it does not come in.
    fn admit(&self, submission: Submission, door: &mut Door) -> Result<Option<SubmissionOutcome>> {
        let not_stored = |reason| Ok(Some(SubmissionOutcome::NotStored(reason)));
        if submission.ephemeral {
            return not_stored(NotStored::Ephemeral);
        }
        let mut event = submission.event;
        event.time = Some(event.time.map_or(self.now(), |time| {
            if time > self.horizon() {
                self.now()
            } else {
                time
            }
        }));
        if let Err(wrong) = check_event(&event) {
            let reason = format!(
                "{}: expected {}, found {}",
                wrong.field, wrong.expected, wrong.found
            );
            return not_stored(NotStored::Invalid(reason));
        }
        let visitor = match Identifier::visitor(&event.visitor) {
            Ok(visitor) => self.replaced(&visitor)?,
            Err(error) => return not_stored(NotStored::Invalid(error.to_string())),
        };
        self.replace_keys(&mut event);
        let others = submission
            .identifiers
            .iter()
            .map(|other| self.replaced(other));
        let others: Vec<Identifier> = others.collect::<Result<_>>()?;
        let person = self.consent_of(std::iter::once(&visitor).chain(&others));
        if !self.config.consent.uses(event.consent, person).stored {
            let denied = [event.consent, person].contains(&Consent::Denied);
            let reason = if denied {
                NotStored::Denied
            } else {
                NotStored::Unspecified
            };
            return not_stored(reason);
        }
        self.add_links(&event, &visitor, &others, door);
        door.events.push(event);
        Ok(None)
    }

    /// Adds the links that an event shows and nobody has told yet.
    fn add_links(
        &self,
        event: &Event,
        visitor: &Identifier,
        others: &[Identifier],
        door: &mut Door,
    ) {
        let state = self.read();
        for other in others {
            let told = door
                .links
                .iter()
                .any(|link| (&link.a, &link.b) == (visitor, other));
            if other == visitor || told || state.identity.link(visitor, other).is_some() {
                continue;
            }
            door.links.push(Link {
                a: visitor.clone(),
                b: other.clone(),
                evidence: format!("event {}", event.id.as_deref().unwrap_or_default()),
                since: event.time.unwrap_or_default(),
                by: "event".into(),
            });
        }
    }

    fn replace_keys(&self, event: &mut Event) {
        if let Some(pseudonyms) = &self.pseudonyms {
            event.visitor = pseudonyms.visitor(&event.visitor);
            let session = event.session.take();
            event.session = session.map(|session| pseudonyms.session(&session));
        }
    }

    /// What the person of a visitor said last.
    pub(super) fn person_consent(&self, visitor: &str) -> Consent {
        if self.read().consents.is_empty() {
            return Consent::Unspecified;
        }
        // A key that is no identifier can have no consent.
        let visitor = Identifier::visitor(visitor);
        visitor.map_or(Consent::Unspecified, |visitor| self.consent_of([&visitor]))
    }

    /// What the persons of some identifiers said last, taken as one.
    pub(super) fn consent_of<'a>(
        &self,
        identifiers: impl IntoIterator<Item = &'a Identifier>,
    ) -> Consent {
        let state = self.read();
        if state.consents.is_empty() {
            return Consent::Unspecified;
        }
        let persons = identifiers
            .into_iter()
            .map(|of| state.identity.identifiers(of));
        let all: Vec<Identifier> = persons.flatten().collect();
        state.consents.latest(&all)
    }
}

/// Puts the answers of the engine in the places of the events that went to it.
fn merged(outcomes: Vec<Option<SubmissionOutcome>>, written: &Written) -> Vec<SubmissionOutcome> {
    let mut stored = written.events.iter();
    let all = outcomes.into_iter().map(|known| {
        known.unwrap_or_else(|| match stored.next() {
            Some(EventOutcome::Stored) => SubmissionOutcome::Stored,
            Some(EventOutcome::Duplicate) => SubmissionOutcome::Duplicate,
            None => {
                SubmissionOutcome::NotStored(NotStored::Invalid("the engine did not answer".into()))
            }
        })
    });
    all.collect()
}
