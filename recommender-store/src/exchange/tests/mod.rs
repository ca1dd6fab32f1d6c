//! Out and in again: the same events, whatever interrupts.

mod coming_in;
mod erasing;
mod flaky;
mod going_out;

use std::path::Path;

use recommender_core::Timestamp;
use recommender_core::events::{Channel, Consent, Event, EventKind};

use crate::exchange::{ImportOptions, ImportReport, import};
use crate::record::{Batch, Span};
use crate::{Engine, MemoryEngine, Result};

/// Events of every shape: seven visitors over eleven days, some before 1970.
pub(super) fn odd_events() -> Vec<Event> {
    (0..200u32)
        .map(|number| {
            let some = |every: u32| number.is_multiple_of(every).then_some(number);
            Event {
                id: Some(format!("e{number}")),
                visitor: format!(" v\u{e9}{} ", number % 7),
                item: some(2).map(|number| format!("i{}", number % 13)),
                kind: some(5).map_or(EventKind::Purchase, |_| EventKind::Custom(" nod".into())),
                channel: some(3).map(|_| Channel::Kiosk),
                place: some(4).map(|_| "L\u{f6}tzen \"x\"".into()),
                time: Some(Timestamp(
                    i64::from(number % 11) * 86_400_000 - 200_000_000 + i64::from(number),
                )),
                quantity: number as f32 / 3.0 + 0.1,
                price: some(6).map(|number| f64::from(number) / 7.0),
                session: some(7).map(|number| format!("s{number}\t")),
                rating: some(8).map(|number| number as f32 / 9.0),
                consent: if number % 9 == 0 {
                    Consent::Granted
                } else {
                    Consent::Unspecified
                },
                attributes: some(10)
                    .map(|number| [("size".to_owned(), format!(" {number}\" "))].into())
                    .unwrap_or_default(),
            }
        })
        .collect()
}

pub(super) fn store_of(events: &[Event]) -> MemoryEngine {
    let engine = MemoryEngine::default();
    add(&engine, events);
    engine
}

/// Writes each event as a batch of its own.
pub(super) fn add(engine: &MemoryEngine, events: &[Event]) {
    for event in events {
        let batch = Batch {
            events: vec![event.clone()],
            ..Batch::default()
        };
        engine.write(batch).unwrap().wait().unwrap();
    }
}

/// What a store holds, by id.
pub(super) fn events_of(engine: &dyn Engine) -> Vec<Event> {
    let events = engine.events(Span::default()).unwrap();
    let mut events: Vec<Event> = events.map(|event| event.unwrap().event).collect();
    events.sort_by(|a, b| a.id.cmp(&b.id));
    events
}

pub(super) fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by(|a, b| a.id.cmp(&b.id));
    events
}

/// Imports a path as it comes.
pub(super) fn take_in(engine: &dyn Engine, path: &Path) -> Result<ImportReport> {
    let options = ImportOptions {
        batch_events: 10,
        ..ImportOptions::default()
    };
    import(engine, &[path.to_owned()], &options, &mut |_| Ok(()))
}

/// What an export holds, by id.
pub(super) fn exported(directory: &Path) -> Vec<Event> {
    let engine = MemoryEngine::default();
    let report = take_in(&engine, directory).unwrap();
    let events = events_of(&engine);
    assert_eq!(
        (report.rows.kept, report.rows.duplicates),
        (events.len() as u64, 0)
    );
    events
}
