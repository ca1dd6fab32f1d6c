use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use recommender_core::Timestamp;

use super::*;
use crate::record::Position;
use crate::stamp::Stamp;

fn identifier(text: &str) -> Identifier {
    text.parse().unwrap()
}

fn link(a: &Identifier, b: &Identifier) -> Link {
    Link {
        a: a.clone(),
        b: b.clone(),
        evidence: "logged in".into(),
        since: Timestamp(0),
        by: "web".into(),
    }
}

fn stamp(position: u64) -> Stamp {
    Stamp {
        version: 0,
        position: Position(position),
    }
}

fn lenient() -> IdentityConfig {
    IdentityConfig {
        max_identifiers: usize::MAX,
        max_links: usize::MAX,
        max_accounts: usize::MAX,
        max_cards: usize::MAX,
    }
}

fn put(graph: &mut IdentityGraph, a: &Identifier, b: &Identifier, position: u64) {
    let made = link(a, b);
    graph.apply(made.pair(), Some(made.clone()), stamp(position));
}

fn take(graph: &mut IdentityGraph, a: &Identifier, b: &Identifier, position: u64) {
    let made = link(a, b);
    graph.apply(made.pair(), None, stamp(position));
}

/// Identifiers of all strengths.
fn someone(number: usize) -> Identifier {
    let namespace = Namespace::ALL[number * 5 % Namespace::ALL.len()];
    Identifier::new(namespace, &format!("p{number}")).unwrap()
}

/// Who can be reached from `start`, by walking the links one by one.
fn walked(links: &BTreeSet<(usize, usize)>, start: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::from([start]);
    loop {
        let next = links.iter().flat_map(|&(a, b)| [(a, b), (b, a)]);
        let more: Vec<usize> = next
            .filter(|(a, b)| reached.contains(a) && !reached.contains(b))
            .map(|(_, b)| b)
            .collect();
        if more.is_empty() {
            return reached;
        }
        reached.extend(more);
    }
}

fn assert_as_walked(graph: &IdentityGraph, links: &BTreeSet<(usize, usize)>, people: usize) {
    for number in 0..people {
        let reached = walked(links, number);
        let mut expected: Vec<Identifier> = reached.into_iter().map(someone).collect();
        expected.sort();
        assert_eq!(graph.identifiers(&someone(number)), expected);
        assert_eq!(graph.person(&someone(number)), expected[0]);
    }
    assert_eq!(graph.len(), links.len());
}

const PEOPLE: usize = 14;

proptest! {
    #[test]
    fn persons_are_the_components_after_any_links_and_unlinks(
        steps in prop::collection::vec((0..PEOPLE, 0..PEOPLE, prop::bool::weighted(0.65)), 0..70),
    ) {
        let mut graph = IdentityGraph::default();
        let mut links = BTreeSet::new();
        for (position, &(a, b, add)) in (1u64..).zip(&steps) {
            let (a, b) = (a.min(b), a.max(b));
            if a == b {
                continue;
            }
            if add {
                links.insert((a, b));
                put(&mut graph, &someone(a), &someone(b), position);
            } else {
                links.remove(&(a, b));
                take(&mut graph, &someone(b), &someone(a), position);
            }
            assert_as_walked(&graph, &links, PEOPLE);
        }
    }

    #[test]
    fn the_order_in_which_facts_arrive_changes_nothing(
        steps in prop::collection::vec((0..PEOPLE, 0..PEOPLE, prop::bool::weighted(0.65)), 0..50),
        keys in prop::collection::vec(any::<u32>(), 50),
    ) {
        let steps: Vec<_> = (1u64..).zip(steps).filter(|(_, (a, b, _))| a != b).collect();
        let mut shuffled: Vec<_> = steps.iter().zip(keys).collect();
        shuffled.sort_by_key(|&(_, key)| key);
        let mut standing = BTreeMap::new();
        for &(_, (a, b, add)) in &steps {
            standing.insert((a.min(b), a.max(b)), add);
        }
        let links = standing.into_iter().filter(|&(_, add)| add).map(|(pair, _)| pair);
        let links: BTreeSet<(usize, usize)> = links.collect();
        let mut graph = IdentityGraph::default();
        // Some facts come twice, as those do that a process wrote itself.
        for &(position, (a, b, add)) in shuffled.iter().chain(&shuffled[..shuffled.len() / 2]).map(|(step, _)| *step) {
            if add {
                put(&mut graph, &someone(a), &someone(b), position);
            } else {
                take(&mut graph, &someone(a), &someone(b), position);
            }
        }
        assert_as_walked(&graph, &links, PEOPLE);
    }
}

#[test]
fn a_person_has_the_key_of_her_strongest_identifier_until_it_is_taken_away() {
    let mut graph = IdentityGraph::default();
    let [cookie, card, account] = ["cookie:c", "loyalty:7", "account:z"].map(identifier);
    assert_eq!(graph.person(&cookie), cookie);
    put(&mut graph, &cookie, &card, 1);
    assert_eq!(graph.person(&cookie), card);
    put(&mut graph, &card, &account, 2);
    assert_eq!(graph.person(&cookie), account);
    assert_eq!(graph.links_of(&cookie).len(), 2);
    take(&mut graph, &card, &account, 3);
    assert_eq!(graph.person(&cookie), card);
    assert_eq!(graph.identifiers(&account), [account]);
}

#[test]
fn a_kiosk_a_second_account_and_a_third_card_are_refused_with_the_cap_they_break() {
    let mut graph = IdentityGraph::default();
    let config = IdentityConfig {
        max_identifiers: 6,
        max_links: 2,
        ..IdentityConfig::default()
    };
    let [kiosk, mother, father] = ["cookie:kiosk", "account:m", "account:f"].map(identifier);
    put(&mut graph, &kiosk, &mother, 1);
    let judged = |graph: &IdentityGraph, a: &Identifier, b: &Identifier| {
        let judged = graph.judge(&link(a, b), &config).unwrap();
        judged.map(|refusal| (refusal.cap, refusal.found, refusal.to_string()))
    };
    let (cap, found, reason) = judged(&graph, &kiosk, &father).unwrap();
    assert_eq!((cap, found), (Cap::Accounts, 2));
    assert!(
        reason.contains("max_accounts is 1") && reason.contains("account:f"),
        "{reason}"
    );
    put(&mut graph, &kiosk, &identifier("loyalty:1"), 2);
    let third = judged(&graph, &kiosk, &identifier("loyalty:2")).unwrap();
    assert_eq!((third.0, third.1), (Cap::Links, 3));
    put(&mut graph, &mother, &identifier("loyalty:2"), 3);
    let card = judged(&graph, &mother, &identifier("loyalty:3")).unwrap();
    assert_eq!((card.0, card.1), (Cap::Cards, 3));
    for name in ["cookie:1", "cookie:2"] {
        assert_eq!(judged(&graph, &mother, &identifier(name)), None);
        put(&mut graph, &mother, &identifier(name), 4);
    }
    let full = judged(&graph, &mother, &identifier("cookie:3")).unwrap();
    assert_eq!((full.0, full.1), (Cap::Identifiers, 7));
    assert_eq!(
        judged(&graph, &mother, &identifier("loyalty:1")),
        None,
        "one person already"
    );
    assert!(graph.judge(&link(&kiosk, &kiosk), &config).is_err());
}

#[test]
fn ten_thousand_links_in_one_component_are_made_and_taken_back() {
    let mut graph = IdentityGraph::default();
    let hub = identifier("account:hub");
    let cookies: Vec<Identifier> = (0..10_000)
        .map(|n| identifier(&format!("cookie:{n}")))
        .collect();
    for (position, pair) in (1u64..).zip(cookies.windows(2)) {
        assert_eq!(
            graph.judge(&link(&pair[0], &pair[1]), &lenient()).unwrap(),
            None
        );
        put(&mut graph, &pair[0], &pair[1], position);
    }
    put(&mut graph, &hub, &cookies[5_000], 20_000);
    assert_eq!(graph.identifiers(&cookies[0]).len(), 10_001);
    take(&mut graph, &cookies[4_999], &cookies[5_000], 20_001);
    assert_eq!(graph.identifiers(&cookies[0]).len(), 5_000);
    assert_eq!(graph.person(&cookies[9_999]), hub);
    assert_eq!(graph.person(&cookies[0]), identifier("cookie:0"));
    put(&mut graph, &cookies[0], &cookies[9_999], 20_002);
    assert_eq!(graph.identifiers(&hub).len(), 10_001);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let config = IdentityConfig {
        max_identifiers: 1,
        ..IdentityConfig::default()
    };
    let error = config.validate().unwrap_err().to_string();
    assert!(error.contains("max_identifiers"), "{error}");
    assert!(IdentityConfig::default().validate().is_ok());
}
