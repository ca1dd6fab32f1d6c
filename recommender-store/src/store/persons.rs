//! What a person did, and everything that is kept of her.

use std::collections::{BTreeMap, BTreeSet};

use recommender_core::events::Consent;

use crate::audit::{AuditAction, AuditRecord};
use crate::error::Result;
use crate::identity::{Identifier, Namespace};
use crate::privacy::{ExportedEvent, PersonExport};
use crate::record::{Batch, StoredEvent, Table};
use crate::stances;
use crate::store::Store;
use crate::store::shared::Shared;
use crate::store::state::value_of;

impl Store {
    /// The latest events of the persons of `identifiers`, taken as one, by time and those of one moment by position:
    /// oldest first, at most `limit`, and only those that may be served.
    ///
    /// Before them, and besides, stand the events by which they refuse products and which are older than that, one for
    /// each product, at most [`MOST_REFUSED`](crate::stances::MOST_REFUSED): a refusal holds until it is taken back, and
    /// not for so many events.
    ///
    /// # Errors
    /// If the events can't be read.
    pub fn history(&self, identifiers: &[Identifier], limit: usize) -> Result<Vec<StoredEvent>> {
        let shared = &self.0;
        let identifiers = identifiers
            .iter()
            .map(|identifier| shared.replaced(identifier));
        let identifiers: Vec<Identifier> = identifiers.collect::<Result<_>>()?;
        let persons = shared.everyone(&identifiers);
        let said = shared.consent_of(&identifiers);
        if said == Consent::Denied {
            return Ok(Vec::new());
        }
        let uses = |event: &StoredEvent| shared.config.consent.uses(event.event.consent, said);
        let served = |event: &StoredEvent| uses(event).served;
        let mut events = shared.events_of(&persons, limit, served)?;
        if events.len() >= limit {
            let older = shared.refusals_before(&persons, &events, served)?;
            events.splice(..0, older);
        }
        Ok(events)
    }

    /// Everything that is kept of the person of an identifier; that it was asked for is noted in the audit.
    ///
    /// # Errors
    /// If the records can't be read, or the note not written.
    pub fn export_person(&self, identifier: &Identifier, by: &str) -> Result<PersonExport> {
        let shared = &self.0;
        let identifier = shared.replaced(identifier)?;
        let identifiers = shared.everyone(std::slice::from_ref(&identifier));
        shared.note_export(&identifiers, by)?;
        let events = shared.events_of(&identifiers, usize::MAX, |_| true)?;
        let audit = shared.audit_of(&identifiers)?;
        let state = shared.read();
        let consents = identifiers.iter().filter_map(|identifier| {
            let record = state.consents.record(identifier)?;
            Some((identifier.to_string(), record.clone()))
        });
        Ok(PersonExport {
            time: shared.now(),
            person: state.identity.person(&identifier),
            links: state.identity.links_of(&identifier),
            consents: consents.collect::<BTreeMap<_, _>>(),
            events: events
                .into_iter()
                .map(|stored| ExportedEvent::from(stored.event))
                .collect(),
            audit,
            identifiers,
        })
    }
}

impl Shared {
    /// All identifiers of the persons of `identifiers`.
    pub(super) fn everyone(&self, identifiers: &[Identifier]) -> Vec<Identifier> {
        let state = self.read();
        let persons = identifiers.iter().map(|of| state.identity.identifiers(of));
        let all: BTreeSet<Identifier> = persons.flatten().collect();
        all.into_iter().collect()
    }

    /// The latest events of all visitors among `identifiers` that `wanted` takes.
    pub(super) fn events_of(
        &self,
        identifiers: &[Identifier],
        limit: usize,
        wanted: impl Fn(&StoredEvent) -> bool,
    ) -> Result<Vec<StoredEvent>> {
        let visitors = identifiers
            .iter()
            .filter(|of| of.namespace() == Namespace::Visitor);
        let mut events = Vec::new();
        for visitor in visitors {
            events.extend(self.latest(visitor.value(), limit, &wanted)?);
        }
        events.sort_by_key(|stored| (stored.event.time, stored.position));
        let surplus = events.len().saturating_sub(limit);
        events.drain(..surplus);
        Ok(events)
    }

    /// The events by which visitors among `identifiers` refuse products to this day, without those among `latest`.
    fn refusals_before(
        &self,
        identifiers: &[Identifier],
        latest: &[StoredEvent],
        wanted: impl Fn(&StoredEvent) -> bool,
    ) -> Result<Vec<StoredEvent>> {
        let visitors = identifiers
            .iter()
            .filter(|of| of.namespace() == Namespace::Visitor);
        let visitors: Vec<&str> = visitors.map(Identifier::value).collect();
        let mut said = self.engine.stances(&visitors)?;
        said.retain(wanted);
        let mut refusals = stances::standing(said);
        refusals.retain(|refusal| {
            let is_here = |event: &StoredEvent| {
                event.position == refusal.position && event.event.id == refusal.event.id
            };
            !latest.iter().any(is_here)
        });
        Ok(refusals)
    }

    /// The latest events of a visitor that `wanted` takes: asks for more until there are enough of them.
    pub(super) fn latest(
        &self,
        visitor: &str,
        limit: usize,
        wanted: impl Fn(&StoredEvent) -> bool,
    ) -> Result<Vec<StoredEvent>> {
        let mut asked = limit;
        loop {
            let mut events = self.engine.recent(visitor, asked)?;
            let all = events.len() < asked;
            events.retain(&wanted);
            if all || events.len() >= limit {
                let surplus = events.len().saturating_sub(limit);
                events.drain(..surplus);
                return Ok(events);
            }
            asked = asked.saturating_mul(8);
        }
    }

    /// The audit records that name one of `identifiers`, oldest first.
    fn audit_of(&self, identifiers: &[Identifier]) -> Result<Vec<AuditRecord>> {
        let mut records = Vec::new();
        for stored in self.engine.facts(Table::Audit)? {
            let record: Option<AuditRecord> = value_of(&stored?.fact)?;
            let hers = |record: &AuditRecord| {
                let mut subjects = record.subjects.iter();
                subjects.any(|subject| identifiers.binary_search(subject).is_ok())
            };
            records.extend(record.filter(hers));
        }
        records.sort_by_key(|record| record.time);
        Ok(records)
    }

    fn note_export(&self, identifiers: &[Identifier], by: &str) -> Result<()> {
        let note = self.audit.fact(&AuditRecord {
            time: self.now(),
            by: by.to_owned(),
            action: AuditAction::Export,
            subjects: identifiers.to_vec(),
            evidence: String::new(),
            refused: None,
        })?;
        let batch = Batch {
            facts: vec![note],
            ..Batch::default()
        };
        self.engine.write(batch)?.wait().map(|_| ())
    }
}
