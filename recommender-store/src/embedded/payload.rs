//! A batch as the bytes of one journal frame.

use super::bytes::{Cursor, Decoded, Malformed, put_front_coded, put_signed, put_text, put_varint};
use super::row::{Previous, Spelled, put_row, row};
use crate::record::{Batch, Fact, Position, StoredEvent, StoredFact, Table};

/// Writes a batch. Its position is not known yet, and stands beside the bytes.
pub(super) fn encode(batch: &Batch) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 * (batch.events.len() + batch.facts.len()));
    put_varint(&mut out, batch.events.len() as u64);
    let (mut previous, mut visitor) = (Previous::default(), "");
    for event in &batch.events {
        put_front_coded(&mut out, &event.visitor, visitor);
        visitor = &event.visitor;
        put_row(&mut out, event, Position(0), &mut previous, &Spelled);
    }
    put_varint(&mut out, batch.facts.len() as u64);
    for fact in &batch.facts {
        put_fact(&mut out, fact);
    }
    out
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(bytes: &[u8]) -> Decoded<Batch> {
    let mut cursor = Cursor(bytes);
    let mut batch = Batch::default();
    let (mut previous, mut visitor) = (Previous::default(), String::new());
    for _ in 0..cursor.size()? {
        visitor = cursor.front_coded(&visitor)?;
        let StoredEvent { event, .. } = row(&mut cursor, &visitor, &mut previous, &Spelled)?;
        batch.events.push(event);
    }
    for _ in 0..cursor.size()? {
        batch.facts.push(fact(&mut cursor)?);
    }
    if !cursor.is_empty() {
        return Err(Malformed("a batch is longer than it says"));
    }
    Ok(batch)
}

fn put_fact(out: &mut Vec<u8>, fact: &Fact) {
    out.push(fact.table.code());
    put_text(out, &fact.key);
    put_signed(out, fact.version);
    match &fact.value {
        Some(value) => {
            put_varint(out, value.len() as u64 + 1);
            out.extend_from_slice(value);
        }
        None => put_varint(out, 0),
    }
}

fn fact(cursor: &mut Cursor<'_>) -> Decoded<Fact> {
    let table = Table::of_code(cursor.byte()?).ok_or(Malformed("a fact is of no table"))?;
    let key = cursor.text()?.to_owned();
    let version = cursor.signed()?;
    let value = match cursor.size()?.checked_sub(1) {
        Some(length) => Some(cursor.bytes(length)?.to_vec()),
        None => None,
    };
    Ok(Fact {
        table,
        key,
        version,
        value,
    })
}

/// Writes a fact that stands, with its position.
pub(super) fn put_stored_fact(out: &mut Vec<u8>, stored: &StoredFact) {
    put_varint(out, stored.position.0);
    put_fact(out, &stored.fact);
}

/// Reads what [`put_stored_fact`] wrote.
pub(super) fn stored_fact(cursor: &mut Cursor<'_>) -> Decoded<StoredFact> {
    Ok(StoredFact {
        position: Position(cursor.varint()?),
        fact: fact(cursor)?,
    })
}

#[cfg(test)]
mod tests {
    use recommender_core::events::Event;

    use super::*;

    fn batch() -> Batch {
        let event = |id: &str, visitor: &str| Event {
            id: Some(id.into()),
            visitor: visitor.into(),
            quantity: 1.0,
            time: Some(recommender_core::Timestamp(5)),
            ..Event::default()
        };
        let fact = |table, value: Option<&[u8]>| Fact {
            table,
            key: "cup".into(),
            version: -3,
            value: value.map(<[u8]>::to_vec),
        };
        Batch {
            events: vec![event("1", "ann"), event("2", "anna"), event("3", "bob")],
            facts: vec![
                fact(Table::Product, Some(b"{}")),
                fact(Table::Stock, Some(b"")),
                fact(Table::Place, None),
            ],
        }
    }

    #[test]
    fn a_batch_comes_back() {
        assert_eq!(decode(&encode(&batch())), Ok(batch()));
        assert_eq!(decode(&encode(&Batch::default())), Ok(Batch::default()));
    }

    #[test]
    fn too_few_and_too_many_bytes_are_refused() {
        let mut bytes = encode(&batch());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
        bytes.push(0);
        assert!(decode(&bytes).is_err());
    }
}
