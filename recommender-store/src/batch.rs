//! What a batch must be like, whichever engine takes it.

use recommender_core::events::{Event, EventKind};

use crate::error::{Result, StoreError};
use crate::record::{Batch, Fact, MAX_KEY_BYTES, MAX_RECORD_BYTES};

impl Batch {
    /// Checks what every engine asks of a batch before it takes it:
    ///
    /// | what | must be |
    /// |---|---|
    /// | id and time of an event | there |
    /// | key (id, visitor, item, place, session, fact, attribute, a kind of the operator's own) | 1 to [`MAX_KEY_BYTES`] bytes |
    /// | any text | without the character NUL, which PostgreSQL can't keep |
    /// | quantity | finite and positive |
    /// | price | finite and not negative |
    /// | rating | finite |
    /// | all texts of an event, and the value of a fact | at most [`MAX_RECORD_BYTES`] |
    ///
    /// # Errors
    /// [`StoreError::Invalid`] naming the first record and field that are wrong.
    pub fn validate(&self) -> Result<()> {
        for (row, event) in self.events.iter().enumerate() {
            check_event(event).map_err(|wrong| wrong.at("event", row))?;
        }
        for (row, fact) in self.facts.iter().enumerate() {
            check_fact(fact).map_err(|wrong| wrong.at("fact", row))?;
        }
        Ok(())
    }
}

/// Which field is wrong; the record is named by who counts them.
pub(crate) struct Wrong {
    pub(crate) field: &'static str,
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl Wrong {
    fn new(field: &'static str, expected: impl Into<String>, found: &impl ToString) -> Self {
        Self {
            field,
            expected: expected.into(),
            found: found.to_string(),
        }
    }

    fn at(self, record: &str, row: usize) -> StoreError {
        let what = format!("{} of {record} {row}", self.field);
        StoreError::invalid(what, self.expected, self.found)
    }
}

/// Checks an event as [`Batch::validate`] does.
pub(crate) fn check_event(event: &Event) -> Result<(), Wrong> {
    let id = event.id.as_deref();
    check_key("id", id.ok_or_else(|| Wrong::new("id", "a key", &"none"))?)?;
    check_key("visitor", &event.visitor)?;
    let optional = [
        ("item", &event.item),
        ("place", &event.place),
        ("session", &event.session),
    ];
    for (field, key) in optional {
        key.as_deref().map_or(Ok(()), |key| check_key(field, key))?;
    }
    if let EventKind::Custom(name) = &event.kind {
        check_key("kind", name)?;
    }
    if event.time.is_none() {
        return Err(Wrong::new("time", "a time", &"none"));
    }
    check_numbers(event)?;
    check_attributes(event)
}

fn check_numbers(event: &Event) -> Result<(), Wrong> {
    let quantity = event.quantity;
    if !(quantity.is_finite() && quantity > 0.0) {
        let expected = "a finite number above zero";
        return Err(Wrong::new("quantity", expected, &quantity));
    }
    let wrong_price = |price: &f64| !(price.is_finite() && *price >= 0.0);
    if let Some(price) = event.price.filter(wrong_price) {
        let expected = "a finite number, not negative";
        return Err(Wrong::new("price", expected, &price));
    }
    match event.rating.filter(|rating| !rating.is_finite()) {
        Some(rating) => Err(Wrong::new("rating", "a finite number", &rating)),
        None => Ok(()),
    }
}

fn check_attributes(event: &Event) -> Result<(), Wrong> {
    for (name, value) in &event.attributes {
        check_key("attribute", name)?;
        check_nul("attribute", value)?;
    }
    let attributes = event.attributes.iter();
    let bytes: usize = attributes
        .map(|(name, value)| name.len() + value.len())
        .sum();
    let keys = [&event.id, &event.item, &event.place, &event.session];
    let keys: usize = keys.into_iter().flatten().map(String::len).sum();
    check_bytes("texts", bytes + keys + event.visitor.len())
}

fn check_fact(fact: &Fact) -> Result<(), Wrong> {
    check_key("key", &fact.key)?;
    check_bytes("value", fact.value.as_ref().map_or(0, Vec::len))
}

fn check_key(field: &'static str, key: &str) -> Result<(), Wrong> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        let expected = format!("1 to {MAX_KEY_BYTES} bytes");
        return Err(Wrong::new(field, expected, &key.len()));
    }
    check_nul(field, key)
}

fn check_nul(field: &'static str, text: &str) -> Result<(), Wrong> {
    match text.contains('\0') {
        true => Err(Wrong::new(field, "no character NUL", &"one")),
        false => Ok(()),
    }
}

fn check_bytes(field: &'static str, bytes: usize) -> Result<(), Wrong> {
    match bytes > MAX_RECORD_BYTES {
        true => Err(Wrong::new(
            field,
            format!("at most {MAX_RECORD_BYTES} bytes"),
            &bytes,
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use recommender_core::Timestamp;

    use super::*;

    #[test]
    fn the_refusal_names_record_and_field() {
        let good = Event {
            id: Some("1".into()),
            visitor: "ann".into(),
            time: Some(Timestamp(0)),
            quantity: 1.0,
            ..Event::default()
        };
        let bad = Event {
            visitor: String::new(),
            ..good.clone()
        };
        let batch = Batch {
            events: vec![good, bad],
            facts: Vec::new(),
        };
        let said = batch.validate().unwrap_err().to_string();
        let expected = "visitor of event 1: expected 1 to 1024 bytes, found 0";
        assert_eq!(said, expected);
    }
}
