//! Everything that is kept of a person.

use std::collections::BTreeMap;

use recommender_core::Timestamp;
use recommender_core::events::{Channel, Consent, Event, EventKind};
use serde::Serialize;

use crate::audit::AuditRecord;
use crate::identity::{Identifier, Link};
use crate::privacy::ConsentRecord;

/// Everything that is kept of a person, as she may ask for it (GDPR, articles 15 and 20).
///
/// If keys are replaced by pseudonyms, they are shown as they are kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonExport {
    /// When it was made.
    pub time: Timestamp,
    /// The key of the person.
    pub person: Identifier,
    /// All she is known by.
    pub identifiers: Vec<Identifier>,
    /// Why these are one person.
    pub links: Vec<Link>,
    /// What she agreed to, under each identifier.
    pub consents: BTreeMap<String, ConsentRecord>,
    /// What she did, oldest first.
    pub events: Vec<ExportedEvent>,
    /// What was done to her identifiers, oldest first.
    pub audit: Vec<AuditRecord>,
}

/// An event, under the names of the fields that an import reads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportedEvent {
    /// Its id.
    pub id: Option<String>,
    /// The visitor.
    pub visitor: String,
    /// The item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// What was done.
    pub kind: EventKind,
    /// Where from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// The store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// When, in milliseconds since 1970 in UTC.
    pub time: Option<Timestamp>,
    /// How many pieces.
    pub quantity: f32,
    /// Price of one piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
    /// The visit or basket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The rating given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<f32>,
    /// Whether its use was agreed to.
    pub consent: Consent,
    /// Anything else.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

impl From<Event> for ExportedEvent {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            visitor: event.visitor,
            item: event.item,
            kind: event.kind,
            channel: event.channel,
            place: event.place,
            time: event.time,
            quantity: event.quantity,
            price: event.price,
            session: event.session,
            rating: event.rating,
            consent: event.consent,
            attributes: event.attributes,
        }
    }
}
