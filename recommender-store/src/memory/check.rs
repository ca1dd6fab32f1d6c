//! What a batch must be before it is taken.

use recommender_core::events::Event;

use crate::error::{Result, StoreError};
use crate::record::{Batch, Fact, MAX_KEY_BYTES, MAX_RECORD_BYTES};

/// Refuses a batch of which a record can't be kept.
pub(super) fn batch(batch: &Batch) -> Result<()> {
    batch.events.iter().try_for_each(event)?;
    batch.facts.iter().try_for_each(fact)
}

fn event(event: &Event) -> Result<()> {
    let id = event.id.as_deref().unwrap_or_default();
    key("id of an event", id)?;
    key("visitor of an event", &event.visitor)?;
    if let Some(item) = &event.item {
        key("item of an event", item)?;
    }
    if event.time.is_none() {
        return Err(StoreError::invalid("time of an event", "a time", "none"));
    }
    finite("quantity of an event", f64::from(event.quantity))?;
    finite("price of an event", event.price.unwrap_or_default())?;
    let rating = event.rating.unwrap_or_default();
    finite("rating of an event", f64::from(rating))
}

fn fact(fact: &Fact) -> Result<()> {
    key("key of a fact", &fact.key)?;
    let length = fact.value.as_ref().map_or(0, Vec::len);
    if length <= MAX_RECORD_BYTES {
        return Ok(());
    }
    let expected = format!("at most {MAX_RECORD_BYTES} bytes");
    Err(StoreError::invalid("value of a fact", expected, length))
}

fn key(what: &str, key: &str) -> Result<()> {
    if (1..=MAX_KEY_BYTES).contains(&key.len()) {
        return Ok(());
    }
    let expected = format!("1 to {MAX_KEY_BYTES} bytes");
    Err(StoreError::invalid(what, expected, key.len()))
}

fn finite(what: &str, number: f64) -> Result<()> {
    if number.is_finite() {
        return Ok(());
    }
    Err(StoreError::invalid(what, "a finite number", number))
}
