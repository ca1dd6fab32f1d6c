use super::*;
use crate::audit::{AuditAction, AuditRecord};
use crate::error::StoreError;
use crate::identity::{Cap, IdentityConfig, LinkOutcome};
use crate::record::Table;

fn audit(store: &Store) -> Vec<AuditRecord> {
    let facts = store.engine().facts(Table::Audit).unwrap();
    let values = facts.map(|stored| stored.unwrap().fact.value.unwrap());
    values
        .map(|value| serde_json::from_slice(&value).unwrap())
        .collect()
}

#[test]
fn a_link_merges_histories_at_once_and_taking_it_back_parts_them() {
    let store = fresh();
    write(
        &store,
        vec![
            event("w1", "web", 1),
            event("t1", "till", 2),
            event("w2", "web", 3),
        ],
    );
    linked(&store, "visitor:web", "loyalty:7");
    linked(&store, "visitor:till", "loyalty:7");
    assert_eq!(history(&store, &["visitor:web"]), ["w1", "t1", "w2"]);
    assert_eq!(store.person_of_visitor("till"), "loyalty:7");
    assert!(
        store
            .unlink(link("loyalty:7", "visitor:till"))
            .unwrap()
            .wait()
            .unwrap()
    );
    assert!(
        !store
            .unlink(link("loyalty:7", "visitor:till"))
            .unwrap()
            .wait()
            .unwrap()
    );
    assert_eq!(history(&store, &["visitor:web"]), ["w1", "w2"]);
    assert_eq!(store.person_of_visitor("till"), "visitor:till");
    let both = history(&store, &["visitor:web", "visitor:till"]);
    assert_eq!(both, ["w1", "t1", "w2"], "asked for as one");
    let actions: Vec<AuditAction> = audit(&store).iter().map(|record| record.action).collect();
    assert_eq!(
        actions,
        [
            AuditAction::Link,
            AuditAction::Link,
            AuditAction::Unlink,
            AuditAction::Unlink
        ]
    );
}

#[test]
fn links_of_one_call_are_judged_one_after_the_other() {
    let config = StoreConfig {
        identity: IdentityConfig {
            max_identifiers: 3,
            ..IdentityConfig::default()
        },
        ..StoreConfig::default()
    };
    let store = opened(&Arc::default(), config);
    linked(&store, "cookie:0", "account:1");
    let links = vec![
        link("cookie:1", "account:1"),
        link("cookie:0", "account:1"),
        link("cookie:2", "account:1"),
        link("cookie:2", "account:2"),
    ];
    let outcomes = store.link(links).unwrap().wait().unwrap();
    let LinkOutcome::Refused(refusal) = &outcomes[2] else {
        panic!("{outcomes:?}");
    };
    assert_eq!((refusal.cap, refusal.found), (Cap::Identifiers, 4));
    assert_eq!(outcomes[..2], [LinkOutcome::Linked, LinkOutcome::Known]);
    assert_eq!(outcomes[3], LinkOutcome::Linked);
    let records = audit(&store);
    assert_eq!(records.len(), 5);
    let refused: Vec<&AuditRecord> = records
        .iter()
        .filter(|record| record.refused.is_some())
        .collect();
    assert_eq!((refused.len(), refused[0].by.as_str()), (1, "web"));
    assert_eq!(refused[0].evidence, "logged in");
    assert_eq!(
        store
            .resolve(&identifier("account:1"))
            .unwrap()
            .identifiers
            .len(),
        3
    );
}

#[test]
fn a_link_of_tomorrow_or_with_itself_is_refused() {
    let store = fresh();
    let tomorrow = Link {
        since: Timestamp(NOON + 86_400_000),
        ..link("cookie:1", "account:1")
    };
    for wrong in [tomorrow, link("cookie:1", "cookie:1")] {
        let error = store.link(vec![wrong]).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    }
    assert!(audit(&store).is_empty());
}

#[test]
fn everything_about_a_person_is_exported_and_nothing_about_others() {
    let store = fresh();
    write(
        &store,
        vec![
            event("1", "web", 1),
            event("2", "till", 2),
            event("3", "bob", 3),
        ],
    );
    linked(&store, "visitor:web", "account:ann");
    linked(&store, "visitor:till", "account:ann");
    linked(&store, "visitor:bob", "account:bob");
    consented(&store, "account:ann", said(Consent::Granted, 5));
    let export = store
        .export_person(&identifier("visitor:web"), "support")
        .unwrap();
    let text = serde_json::to_string_pretty(&export).unwrap();
    assert!(!text.contains("bob"), "{text}");
    assert_eq!(export.person, identifier("account:ann"));
    assert_eq!((export.events.len(), export.links.len()), (2, 2));
    assert_eq!(export.consents["account:ann"], said(Consent::Granted, 5));
    let actions: Vec<AuditAction> = export.audit.iter().map(|record| record.action).collect();
    let expected = [
        AuditAction::Link,
        AuditAction::Link,
        AuditAction::Consent(Consent::Granted),
        AuditAction::Export,
    ];
    assert_eq!(actions, expected);
}
