//! What one server is told, another knows.

use std::fs;
use std::sync::Arc;

use recommender_core::Timestamp;
use recommender_core::events::{Consent, Event};
use recommender_files::load_engine;
use recommender_store::catalog::{Money, Place, ProductRecord, Stock};
use recommender_store::identity::{Link, LinkOutcome};
use recommender_store::privacy::ConsentRecord;
use recommender_store::record::FactOutcome;
use recommender_store::store::{NotStored, Submission, SubmissionOutcome};
use recommender_store::{MemoryEngine, Store, StoreConfig};

use crate::ground::{Ground, Servers};
use crate::shop::{Shop, identifier};

fn open(servers: &Servers) -> [Store; 2] {
    let engines = servers.engines.clone();
    engines.map(|engine| Store::open(engine, StoreConfig::default()).unwrap())
}

fn event(id: &str, visitor: &str, seconds: i64) -> Submission {
    Submission::from(Event {
        id: Some(id.into()),
        visitor: visitor.into(),
        item: Some("cup".into()),
        quantity: 1.0,
        time: Some(Timestamp::from_seconds(seconds)),
        ..Event::default()
    })
}

fn write(store: &Store, events: Vec<Submission>) -> Vec<SubmissionOutcome> {
    store.write_events(events).unwrap().wait().unwrap().outcomes
}

fn link(a: &str, b: &str) -> Link {
    Link {
        a: identifier(a),
        b: identifier(b),
        evidence: "showed her card".into(),
        since: Timestamp(0),
        by: "till 7".into(),
    }
}

/// The ids of what a person did, as a server sees it.
fn history(store: &Store, of: &str) -> Vec<String> {
    let events = store.history(&[identifier(of)], 50).unwrap();
    let ids = events.into_iter().filter_map(|stored| stored.event.id);
    ids.collect()
}

fn consent(consent: Consent, time: i64) -> ConsentRecord {
    ConsentRecord {
        consent,
        time: Timestamp(time),
        by: "web".into(),
        evidence: "text 3".into(),
    }
}

fn stock(quantity: f32, set_time: i64) -> Stock {
    Stock {
        place: Some("Lyon".into()),
        item: "cup".into(),
        quantity: Some(quantity),
        price: Some(Money {
            currency_code: "EUR".into(),
            units: 4,
            nanos: 990_000_000,
        }),
        set_time: Timestamp(set_time),
    }
}

pub(crate) fn what_one_server_is_told_the_other_knows(ground: &dyn Ground) {
    let servers = ground.open();
    let [one, other] = open(&servers);
    write(&one, vec![event("1", "phone", 10)]);
    write(&other, vec![event("2", "till", 20)]);
    assert_eq!(history(&other, "visitor:phone"), ["1"], "without delay");
    let outcomes = one.link(vec![link("visitor:phone", "loyalty:1")]);
    assert_eq!(outcomes.unwrap().wait().unwrap(), [LinkOutcome::Linked]);
    let outcomes = other.link(vec![link("visitor:till", "loyalty:1")]);
    assert_eq!(outcomes.unwrap().wait().unwrap(), [LinkOutcome::Linked]);
    for store in [&one, &other] {
        store.refresh().unwrap();
        assert_eq!(history(store, "loyalty:1"), ["1", "2"]);
        let person = store.resolve(&identifier("visitor:till")).unwrap();
        assert_eq!(person.key, identifier("loyalty:1"));
    }
    assert!(
        one.unlink(link("visitor:till", "loyalty:1"))
            .unwrap()
            .wait()
            .unwrap()
    );
    other.refresh().unwrap();
    assert_eq!(history(&other, "loyalty:1"), ["1"]);
    let cup = ProductRecord {
        key: "cup".into(),
        title: "Blue cup".into(),
        ..ProductRecord::default()
    };
    let lyon = Place {
        key: "Lyon".into(),
        ..Place::default()
    };
    one.put_products(&[cup]).unwrap().wait().unwrap();
    one.put_places(&[lyon]).unwrap().wait().unwrap();
    one.set_stock(&[stock(3.0, 10)]).unwrap().wait().unwrap();
    other.refresh().unwrap();
    assert_eq!(other.quantity_at("Lyon", "cup"), 3.0);
    assert_eq!(other.price(Some("Lyon"), "cup").unwrap().units, 4);
    assert_eq!(other.product("cup").unwrap().title, "Blue cup");
    // One that comes later reads what was written before it was there.
    let [_, late] = open(&servers);
    assert_eq!(late.quantity_at("Lyon", "cup"), 3.0);
    assert_eq!(history(&late, "loyalty:1"), ["1"]);
}

pub(crate) fn a_history_is_of_the_person_and_what_she_allows(ground: &dyn Ground) {
    let servers = ground.open();
    let [one, other] = open(&servers);
    let mut shown = event("2", "till", 5);
    shown.identifiers = vec![identifier("loyalty:1")];
    let mut logged_in = event("1", "phone", 10);
    logged_in.identifiers = vec![identifier("loyalty:1")];
    let ephemeral = Submission {
        ephemeral: true,
        ..event("3", "kiosk", 11)
    };
    let outcomes = write(
        &one,
        vec![logged_in, shown, ephemeral, event("1", "phone", 12)],
    );
    let expected = [
        SubmissionOutcome::Stored,
        SubmissionOutcome::Stored,
        SubmissionOutcome::NotStored(NotStored::Ephemeral),
        SubmissionOutcome::Duplicate,
    ];
    assert_eq!(outcomes, expected);
    other.refresh().unwrap();
    assert_eq!(
        history(&other, "visitor:phone"),
        ["2", "1"],
        "by their times"
    );
    let denied = one.set_consent(&identifier("loyalty:1"), consent(Consent::Denied, 20));
    assert_eq!(denied.unwrap().wait().unwrap(), FactOutcome::Applied);
    other.refresh().unwrap();
    assert_eq!(history(&other, "visitor:till"), [""; 0]);
    let refused = write(&other, vec![event("4", "phone", 30)]);
    assert_eq!(refused, [SubmissionOutcome::NotStored(NotStored::Denied)]);
    let granted = other.set_consent(&identifier("loyalty:1"), consent(Consent::Granted, 30));
    assert_eq!(granted.unwrap().wait().unwrap(), FactOutcome::Applied);
    one.refresh().unwrap();
    assert_eq!(history(&one, "visitor:till"), ["2", "1"]);
    let export = one
        .export_person(&identifier("loyalty:1"), "support")
        .unwrap();
    assert_eq!((export.events.len(), export.links.len()), (2, 2));
    let said = &export.consents["loyalty:1"];
    assert_eq!((said.consent, said.time), (Consent::Granted, Timestamp(30)));
}

pub(crate) fn an_older_word_never_beats_a_newer_one(ground: &dyn Ground) {
    let servers = ground.open();
    let [one, other] = open(&servers);
    one.set_stock(&[stock(3.0, 20)]).unwrap().wait().unwrap();
    // The other does not know of it yet, and is told all the same.
    let late = other.set_stock(&[stock(9.0, 19)]).unwrap().wait().unwrap();
    assert!(late[0].is_stale(), "{late:?}");
    let card = identifier("loyalty:1");
    let said = one.set_consent(&card, consent(Consent::Denied, 20));
    assert_eq!(said.unwrap().wait().unwrap(), FactOutcome::Applied);
    let late = other.set_consent(&card, consent(Consent::Granted, 19));
    assert_eq!(late.unwrap().wait().unwrap(), FactOutcome::Stale);
    for store in [&one, &other] {
        store.refresh().unwrap();
        assert_eq!(store.quantity_at("Lyon", "cup"), 3.0);
        assert_eq!(store.consent(&card).unwrap(), Consent::Denied);
    }
}

pub(crate) fn every_engine_gives_the_same_model(ground: &dyn Ground) {
    let servers = ground.open();
    let reference = tempfile::tempdir().unwrap();
    let here = Shop::open(Arc::clone(&servers.engines[0]), servers.root());
    let memory = Shop::open(Arc::new(MemoryEngine::default()), reference.path());
    for shop in [&here, &memory] {
        shop.fill();
    }
    for recipe in ["linear", "placed"] {
        let [(_, found), (_, expected)] =
            [&here, &memory].map(|shop| load_engine(&shop.artefact(recipe)).unwrap());
        assert_eq!(found.model_version(), expected.model_version());
    }
    let exported = fs::read_dir(here.exported()).unwrap().count();
    assert_eq!(exported, fs::read_dir(memory.exported()).unwrap().count());
}
