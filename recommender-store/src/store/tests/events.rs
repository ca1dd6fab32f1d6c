use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use recommender_core::events::EventKind;

use super::*;
use crate::privacy::{ConsentConfig, Unspecified};
use crate::record::{Batch, Table, Written};
use crate::ticket::{Pending, Ticket};

#[test]
fn one_event_that_is_wrong_does_not_keep_the_others_out() {
    let store = fresh();
    let nameless = Event {
        id: None,
        ..event("", "ann", 1)
    };
    let events = vec![
        event("1", "ann", 5),
        nameless,
        event("1", "ann", 6),
        event("2", "a\nb", 1),
        event("3", "ann", 3),
    ];
    let outcomes = write(&store, events);
    assert_eq!(outcomes[0], SubmissionOutcome::Stored);
    assert_eq!(outcomes[2], SubmissionOutcome::Duplicate);
    assert_eq!(outcomes[4], SubmissionOutcome::Stored);
    for wrong in [&outcomes[1], &outcomes[3]] {
        assert!(
            matches!(wrong, SubmissionOutcome::NotStored(NotStored::Invalid(reason)) if !reason.is_empty()),
            "{wrong:?}"
        );
    }
    assert_eq!(history(&store, &["visitor:ann"]), ["3", "1"]);
}

#[test]
fn an_ephemeral_event_leaves_no_trace() {
    let engine = Arc::new(MemoryEngine::default());
    let store = opened(&engine, StoreConfig::default());
    let before = engine.position();
    let submission = Submission {
        identifiers: vec![identifier("loyalty:7")],
        ephemeral: true,
        ..Submission::from(event("1", "kiosk", 5))
    };
    let written = store
        .write_events(vec![submission])
        .unwrap()
        .wait()
        .unwrap();
    assert_eq!(
        written.outcomes,
        [SubmissionOutcome::NotStored(NotStored::Ephemeral)]
    );
    assert_eq!((engine.position(), written.position), (before, before));
    assert!(history(&store, &["loyalty:7", "visitor:kiosk"]).is_empty());
}

#[test]
fn what_a_visitor_shows_joins_her_histories_in_the_same_write() {
    let store = fresh();
    let shown = |id: &str, visitor: &str, time: i64| Submission {
        identifiers: vec![identifier("loyalty:7")],
        ..Submission::from(event(id, visitor, time))
    };
    let submissions = vec![
        shown("till", "till-1", 4),
        shown("web", "laptop", 2),
        shown("again", "laptop", 9),
    ];
    let written = store.write_events(submissions).unwrap().wait().unwrap();
    assert!(written.refused_links.is_empty());
    assert_eq!(
        history(&store, &["visitor:laptop"]),
        ["web", "till", "again"]
    );
    let person = store.resolve(&identifier("visitor:till-1")).unwrap();
    assert_eq!(
        (person.key, person.identifiers.len()),
        (identifier("loyalty:7"), 3)
    );
    let latest = store.history(&[identifier("loyalty:7")], 2).unwrap();
    assert_eq!(ids(&latest), ["till", "again"]);
}

#[test]
fn a_kiosk_that_meets_many_cards_stays_apart_and_is_noted_once() {
    let store = fresh();
    let mut refused = 0;
    for round in 0..2 {
        for card in 0..6 {
            let submission = Submission {
                identifiers: vec![identifier(&format!("loyalty:{card}"))],
                ..Submission::from(event(&format!("{round}-{card}"), "kiosk", card))
            };
            let written = store
                .write_events(vec![submission])
                .unwrap()
                .wait()
                .unwrap();
            assert_eq!(written.outcomes, [SubmissionOutcome::Stored]);
            refused += written.refused_links.len();
        }
    }
    assert_eq!(refused, 8, "four cards, twice");
    assert_eq!(
        store
            .resolve(&identifier("loyalty:5"))
            .unwrap()
            .identifiers
            .len(),
        1
    );
    let notes = store.engine().facts(Table::Audit).unwrap().count();
    assert_eq!(notes, 2 + 4);
}

#[test]
fn events_older_than_the_retention_are_dropped_and_no_others() {
    let config = StoreConfig {
        retention_days: Some(3),
        ..StoreConfig::default()
    };
    let store = opened(&Arc::default(), config);
    let day = 86_400_000;
    let aged = |id: &str, days: i64| Submission::from(event(id, "ann", NOON - days * day));
    let submissions = vec![aged("old", 4), aged("edge", 3), aged("new", 0)];
    store.write_events(submissions).unwrap().wait().unwrap();
    assert_eq!(store.expire().unwrap(), 1);
    assert_eq!(store.expire().unwrap(), 0);
    let history = store.history(&[identifier("visitor:ann")], 9).unwrap();
    let ids = history
        .iter()
        .map(|stored| stored.event.id.as_deref().unwrap());
    assert!(ids.eq(["edge", "new"]));
    assert_eq!(fresh().expire().unwrap(), 0, "nothing is dropped unasked");
}

#[test]
fn a_clock_that_jumps_back_or_a_client_that_is_ahead_reorders_nothing() {
    let hands = clock();
    let around = Surroundings {
        clock: Arc::clone(&hands) as Arc<dyn Clock>,
        ..Surroundings::default()
    };
    let engine = Arc::new(MemoryEngine::default());
    let store = Store::open_with(engine, StoreConfig::default(), around).unwrap();
    let untimed = |id: &str| Event {
        time: None,
        ..event(id, "ann", 0)
    };
    write(&store, vec![untimed("1")]);
    hands.put(NOON - 3_600_000);
    write(
        &store,
        vec![untimed("2"), event("ahead", "ann", NOON + 86_400_000)],
    );
    hands.put(NOON + 1);
    write(&store, vec![untimed("3")]);
    assert_eq!(history(&store, &["visitor:ann"]), ["1", "2", "ahead", "3"]);
    let times = store.history(&[identifier("visitor:ann")], 9).unwrap();
    let times: Vec<i64> = times
        .iter()
        .map(|stored| stored.event.time.unwrap().0)
        .collect();
    assert_eq!(times, [NOON, NOON, NOON, NOON + 1]);
}

/// An engine that answers writes when it is told to.
#[derive(Debug, Default)]
struct Slow {
    engine: MemoryEngine,
    waiting: Mutex<Vec<(Pending<Written>, Written)>>,
}

impl Slow {
    fn answer(&self) {
        for (pending, written) in self.waiting.lock().unwrap().drain(..) {
            pending.settle(Ok(written));
        }
    }
}

impl Engine for Slow {
    fn write(&self, batch: Batch) -> Result<Ticket<Written>> {
        if batch.facts.iter().any(|fact| fact.table == Table::Transfer) {
            return self.engine.write(batch);
        }
        let written = self.engine.write(batch)?.wait()?;
        let (pending, ticket) = Ticket::new();
        self.waiting.lock().unwrap().push((pending, written));
        Ok(ticket)
    }
    forward!(recent, events, forget, rest);
}

#[test]
fn a_write_that_is_awaited_is_seen_when_it_answers_and_one_that_is_dropped_all_the_same() {
    let engine = Arc::new(Slow::default());
    let store = Store::open(
        Arc::clone(&engine) as Arc<dyn Engine>,
        StoreConfig::default(),
    )
    .unwrap();
    let resolved = |of: &str| store.resolve(&identifier(of)).unwrap().identifiers.len();
    let mut context = Context::from_waker(Waker::noop());
    let mut writing = pin!(store.link(vec![link("cookie:1", "account:1")]).unwrap());
    assert!(writing.as_mut().poll(&mut context).is_pending());
    assert_eq!(resolved("cookie:1"), 1, "not on the disk yet");
    engine.answer();
    let Poll::Ready(Ok(_)) = writing.as_mut().poll(&mut context) else {
        panic!("it was answered");
    };
    assert_eq!(resolved("cookie:1"), 2);
    drop(store.link(vec![link("cookie:2", "account:1")]).unwrap());
    assert_eq!(resolved("cookie:2"), 1);
    engine.answer();
    assert_eq!(resolved("cookie:2"), 3);
    let settled = store.link(vec![link("cookie:3", "account:1")]).unwrap();
    engine.answer();
    drop(settled);
    assert_eq!(resolved("cookie:3"), 4);
}

fn said(kind: EventKind, id: &str, visitor: &str, time: i64) -> Event {
    Event {
        kind,
        ..event(id, visitor, time)
    }
}

/// A shopper looks at products until nothing else is among the latest events of her history.
fn looks(store: &Store, visitor: &str, from: i64) {
    let looks = (from..from + 60).map(|time| event(&format!("{visitor}{time}"), visitor, time));
    write(store, looks.collect());
}

#[test]
fn what_she_refuses_stays_in_her_history_until_she_takes_it_up_again() {
    let store = fresh();
    write(&store, vec![said(EventKind::Hide, "hide", "till", 1)]);
    looks(&store, "till", 10);
    looks(&store, "phone", 10);
    let latest = |store: &Store| {
        let history = store.history(&[identifier("visitor:phone")], 50).unwrap();
        (ids(&history)[0].to_owned(), history.len())
    };
    assert_eq!(latest(&store), ("phone20".into(), 50));
    linked(&store, "visitor:till", "visitor:phone");
    assert_eq!(latest(&store), ("hide".into(), 51));
    let nothing = store.history(&[identifier("visitor:phone")], 0).unwrap();
    assert_eq!(
        ids(&nothing),
        ["hide"],
        "also where no history is asked for"
    );
    write(&store, vec![said(EventKind::Purchase, "buy", "phone", 5)]);
    assert_eq!(latest(&store).1, 50, "she bought it after that");
    write(
        &store,
        vec![said(EventKind::Dislike, "dislike", "phone", 6)],
    );
    assert_eq!(latest(&store), ("dislike".into(), 51));
    let apart = link("visitor:till", "visitor:phone");
    assert!(store.unlink(apart).unwrap().wait().unwrap());
    assert_eq!(latest(&store), ("dislike".into(), 51));
    let till = store.history(&[identifier("visitor:till")], 50).unwrap();
    assert_eq!(ids(&till)[0], "hide", "what the phone bought is not hers");
}

#[test]
fn a_refusal_that_may_not_be_served_is_not_in_the_history() {
    let config = StoreConfig {
        consent: ConsentConfig {
            unspecified: Unspecified::StoreOnly,
        },
        ..StoreConfig::default()
    };
    let store = opened(&Arc::default(), config);
    let agreed = |id: &str, consent| Event {
        consent,
        ..said(EventKind::Hide, id, "ann", 1)
    };
    write(&store, vec![agreed("silent", Consent::Unspecified)]);
    let history = |store: &Store| store.history(&[identifier("visitor:ann")], 0).unwrap();
    assert!(history(&store).is_empty());
    write(&store, vec![agreed("agreed", Consent::Granted)]);
    assert_eq!(ids(&history(&store)), ["agreed"]);
}
