//! Records as lines.

use std::collections::BTreeMap;

use recommender_core::Timestamp;
use recommender_core::events::{Channel, Consent, Event, EventKind};
use serde::{Deserialize, Serialize};

use crate::digits;
use crate::record::{Fact, Position, StoredEvent, StoredFact, Table};

/// The fields of an event that it is not looked up by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    kind: EventKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Channel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    quantity: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<bool>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
}

/// An event: what it is looked up by, and the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fields {
    pub(crate) id: String,
    pub(crate) visitor: String,
    pub(crate) time: i64,
    pub(crate) body: Body,
}

impl From<Event> for Fields {
    /// The fields of an event that was validated.
    fn from(event: Event) -> Self {
        let body = Body {
            item: event.item,
            kind: event.kind,
            channel: event.channel,
            place: event.place,
            quantity: event.quantity,
            price: event.price,
            session: event.session,
            rating: event.rating,
            consent: match event.consent {
                Consent::Unspecified => None,
                Consent::Granted => Some(true),
                Consent::Denied => Some(false),
            },
            attributes: event.attributes,
        };
        Self {
            id: event.id.unwrap_or_default(),
            visitor: event.visitor,
            time: event.time.unwrap_or_default().0,
            body,
        }
    }
}

impl From<Fields> for Event {
    fn from(fields: Fields) -> Self {
        let body = fields.body;
        Self {
            id: Some(fields.id),
            visitor: fields.visitor,
            item: body.item,
            kind: body.kind,
            channel: body.channel,
            place: body.place,
            time: Some(Timestamp(fields.time)),
            quantity: body.quantity,
            price: body.price,
            session: body.session,
            rating: body.rating,
            consent: match body.consent {
                None => Consent::Unspecified,
                Some(true) => Consent::Granted,
                Some(false) => Consent::Denied,
            },
            attributes: body.attributes,
        }
    }
}

/// An event as a line.
#[derive(Serialize, Deserialize)]
pub(super) struct EventLine {
    pub(super) position: Position,
    #[serde(flatten)]
    pub(super) fields: Fields,
}

/// A fact as a line.
#[derive(Serialize, Deserialize)]
pub(super) struct FactLine {
    pub(super) position: Position,
    table: Table,
    key: String,
    version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

impl From<StoredEvent> for EventLine {
    fn from(stored: StoredEvent) -> Self {
        Self {
            position: stored.position,
            fields: stored.event.into(),
        }
    }
}

impl From<StoredFact> for FactLine {
    fn from(stored: StoredFact) -> Self {
        let fact = stored.fact;
        let (text, hex) = match fact.value.map(String::from_utf8) {
            None => (None, None),
            Some(Ok(text)) => (Some(text), None),
            Some(Err(bytes)) => (None, Some(digits::hex(bytes.as_bytes()))),
        };
        Self {
            position: stored.position,
            table: fact.table,
            key: fact.key,
            version: fact.version,
            text,
            hex,
        }
    }
}

impl FactLine {
    /// The fact, if the value can be read.
    pub(super) fn fact(self) -> Option<Fact> {
        let value = match (self.text, self.hex) {
            (Some(text), None) => Some(text.into_bytes()),
            (None, Some(hex)) => Some(digits::bytes(&hex)?),
            (None, None) => None,
            (Some(_), Some(_)) => return None,
        };
        Some(Fact {
            table: self.table,
            key: self.key,
            version: self.version,
            value,
        })
    }
}
