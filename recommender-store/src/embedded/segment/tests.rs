use std::fs;
use std::path::Path;
use std::sync::Arc;

use recommender_core::Timestamp;
use recommender_core::events::{Event, EventKind};

use super::super::fingerprint::Fingerprints;
use super::footer::Extent;
use super::*;
use crate::StoreError;
use crate::disk;
use crate::record::{Position, StoredEvent};

fn hash() -> Fingerprints {
    Fingerprints::new([3; 16])
}

fn event(visitor: &str, number: u64) -> StoredEvent {
    StoredEvent {
        position: Position(number + 1),
        event: Event {
            id: Some(format!("event {visitor} {number}")),
            visitor: visitor.into(),
            item: Some(format!("item {}", number % 17)),
            place: number.is_multiple_of(3).then(|| "berlin".into()),
            time: Some(Timestamp(number.cast_signed() * 60_000)),
            quantity: 1.0,
            ..Event::default()
        },
    }
}

/// Three hundred visitors with one to ten events, and one whose events fill blocks of their own.
fn events() -> Vec<StoredEvent> {
    let mut events: Vec<StoredEvent> = (0..300)
        .flat_map(|visitor| {
            let key = format!("v{visitor:03}");
            (0..=visitor % 10).map(move |number| event(&key, number))
        })
        .collect();
    let busy = (0..2_000).map(|number| event("v150b", number));
    let at = events.partition_point(|stored| stored.event.visitor.as_str() < "v150b");
    events.splice(at..at, busy);
    events
}

fn write(path: &Path, events: &[StoredEvent]) -> Extent {
    let dictionary = Dictionary::of(events.iter().map(|stored| &stored.event));
    let mut extent = Extent::default();
    disk::write_whole(path, |file| {
        let mut writer = SegmentWriter::new((file, path), dictionary, hash())?;
        events.iter().try_for_each(|event| writer.push(event))?;
        extent = writer.finish()?;
        Ok(())
    })
    .unwrap();
    extent
}

#[test]
fn what_was_written_is_read_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.events");
    let events = events();
    let extent = write(&path, &events);
    let segment = Arc::new(Segment::open(&path, 1).unwrap());
    assert_eq!(
        (extent.events, *segment.extent()),
        (events.len() as u64, extent)
    );
    let read: Vec<StoredEvent> = segment.scan().map(Result::unwrap).collect();
    assert_eq!(read, events);
    segment.verify().unwrap();
}

#[test]
fn a_visitors_latest_events_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.events");
    let events = events();
    write(&path, &events);
    let segment = Segment::open(&path, 1).unwrap();
    for visitor in ["v000", "v150", "v150b", "v151", "v299", "v1500", "", "zzz"] {
        for limit in [0, 1, 5, 1_999, 5_000] {
            let all: Vec<&StoredEvent> = events
                .iter()
                .filter(|stored| stored.event.visitor == visitor)
                .collect();
            let expected = &all[all.len().saturating_sub(limit)..];
            let found = segment
                .recent(visitor, limit, &mut Scratch::default())
                .unwrap();
            assert!(
                found.iter().eq(expected.iter().copied()),
                "{visitor} {limit}"
            );
        }
    }
    assert!(segment.may_hold_visitor(hash().of("v150b")));
}

#[test]
fn ids_are_known_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.events");
    let events = events();
    write(&path, &events);
    let segment = Segment::open(&path, 1).unwrap();
    let knows = |id: &str| segment.holds_id(hash().of(id)).unwrap();
    assert!(
        events
            .iter()
            .all(|stored| knows(stored.event.id.as_deref().unwrap()))
    );
    assert!(!(0..5_000).any(|number| knows(&format!("other {number}"))));
}

#[test]
fn every_flipped_bit_is_found_and_none_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.events");
    let events = &events()[..40];
    write(&path, events);
    let whole = fs::read(&path).unwrap();
    for byte in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[byte] ^= 1 << (byte % 8);
        fs::write(&path, &flipped).unwrap();
        let read = Segment::open(&path, 1).and_then(|segment| {
            let segment = Arc::new(segment);
            let read: Result<Vec<StoredEvent>, StoreError> = segment.scan().collect();
            assert!(
                read.is_err() || read.is_ok_and(|read| read == events),
                "{byte}"
            );
            segment.verify()
        });
        let error = read.expect_err("the file is damaged").to_string();
        assert!(error.contains("1.events is damaged"), "{byte}: {error}");
    }
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(Segment::open(&path, 1).is_err(), "{length}");
    }
}

#[test]
fn who_replaces_a_file_has_read_every_byte_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.events");
    write(&path, &events()[..40]);
    let whole = fs::read(&path).unwrap();
    for byte in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[byte] ^= 1 << (byte % 8);
        fs::write(&path, &flipped).unwrap();
        let read = Segment::open(&path, 1).and_then(|segment| {
            segment.verify_unscanned()?;
            Arc::new(segment)
                .scan()
                .try_for_each(|event| event.map(|_| ()))
        });
        assert!(read.is_err(), "{byte}");
    }
}

#[test]
fn who_refused_something_is_known_and_files_without_refusals_are_as_they_were_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.events");
    let mut events = events();
    write(&path, &events);
    let footer = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    assert!(!footer(&path).contains("refusers"));
    let segment = Segment::open(&path, 1).unwrap();
    assert!(!segment.may_hold_refuser(hash().of("v150b")));
    let hidden = events
        .iter_mut()
        .rfind(|stored| stored.event.visitor == "v150b");
    hidden.unwrap().event.kind = EventKind::Hide;
    let path = dir.path().join("2.events");
    write(&path, &events);
    assert!(footer(&path).contains("refusers"));
    let segment = Arc::new(Segment::open(&path, 2).unwrap());
    assert!(segment.may_hold_refuser(hash().of("v150b")));
    let others = (0..300).filter(|of| segment.may_hold_refuser(hash().of(&format!("v{of:03}"))));
    assert!(others.count() < 30);
    let read: Vec<StoredEvent> = segment.scan().map(Result::unwrap).collect();
    assert_eq!(read, events);
    segment.verify().unwrap();
}
