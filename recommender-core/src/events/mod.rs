//! What happened: one [`Event`] per row of an input, and the table that holds many.

mod channel;
mod kind;
pub mod read;
mod refusal;
mod sink;
mod table;

pub use channel::Channel;
pub use kind::EventKind;
pub use refusal::{LEAST_TAKING_UP_RATING, Stance, refused};
pub use sink::{EventSink, Taken, WrongField};
pub use table::{EventRow, EventTable, TableReport};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One thing that happened, with keys as the client knows them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// Unique key; an id seen twice counts once. Rows without one always count.
    pub id: Option<String>,
    /// Pseudonymous key of the device, card or person.
    pub visitor: String,
    /// The product; none for events that have none, such as a search.
    pub item: Option<String>,
    /// What was done.
    pub kind: EventKind,
    /// Where it was done from.
    pub channel: Option<Channel>,
    /// Store or warehouse.
    pub place: Option<String>,
    /// When; none only in formats that carry no times.
    pub time: Option<Timestamp>,
    /// How many pieces, positive and finite.
    pub quantity: f32,
    /// Price of one piece in the shop's currency, finite and not negative.
    pub price: Option<f64>,
    /// Key of the visit or basket it belongs to.
    pub session: Option<String>,
    /// The rating given, for rating events.
    pub rating: Option<f32>,
    /// Whether the person agreed to its use.
    pub consent: Consent,
    /// Anything else.
    pub attributes: BTreeMap<String, String>,
}

/// Whether a person agreed to the use of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Nothing was said; the operator's default applies.
    #[default]
    Unspecified,
    /// She agreed.
    Granted,
    /// She refused: the event is not used.
    Denied,
}
