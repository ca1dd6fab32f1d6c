//! Many events in columns, with keys numbered: what splits and builders read.

use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::events::{Channel, Consent, Event, EventKind, Taken};
use crate::ids::{DenseIndex, ItemIx, PlaceIx, UserIx, Vocabulary};
use crate::time::Timestamp;

/// One row of an [`EventTable`], with keys replaced by indices.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// Who.
    pub user: UserIx,
    /// What with.
    pub item: ItemIx,
    /// What was done.
    pub kind: EventKind,
    /// Where from.
    pub channel: Option<Channel>,
    /// Store or warehouse.
    pub place: Option<PlaceIx>,
    /// When; zero throughout a table without times.
    pub time: Timestamp,
    /// How many pieces.
    pub quantity: f32,
    /// Price of one piece, NaN-free.
    pub price: Option<f32>,
    /// Number of the session or basket, unique across users.
    pub session: Option<u32>,
    /// The rating given.
    pub rating: Option<f32>,
}

/// What became of the events offered to a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct TableReport {
    /// Events held as rows.
    pub kept: u64,
    /// Events whose id had been seen before.
    pub duplicates: u64,
    /// Events whose person refused their use.
    pub refused_consent: u64,
    /// Events that name no item, such as searches.
    pub without_item: u64,
}

/// Events in columns, in the order they came.
///
/// ```
/// use recommender_core::events::{Event, EventKind, EventTable};
/// let mut table = EventTable::new();
/// table.push(&Event { visitor: "ann".into(), item: Some("cup".into()), quantity: 1.0,
///                     kind: EventKind::Purchase, ..Event::default() })?;
/// assert_eq!(table.items().key(table.row(0).item), "cup");
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct EventTable {
    users: Vocabulary<UserIx>,
    items: Vocabulary<ItemIx>,
    places: Vocabulary<PlaceIx>,
    sessions: Vocabulary<UserIx>,
    kinds: Vec<EventKind>,
    ids: Vocabulary<UserIx>,
    columns: Columns,
    timed: bool,
    report: TableReport,
}

#[derive(Debug, Clone, Default)]
struct Columns {
    user: Vec<UserIx>,
    item: Vec<ItemIx>,
    kind: Vec<u16>,
    channel: Vec<Option<Channel>>,
    place: Vec<u32>,
    time: Vec<Timestamp>,
    quantity: Vec<f32>,
    price: Vec<f32>,
    session: Vec<u32>,
    rating: Vec<f32>,
}

/// Stands for "none" in the columns that are not optional by type; never leaves this file.
const NONE: u32 = u32::MAX;

impl EventTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives an item without events yet the next number.
    ///
    /// # Errors
    /// [`Error::Data`] if the vocabulary is full.
    pub(crate) fn know_item(&mut self, key: &str) -> Result<()> {
        self.items.insert(key).map(|_| ())
    }

    /// Adds an event. Returns whether it became a row; [`EventTable::report`] counts those that did not, by reason.
    ///
    /// # Errors
    /// [`Error::Data`] past 2³² − 1 rows or keys, or if quantity, price or rating is not a finite number.
    pub fn push(&mut self, event: &Event) -> Result<bool> {
        Ok(self.offer(event)? == Taken::Kept)
    }

    /// As [`EventTable::push`], with the reason if it did not become a row.
    ///
    /// # Errors
    /// As [`EventTable::push`].
    pub fn offer(&mut self, event: &Event) -> Result<Taken> {
        if event.consent == Consent::Denied {
            self.report.refused_consent += 1;
            return Ok(Taken::RefusedConsent);
        }
        let Some(item) = &event.item else {
            self.report.without_item += 1;
            return Ok(Taken::WithoutItem);
        };
        check_numbers(event)?;
        if self.len() >= NONE as usize {
            return Err(Error::data("event table", "more than 2^32 - 1 rows"));
        }
        if let Some(id) = &event.id
            && !self.ids.insert_full(id)?.1
        {
            self.report.duplicates += 1;
            return Ok(Taken::Duplicate);
        }
        let place = match &event.place {
            Some(place) => self.places.insert(place)?.0,
            None => NONE,
        };
        let session = match &event.session {
            Some(session) => self.sessions.insert(session)?.0,
            None => NONE,
        };
        let kind = event.kind.code(&mut self.kinds)?;
        let columns = &mut self.columns;
        columns.user.push(self.users.insert(&event.visitor)?);
        columns.item.push(self.items.insert(item)?);
        columns.kind.push(kind);
        columns.channel.push(event.channel);
        columns.place.push(place);
        columns.time.push(event.time.unwrap_or_default());
        columns.quantity.push(event.quantity);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a price needs no more than 24 bits"
        )]
        columns
            .price
            .push(event.price.map_or(f32::NAN, |price| price as f32));
        columns.session.push(session);
        columns.rating.push(event.rating.unwrap_or(f32::NAN));
        self.timed |= event.time.is_some();
        self.report.kept += 1;
        Ok(Taken::Kept)
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.user.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.user.is_empty()
    }

    /// Row `row`.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> EventRow {
        let columns = &self.columns;
        let (place, session) = (columns.place[row], columns.session[row]);
        let (price, rating) = (columns.price[row], columns.rating[row]);
        EventRow {
            user: columns.user[row],
            item: columns.item[row],
            kind: self.kinds[columns.kind[row] as usize].clone(),
            channel: columns.channel[row],
            place: (place != NONE).then_some(PlaceIx(place)),
            time: columns.time[row],
            quantity: columns.quantity[row],
            price: (!price.is_nan()).then_some(price),
            session: (session != NONE).then_some(session),
            rating: (!rating.is_nan()).then_some(rating),
        }
    }

    /// The user of row `row`.
    #[must_use]
    pub fn user(&self, row: usize) -> UserIx {
        self.columns.user[row]
    }

    /// The item of row `row`.
    #[must_use]
    pub fn item(&self, row: usize) -> ItemIx {
        self.columns.item[row]
    }

    /// The time of row `row`.
    #[must_use]
    pub fn time(&self, row: usize) -> Timestamp {
        self.columns.time[row]
    }

    /// Whether the events carry times.
    #[must_use]
    pub fn has_times(&self) -> bool {
        self.timed
    }

    /// Keys of users.
    #[must_use]
    pub fn users(&self) -> &Vocabulary<UserIx> {
        &self.users
    }

    /// Keys of items.
    #[must_use]
    pub fn items(&self) -> &Vocabulary<ItemIx> {
        &self.items
    }

    /// Keys of places.
    #[must_use]
    pub fn places(&self) -> &Vocabulary<PlaceIx> {
        &self.places
    }

    /// The number of the session or basket of row `row`, if it states one.
    #[must_use]
    pub fn session(&self, row: usize) -> Option<u32> {
        let session = self.columns.session[row];
        (session != NONE).then_some(session)
    }

    /// The table with times made of the order of its rows, if it carries none: a user's sessions come a day apart from
    /// 1970 on, in the order in which each is first met, and a row without a session is one of its own. For data that
    /// gives order and no times, so that what comes later is later.
    #[must_use]
    pub fn with_times_of_sessions(mut self) -> Self {
        if self.timed {
            return self;
        }
        let mut sessions = vec![0i64; self.users.len()];
        let mut day_of: FxHashMap<(UserIx, u32), i64> = FxHashMap::default();
        for row in 0..self.len() {
            let user = self.columns.user[row];
            let mut next = || {
                let count = &mut sessions[user.position()];
                *count += 1;
                *count - 1
            };
            let day = match self.columns.session[row] {
                NONE => next(),
                session => *day_of.entry((user, session)).or_insert_with(next),
            };
            self.columns.time[row] = Timestamp::from_seconds(day * 86_400);
        }
        self.timed = !self.is_empty();
        self
    }

    /// The key of a session number.
    ///
    /// # Panics
    /// If no row has that number.
    #[must_use]
    pub fn session_key(&self, session: u32) -> &str {
        self.sessions.key(UserIx::at(session as usize))
    }

    /// What became of the events offered.
    #[must_use]
    pub fn report(&self) -> &TableReport {
        &self.report
    }
}

fn check_numbers(event: &Event) -> Result<()> {
    let wrong = |field: &str, found: f64| {
        Err(Error::data(
            "event table",
            format!("{field} must be a finite number, found {found}"),
        ))
    };
    if !(event.quantity.is_finite() && event.quantity > 0.0) {
        return wrong("quantity", f64::from(event.quantity));
    }
    if let Some(price) = event.price.filter(|price| !price.is_finite()) {
        return wrong("price", price);
    }
    if let Some(rating) = event.rating.filter(|rating| !rating.is_finite()) {
        return wrong("rating", f64::from(rating));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str) -> Event {
        Event {
            id: Some(id.into()),
            visitor: "ann".into(),
            item: Some("cup".into()),
            quantity: 1.0,
            ..Event::default()
        }
    }

    #[test]
    fn an_id_seen_twice_counts_once_and_is_reported() {
        let mut table = EventTable::new();
        assert!(table.push(&event("1")).unwrap());
        assert!(!table.push(&event("1")).unwrap());
        assert_eq!((table.len(), table.report().duplicates), (1, 1));
    }

    #[test]
    fn sessions_without_times_come_a_day_apart_in_the_order_they_are_met() {
        let mut table = EventTable::new();
        for (visitor, session) in [("ann", "7"), ("ann", "3"), ("bob", "9"), ("ann", "7")] {
            let event = Event {
                id: None,
                visitor: visitor.into(),
                session: Some(session.into()),
                ..event("")
            };
            table.push(&event).unwrap();
        }
        let alone = Event {
            id: None,
            ..event("")
        };
        table.push(&alone).unwrap();
        let table = table.with_times_of_sessions();
        let days: Vec<i64> = (0..5).map(|row| table.time(row).0 / 86_400_000).collect();
        assert_eq!(days, [0, 1, 0, 0, 2]);
        assert!(table.has_times());
    }

    #[test]
    fn refused_consent_and_missing_items_are_counted_not_kept() {
        let mut table = EventTable::new();
        table
            .push(&Event {
                consent: Consent::Denied,
                ..event("1")
            })
            .unwrap();
        table
            .push(&Event {
                item: None,
                ..event("2")
            })
            .unwrap();
        assert!(table.is_empty());
        assert_eq!(
            (table.report().refused_consent, table.report().without_item),
            (1, 1)
        );
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        let mut table = EventTable::new();
        assert!(
            table
                .push(&Event {
                    price: Some(f64::NAN),
                    ..event("1")
                })
                .is_err()
        );
        assert!(
            table
                .push(&Event {
                    quantity: 0.0,
                    ..event("2")
                })
                .is_err()
        );
    }
}
