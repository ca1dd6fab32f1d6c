//! Rows of exported files, read back with all they hold.

use std::collections::BTreeMap;

use parquet::record::{Field, Row};
use recommender_core::Timestamp;
use recommender_core::events::{Consent, Event};

use crate::record::{Position, StoredEvent};

/// The event of a row.
///
/// # Errors
/// The column that holds what was not written there.
pub(super) fn stored_event(row: &Row) -> Result<StoredEvent, String> {
    let mut stored = StoredEvent {
        position: Position::default(),
        event: Event::default(),
    };
    for (name, field) in row.get_column_iter() {
        if *field != Field::Null {
            take(&mut stored, name, field).ok_or_else(|| format!("column \"{name}\": {field}"))?;
        }
    }
    Ok(stored)
}

fn take(stored: &mut StoredEvent, name: &str, field: &Field) -> Option<()> {
    let event = &mut stored.event;
    match (name, field) {
        ("id", Field::Str(text)) => event.id = Some(text.clone()),
        ("visitor", Field::Str(text)) => event.visitor.clone_from(text),
        ("item", Field::Str(text)) => event.item = Some(text.clone()),
        ("kind", Field::Str(text)) => event.kind = text.parse().ok()?,
        ("channel", Field::Str(text)) => event.channel = Some(text.parse().ok()?),
        ("place", Field::Str(text)) => event.place = Some(text.clone()),
        ("time", Field::TimestampMillis(time)) => event.time = Some(Timestamp(*time)),
        ("quantity", Field::Float(quantity)) => event.quantity = *quantity,
        ("price", Field::Double(price)) => event.price = Some(*price),
        ("session", Field::Str(text)) => event.session = Some(text.clone()),
        ("rating", Field::Float(rating)) => event.rating = Some(*rating),
        ("consent", Field::Str(text)) => event.consent = consent(text)?,
        ("attributes", Field::Str(text)) => event.attributes = attributes(text)?,
        ("position", Field::Long(position)) => {
            stored.position = Position(position.cast_unsigned());
        }
        _ => return None,
    }
    Some(())
}

fn consent(text: &str) -> Option<Consent> {
    match text {
        "unspecified" => Some(Consent::Unspecified),
        "granted" => Some(Consent::Granted),
        "denied" => Some(Consent::Denied),
        _ => None,
    }
}

fn attributes(text: &str) -> Option<BTreeMap<String, String>> {
    serde_json::from_str(text).ok()
}
