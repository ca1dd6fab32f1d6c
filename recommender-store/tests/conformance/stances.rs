//! What visitors said for and against products.

use std::slice;

use recommender_core::Timestamp;
use recommender_core::events::{Event, EventKind};

use crate::bench::{Bench, event, stances, visitor, write_events};

fn of(kind: EventKind, id: &str, visitor: &str, time: i64) -> Event {
    Event {
        kind,
        ..event(id, visitor, time)
    }
}

/// Looks at products, which say nothing for or against them.
fn looks(visitor: &str, times: std::ops::Range<i64>) -> Vec<Event> {
    let looks = times.map(|time| event(&format!("{visitor} {time}"), visitor, time));
    looks.collect()
}

pub(crate) fn a_refusal_is_known_however_much_came_after_it(bench: &dyn Bench) {
    let mut stand = bench.open();
    let hidden = of(EventKind::Hide, "hide", "ann", 3);
    let disliked = Event {
        item: Some("pot".into()),
        ..of(EventKind::Dislike, "dislike", "ann", 120)
    };
    let engine = stand.engine();
    write_events(&*engine, vec![hidden.clone()]);
    for visitor in ["ann", "bob"] {
        write_events(&*engine, looks(visitor, 10..110));
    }
    assert_eq!(stances(&*engine, &["ann"]), slice::from_ref(&hidden));
    write_events(&*engine, vec![disliked.clone()]);
    write_events(&*engine, looks("ann", 130..190));
    drop(engine);
    for _ in 0..2 {
        let engine = stand.engine();
        assert_eq!(
            stances(&*engine, &["ann"]),
            [hidden.clone(), disliked.clone()]
        );
        assert!(stances(&*engine, &["bob"]).is_empty());
        assert!(stances(&*engine, &["an", "nobody", "a\0"]).is_empty());
        assert!(stances(&*engine, &[]).is_empty());
        drop(engine);
        stand.reopen();
    }
}

pub(crate) fn what_takes_a_product_up_again_is_told_whoever_did_it(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    let said = [
        of(EventKind::Hide, "1", "till", 1),
        of(EventKind::Purchase, "2", "phone", 2),
        of(EventKind::AddToCart, "3", "till", 3),
        Event {
            rating: Some(4.0),
            ..of(EventKind::Rating, "4", "phone", 4)
        },
        of(EventKind::Wishlist, "5", "till", 5),
    ];
    let mut written = said.to_vec();
    written.push(Event {
        rating: Some(2.0),
        ..of(EventKind::Rating, "6", "phone", 6)
    });
    let mut named_so = event("7", "phone", 7);
    named_so.attributes.insert("kind".into(), "hide".into());
    written.push(named_so);
    written.extend(looks("phone", 10..40));
    written.extend(looks("till", 10..40));
    write_events(&*engine, written);
    assert_eq!(stances(&*engine, &["till", "phone"]), said);
    assert_eq!(stances(&*engine, &["till"]).len(), 3);
    assert!(
        stances(&*engine, &["phone"]).is_empty(),
        "it refused nothing"
    );
    // Written behind what is remembered of files by now.
    let again = of(EventKind::Hide, "8", "phone", 50);
    write_events(&*engine, vec![again.clone()]);
    write_events(&*engine, looks("phone", 60..90));
    assert_eq!(stances(&*engine, &["phone", "till"]).last(), Some(&again));
}

pub(crate) fn a_refusal_goes_with_its_visitor_and_its_age(bench: &dyn Bench) {
    let stand = bench.open();
    let engine = stand.engine();
    let hides = [("1", "ann", 5), ("2", "bob", 5), ("3", "bob", 50)];
    let hides = hides.map(|(id, visitor, time)| of(EventKind::Hide, id, visitor, time));
    write_events(&*engine, hides.clone().into());
    for visitor in ["ann", "bob"] {
        write_events(&*engine, looks(visitor, 60..90));
        assert!(!stances(&*engine, &[visitor]).is_empty());
    }
    engine.forget(&visitor("ann")).unwrap();
    assert!(stances(&*engine, &["ann"]).is_empty());
    engine.drop_before(Timestamp(10)).unwrap();
    assert_eq!(stances(&*engine, &["bob"]), hides[2..]);
    engine.drop_before(Timestamp(100)).unwrap();
    assert!(stances(&*engine, &["bob"]).is_empty());
}
