//! One event as bytes, after the one before it: times, positions and texts are written as differences.

use recommender_core::Timestamp;
use recommender_core::events::{Channel, Consent, Event, EventKind};

use super::bytes::{Cursor, Decoded, Malformed, put_front_coded, put_signed, put_text, put_varint};
use crate::record::{Position, StoredEvent};

/// How keys that come again and again are written.
pub(super) trait PutWord {
    /// Writes `word`.
    fn put(&self, out: &mut Vec<u8>, word: &str);
}

/// How they are read back.
pub(super) trait GetWord {
    /// Reads a word.
    fn get(&self, cursor: &mut Cursor<'_>) -> Decoded<String>;
}

/// Words written out each time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spelled;

impl PutWord for Spelled {
    fn put(&self, out: &mut Vec<u8>, word: &str) {
        put_text(out, word);
    }
}

impl GetWord for Spelled {
    fn get(&self, cursor: &mut Cursor<'_>) -> Decoded<String> {
        cursor.text().map(str::to_owned)
    }
}

/// What is known of the row before.
#[derive(Debug, Clone, Default)]
pub(super) struct Previous {
    time: i64,
    position: u64,
    id: String,
    session: String,
}

/// What a row has beside its id, kind and time; the bits of its first two bytes.
mod has {
    pub(super) const UUID: u64 = 1;
    pub(super) const ITEM: u64 = 1 << 1;
    pub(super) const CHANNEL: u64 = 1 << 2;
    pub(super) const PLACE: u64 = 1 << 3;
    pub(super) const QUANTITY: u64 = 1 << 4;
    pub(super) const PRICE: u64 = 1 << 5;
    pub(super) const SAME_SESSION: u64 = 1 << 6;
    pub(super) const SESSION: u64 = 1 << 7;
    pub(super) const RATING: u64 = 1 << 8;
    pub(super) const GRANTED: u64 = 1 << 9;
    pub(super) const DENIED: u64 = 1 << 10;
    pub(super) const ATTRIBUTES: u64 = 1 << 11;
    pub(super) const CUSTOM_KIND: u64 = 1 << 12;
}

/// Writes everything of an event but its visitor.
pub(super) fn put_row(
    out: &mut Vec<u8>,
    event: &Event,
    position: Position,
    previous: &mut Previous,
    words: &dyn PutWord,
) {
    let id = event.id.as_deref().unwrap_or_default();
    let uuid = uuid_bytes(id);
    let parts = parts(event, previous) | if uuid.is_some() { has::UUID } else { 0 };
    put_varint(out, parts);
    let time = event.time.unwrap_or_default().0;
    put_signed(out, time.wrapping_sub(previous.time));
    put_signed(
        out,
        position.0.wrapping_sub(previous.position).cast_signed(),
    );
    match uuid {
        Some(bytes) => out.extend_from_slice(&bytes),
        None => put_front_coded(out, id, &previous.id),
    }
    put_kind(out, &event.kind);
    put_optional(out, event, words);
    if parts & has::SESSION != 0 {
        put_text(out, event.session.as_deref().unwrap_or_default());
    }
    previous.follow(event, position);
}

fn parts(event: &Event, previous: &Previous) -> u64 {
    let mut parts = 0;
    let mut set = |part: u64, present: bool| parts |= if present { part } else { 0 };
    set(has::ITEM, event.item.is_some());
    set(has::CHANNEL, event.channel.is_some());
    set(has::PLACE, event.place.is_some());
    set(has::QUANTITY, event.quantity.to_bits() != 1.0f32.to_bits());
    set(has::PRICE, event.price.is_some());
    let same = event.session.as_deref() == Some(previous.session.as_str());
    set(has::SAME_SESSION, same);
    set(has::SESSION, event.session.is_some() && !same);
    set(has::RATING, event.rating.is_some());
    set(has::GRANTED, event.consent == Consent::Granted);
    set(has::DENIED, event.consent == Consent::Denied);
    set(has::ATTRIBUTES, !event.attributes.is_empty());
    set(has::CUSTOM_KIND, matches!(event.kind, EventKind::Custom(_)));
    parts
}

fn put_kind(out: &mut Vec<u8>, kind: &EventKind) {
    match EventKind::NAMED.iter().position(|named| named == kind) {
        Some(code) => put_varint(out, code as u64),
        None => put_text(out, kind.name()),
    }
}

fn put_optional(out: &mut Vec<u8>, event: &Event, words: &dyn PutWord) {
    if let Some(item) = &event.item {
        words.put(out, item);
    }
    if let Some(channel) = event.channel {
        out.push(channel as u8);
    }
    if let Some(place) = &event.place {
        words.put(out, place);
    }
    if event.quantity.to_bits() != 1.0f32.to_bits() {
        out.extend_from_slice(&event.quantity.to_le_bytes());
    }
    if let Some(price) = event.price {
        put_price(out, price);
    }
    if let Some(rating) = event.rating {
        out.extend_from_slice(&rating.to_le_bytes());
    }
    if !event.attributes.is_empty() {
        put_varint(out, event.attributes.len() as u64);
        for (name, value) in &event.attributes {
            words.put(out, name);
            put_text(out, value);
        }
    }
}

/// Largest number of hundredths that is written as a whole number.
const MAX_HUNDREDTHS: f64 = 1e15;

/// Prices are nearly always whole hundredths: twice their number, or 1 and the bits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole, positive and below 2^53"
)]
fn put_price(out: &mut Vec<u8>, price: f64) {
    let hundredths = (price * 100.0).round();
    let exact = (hundredths / 100.0).to_bits() == price.to_bits();
    if exact && hundredths <= MAX_HUNDREDTHS && price.is_sign_positive() {
        return put_varint(out, (hundredths as u64) << 1);
    }
    put_varint(out, 1);
    out.extend_from_slice(&price.to_le_bytes());
}

fn price(cursor: &mut Cursor<'_>) -> Decoded<f64> {
    let number = cursor.varint()?;
    if number & 1 == 0 {
        return Ok((number >> 1) as f64 / 100.0);
    }
    cursor.array().map(f64::from_le_bytes)
}

/// Reads what [`put_row`] wrote.
pub(super) fn row(
    cursor: &mut Cursor<'_>,
    visitor: &str,
    previous: &mut Previous,
    words: &dyn GetWord,
) -> Decoded<StoredEvent> {
    let parts = cursor.varint()?;
    let time = previous.time.wrapping_add(cursor.signed()?);
    let position = previous
        .position
        .wrapping_add(cursor.signed()?.cast_unsigned());
    let id = if parts & has::UUID != 0 {
        uuid_text(cursor.array()?)
    } else {
        cursor.front_coded(&previous.id)?
    };
    let mut event = Event {
        id: Some(id),
        visitor: visitor.to_owned(),
        kind: kind(cursor, parts)?,
        time: Some(Timestamp(time)),
        quantity: 1.0,
        consent: consent(parts),
        ..Event::default()
    };
    optional(cursor, parts, words, &mut event)?;
    if parts & has::SAME_SESSION != 0 {
        event.session = Some(previous.session.clone());
    }
    if parts & has::SESSION != 0 {
        event.session = Some(cursor.text()?.to_owned());
    }
    let position = Position(position);
    previous.follow(&event, position);
    Ok(StoredEvent { position, event })
}

fn kind(cursor: &mut Cursor<'_>, parts: u64) -> Decoded<EventKind> {
    if parts & has::CUSTOM_KIND != 0 {
        return Ok(EventKind::Custom(cursor.text()?.into()));
    }
    let code = cursor.size()?;
    let named = EventKind::NAMED.get(code).cloned();
    named.ok_or(Malformed("an event is of an unknown kind"))
}

fn consent(parts: u64) -> Consent {
    if parts & has::GRANTED != 0 {
        return Consent::Granted;
    }
    if parts & has::DENIED != 0 {
        return Consent::Denied;
    }
    Consent::Unspecified
}

fn optional(
    cursor: &mut Cursor<'_>,
    parts: u64,
    words: &dyn GetWord,
    event: &mut Event,
) -> Decoded<()> {
    if parts & has::ITEM != 0 {
        event.item = Some(words.get(cursor)?);
    }
    if parts & has::CHANNEL != 0 {
        let code = usize::from(cursor.byte()?);
        let channel = Channel::ALL.get(code).copied();
        event.channel = Some(channel.ok_or(Malformed("an event is of an unknown channel"))?);
    }
    if parts & has::PLACE != 0 {
        event.place = Some(words.get(cursor)?);
    }
    if parts & has::QUANTITY != 0 {
        event.quantity = cursor.array().map(f32::from_le_bytes)?;
    }
    if parts & has::PRICE != 0 {
        event.price = Some(price(cursor)?);
    }
    if parts & has::RATING != 0 {
        event.rating = Some(cursor.array().map(f32::from_le_bytes)?);
    }
    if parts & has::ATTRIBUTES != 0 {
        for _ in 0..cursor.size()? {
            let name = words.get(cursor)?;
            event.attributes.insert(name, cursor.text()?.to_owned());
        }
    }
    Ok(())
}

impl Previous {
    fn follow(&mut self, event: &Event, position: Position) {
        self.time = event.time.unwrap_or_default().0;
        self.position = position.0;
        self.id.clear();
        self.id.push_str(event.id.as_deref().unwrap_or_default());
        if let Some(session) = &event.session {
            self.session.clone_from(session);
        }
    }
}

/// Where a UUID in its usual form has hyphens.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The sixteen bytes of a UUID in its usual form, lower case.
fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0u8; 16];
    let mut digits = 0;
    for (place, &character) in text.iter().enumerate() {
        if HYPHENS.contains(&place) {
            if character != b'-' {
                return None;
            }
            continue;
        }
        let digit = match character {
            b'0'..=b'9' => character - b'0',
            b'a'..=b'f' => character - b'a' + 10,
            _ => return None,
        };
        bytes[digits / 2] = bytes[digits / 2] << 4 | digit;
        digits += 1;
    }
    Some(bytes)
}

fn uuid_text(bytes: [u8; 16]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let mut text = String::with_capacity(36);
    for byte in bytes {
        if HYPHENS.contains(&text.len()) {
            text.push('-');
        }
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> Vec<StoredEvent> {
        let plain = Event {
            id: Some("01932e5c-7f3a-7cc1-9b11-2a6f3f1c9d10".into()),
            visitor: "ann".into(),
            item: Some("cup".into()),
            time: Some(Timestamp(1_700_000_000_000)),
            quantity: 1.0,
            ..Event::default()
        };
        let full = Event {
            id: Some("order 17/3".into()),
            kind: EventKind::Custom("fitting".into()),
            channel: Some(Channel::Social),
            place: Some("berlin".into()),
            time: Some(Timestamp(-5)),
            quantity: 2.5,
            price: Some(19.99),
            session: Some("s1".into()),
            rating: Some(-4.5),
            consent: Consent::Granted,
            attributes: [("colour".into(), "grün".into())].into(),
            ..plain.clone()
        };
        let same = Event {
            id: Some("order 17/4".into()),
            kind: EventKind::Impression,
            channel: Some(Channel::Web),
            item: None,
            price: Some(0.1 + 0.2),
            consent: Consent::Denied,
            ..full.clone()
        };
        let upper = Event {
            id: Some("01932E5C-7F3A-7CC1-9B11-2A6F3F1C9D10".into()),
            price: Some(-0.0),
            session: None,
            ..same.clone()
        };
        let stored = |(number, event): (u64, Event)| StoredEvent {
            position: Position(number * 1000),
            event,
        };
        (7..).zip([plain, full, same, upper]).map(stored).collect()
    }

    #[test]
    fn every_field_comes_back() {
        let (mut out, mut previous) = (Vec::new(), Previous::default());
        for event in events() {
            put_row(
                &mut out,
                &event.event,
                event.position,
                &mut previous,
                &Spelled,
            );
        }
        let (mut cursor, mut previous) = (Cursor(&out), Previous::default());
        for event in events() {
            let read = row(&mut cursor, "ann", &mut previous, &Spelled).unwrap();
            assert_eq!(read, event);
            let bits = |event: &StoredEvent| event.event.price.map(f64::to_bits);
            assert_eq!(bits(&read), bits(&event));
        }
        assert!(cursor.is_empty());
    }

    #[test]
    fn no_beginning_of_a_row_is_a_row() {
        let mut out = Vec::new();
        let stored = &events()[1];
        put_row(
            &mut out,
            &stored.event,
            stored.position,
            &mut Previous::default(),
            &Spelled,
        );
        for length in 0..out.len() {
            let mut cursor = Cursor(&out[..length]);
            assert!(row(&mut cursor, "ann", &mut Previous::default(), &Spelled).is_err());
        }
    }

    #[test]
    fn codes_on_disk_never_change() {
        let kinds: Vec<String> = EventKind::NAMED.iter().map(ToString::to_string).collect();
        assert_eq!(
            kinds.join(" "),
            "view click add_to_cart remove_from_cart purchase return try_on scan wishlist rating search impression dislike hide"
        );
        let channels: Vec<&str> = Channel::ALL.map(Channel::name).to_vec();
        assert_eq!(
            channels.join(" "),
            "web app kiosk point_of_sale call_center email push marketplace social"
        );
        assert!(
            Channel::ALL
                .iter()
                .zip(0u8..)
                .all(|(&channel, code)| channel as u8 == code)
        );
    }
}
