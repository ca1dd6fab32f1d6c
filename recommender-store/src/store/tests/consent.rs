use super::*;
use crate::exchange::Admission;
use crate::privacy::{ConsentConfig, Pseudonyms, Unspecified};
use crate::record::{Span, Table};

fn policy(unspecified: Unspecified) -> StoreConfig {
    StoreConfig {
        consent: ConsentConfig { unspecified },
        ..StoreConfig::default()
    }
}

fn stored(id: &str, consent: Consent) -> Event {
    Event {
        consent,
        ..event(id, "ann", 1)
    }
}

#[test]
fn who_denied_is_neither_stored_nor_served_nor_learned_from_until_she_agrees() {
    let store = fresh();
    write(&store, vec![event("before", "web", 1)]);
    linked(&store, "visitor:web", "account:ann");
    let before = || store.engine().recent("web", 1).unwrap().remove(0).event;
    assert!(store.may_train(&before()) && store.may_serve(&before()));
    consented(&store, "account:ann", said(Consent::Denied, 10));
    let outcomes = write(&store, vec![event("during", "web", 11)]);
    assert_eq!(outcomes, [SubmissionOutcome::NotStored(NotStored::Denied)]);
    assert!(history(&store, &["visitor:web"]).is_empty());
    assert!(!store.may_train(&before()) && !store.may_serve(&before()));
    assert_eq!(
        consented(&store, "account:ann", said(Consent::Granted, 9)),
        FactOutcome::Stale
    );
    assert_eq!(
        consented(&store, "visitor:web", said(Consent::Granted, 12)),
        FactOutcome::Applied
    );
    assert_eq!(history(&store, &["visitor:web"]), ["before"]);
    store
        .unlink(link("visitor:web", "account:ann"))
        .unwrap()
        .wait()
        .unwrap();
    assert_eq!(
        store.consent(&identifier("account:ann")).unwrap(),
        Consent::Denied
    );
    assert!(
        store
            .set_consent(&identifier("account:ann"), said(Consent::Granted, i64::MAX))
            .is_err()
    );
}

#[test]
fn a_card_that_denied_keeps_out_what_is_done_with_it() {
    let store = fresh();
    consented(&store, "loyalty:7", said(Consent::Denied, 10));
    let shown = Submission {
        identifiers: vec![identifier("loyalty:7")],
        ..Submission::from(event("1", "till", 11))
    };
    let written = store.write_events(vec![shown]).unwrap().wait().unwrap();
    assert_eq!(
        written.outcomes,
        [SubmissionOutcome::NotStored(NotStored::Denied)]
    );
    assert_eq!(
        store
            .resolve(&identifier("visitor:till"))
            .unwrap()
            .identifiers
            .len(),
        1
    );
}

#[test]
fn silence_is_taken_as_the_operator_says() {
    let silent = || {
        vec![
            stored("s", Consent::Unspecified),
            stored("g", Consent::Granted),
            stored("d", Consent::Denied),
        ]
    };
    let denied = SubmissionOutcome::NotStored(NotStored::Denied);
    for (unspecified, outcome, served) in [
        (Unspecified::Use, SubmissionOutcome::Stored, vec!["s", "g"]),
        (Unspecified::StoreOnly, SubmissionOutcome::Stored, vec!["g"]),
        (
            Unspecified::Refuse,
            SubmissionOutcome::NotStored(NotStored::Unspecified),
            vec!["g"],
        ),
    ] {
        let store = opened(&Arc::default(), policy(unspecified));
        assert_eq!(
            write(&store, silent()),
            [outcome, SubmissionOutcome::Stored, denied.clone()]
        );
        assert_eq!(history(&store, &["visitor:ann"]), served);
        let events = store.engine().events(Span::default()).unwrap();
        let trained = events.filter(|stored| store.may_train(&stored.as_ref().unwrap().event));
        assert_eq!(trained.count(), served.len());
        let mut imported = stored("i", Consent::Unspecified);
        let admitted = unspecified != Unspecified::Refuse;
        assert_eq!(store.admit(&mut imported) == Admission::Admitted, admitted);
    }
}

#[test]
fn the_limit_counts_what_may_be_served() {
    let store = opened(&Arc::default(), policy(Unspecified::StoreOnly));
    let mixed = (0..40).map(|number| Event {
        consent: if number < 3 {
            Consent::Granted
        } else {
            Consent::Unspecified
        },
        ..event(&number.to_string(), "ann", number)
    });
    write(&store, mixed.collect());
    let served = store.history(&[identifier("visitor:ann")], 2).unwrap();
    assert_eq!(ids(&served), ["1", "2"]);
    assert!(
        store
            .history(&[identifier("visitor:ann")], 0)
            .unwrap()
            .is_empty()
    );
}

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

fn with_key(
    engine: &Arc<MemoryEngine>,
    secret: Option<&[u8]>,
    config: StoreConfig,
) -> Result<Store> {
    let around = Surroundings {
        pseudonyms: secret.map(|secret| Pseudonyms::new(secret).unwrap()),
        clock: clock(),
    };
    Store::open_with(Arc::clone(engine) as Arc<dyn Engine>, config, around)
}

#[test]
fn no_personal_key_reaches_the_engine() {
    let engine = Arc::new(MemoryEngine::default());
    let store = with_key(&engine, Some(SECRET), StoreConfig::default()).unwrap();
    let shopping = Event {
        session: Some("secret-visit".into()),
        ..event("1", "secret-ann", 1)
    };
    let submission = Submission {
        identifiers: vec![identifier("loyalty:secret-card")],
        ..Submission::from(shopping)
    };
    store
        .write_events(vec![submission])
        .unwrap()
        .wait()
        .unwrap();
    linked(&store, "account:secret-account", "loyalty:secret-card");
    consented(&store, "account:secret-account", said(Consent::Granted, 1));
    let export = store
        .export_person(&identifier("visitor:secret-ann"), "support")
        .unwrap();
    assert_eq!((export.events.len(), export.identifiers.len()), (1, 3));
    assert_eq!(history(&store, &["account:secret-account"]), ["1"]);
    assert_eq!(
        store
            .resolve(&identifier("loyalty:secret-card"))
            .unwrap()
            .identifiers
            .len(),
        3
    );
    let kept = format!(
        "{engine:?} {store:?} {}",
        serde_json::to_string(&export).unwrap()
    );
    let facts = engine
        .facts(Table::Link)
        .unwrap()
        .chain(engine.facts(Table::Audit).unwrap());
    let values =
        facts.map(|stored| String::from_utf8(stored.unwrap().fact.value.unwrap()).unwrap());
    for text in values.chain([kept]) {
        assert!(!text.contains("secret-"), "{text}");
    }
}

#[test]
fn a_store_begun_with_one_secret_refuses_another() {
    let engine = Arc::new(MemoryEngine::default());
    drop(with_key(&engine, Some(SECRET), StoreConfig::default()).unwrap());
    drop(with_key(&engine, Some(SECRET), StoreConfig::default()).unwrap());
    let other: &[u8] = b"another secret of at least 32 bytes";
    for secret in [None, Some(other)] {
        let error = with_key(&engine, secret, StoreConfig::default()).unwrap_err();
        assert!(
            error.to_string().contains("key of the pseudonyms"),
            "{error}"
        );
    }
    let accepting = StoreConfig {
        accept_new_key: true,
        ..StoreConfig::default()
    };
    drop(with_key(&engine, Some(other), accepting).unwrap());
    assert!(with_key(&engine, Some(other), StoreConfig::default()).is_ok());
    let filled = Arc::new(MemoryEngine::default());
    let batch = crate::record::Batch {
        events: vec![event("1", "ann", 1)],
        facts: Vec::new(),
    };
    filled.write(batch).unwrap().wait().unwrap();
    assert!(with_key(&filled, Some(SECRET), StoreConfig::default()).is_err());
    assert!(with_key(&filled, None, StoreConfig::default()).is_ok());
}
