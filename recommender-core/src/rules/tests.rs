use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::*;
use crate::baskets::{BasketConfig, Baskets};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::events::{Channel, Event, EventKind, EventTable};
use crate::ids::{ItemIx, PlaceIx};
use crate::interactions::InteractionConfig;
use crate::query::HistoryItem;
use crate::recommender::FitOptions;
use crate::time::Timestamp;

type Set = BTreeSet<u32>;

/// Baskets a day apart; an empty one leaves nothing.
fn baskets(sets: &[Set]) -> Baskets {
    let mut timeline = Vec::new();
    for (day, set) in (0..).zip(sets) {
        timeline.extend(set.iter().map(|&item| HistoryItem {
            item: ItemIx(item),
            weight: 1.0,
            time: Timestamp::from_seconds(day * 86_400),
        }));
    }
    Baskets::of_timeline(&timeline, &BasketConfig::default())
}

fn sets(lists: &[&[u32]]) -> Vec<Set> {
    let set = |list: &&[u32]| list.iter().copied().collect();
    lists.iter().map(set).collect()
}

/// Everything is kept.
fn all(support: f64, length: usize) -> MiningConfig {
    MiningConfig {
        support,
        least_baskets: 1,
        confidence: 0.0,
        lift: 0.0,
        log_likelihood_ratio: 0.0,
        length,
        consequent: length - 1,
        ..MiningConfig::default()
    }
}

fn mined(config: &MiningConfig, sets: &[Set]) -> (Itemsets, Rules) {
    let options = FitOptions::default();
    let itemsets = config.itemsets(&baskets(sets), &options).unwrap();
    let rules = config.rules(&itemsets, &options).unwrap();
    (itemsets, rules)
}

/// The sets in at least `least` baskets, level by level from those one item shorter, each counted over all baskets.
fn apriori(sets: &[Set], least: usize, length: usize) -> BTreeMap<Set, u32> {
    let count = |set: &Set| sets.iter().filter(|basket| set.is_subset(basket)).count();
    let items: Set = sets.iter().flatten().copied().collect();
    let mut found = BTreeMap::new();
    let mut level: BTreeSet<Set> = items.iter().map(|&item| Set::from([item])).collect();
    for _ in 0..length {
        level.retain(|set| count(set) >= least);
        let counted = level.iter().map(|set| (set.clone(), number(count(set))));
        found.extend(counted);
        let longer = level.iter().flat_map(|set| {
            let others = items.iter().filter(|item| !set.contains(item));
            others.map(|&item| set.iter().copied().chain([item]).collect::<Set>())
        });
        level = longer.collect();
    }
    found
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap()
}

fn set_of(items: &[ItemIx]) -> Set {
    items.iter().map(|item| item.0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn itemsets_and_rules_are_those_of_brute_force(
        sets in prop::collection::vec(prop::collection::btree_set(0u32..9, 0..7), 1..30),
        least in 1u32..6,
        length in 2usize..6,
    ) {
        let sets: Vec<Set> = sets.into_iter().filter(|set| !set.is_empty()).collect();
        prop_assume!(!sets.is_empty());
        let config = MiningConfig { least_baskets: least, ..all(1e-9, length) };
        let (itemsets, rules) = mined(&config, &sets);
        let expected = apriori(&sets, least as usize, length);
        let found: BTreeMap<Set, u32> =
            itemsets.iter().map(|(items, count)| (set_of(items), count)).collect();
        prop_assert_eq!(found.len(), itemsets.len());
        prop_assert_eq!(&found, &expected);
        let mut split = BTreeSet::new();
        for rule in rules.iter() {
            let (from, to) = (set_of(rule.antecedent), set_of(rule.consequent));
            let both: Set = from.union(&to).copied().collect();
            prop_assert_eq!(both.len(), from.len() + to.len());
            let counts = RuleCounts {
                baskets: number(sets.len()),
                antecedent: expected[&from],
                consequent: expected[&to],
                both: expected[&both],
            };
            prop_assert_eq!(rule.counts, counts);
            split.insert((from, to));
        }
        // Every set but the empty one and the whole is an antecedent.
        let ways: usize = expected.keys().map(|set| (1usize << set.len()) - 2).sum();
        prop_assert_eq!((split.len(), rules.len()), (ways, ways));
    }

    #[test]
    fn bounds_keep_just_the_rules_above_them(
        sets in prop::collection::vec(prop::collection::btree_set(0u32..7, 1..6), 1..40),
        confidence in 0.0f64..1.0,
        lift in 0.0f64..2.0,
        log_likelihood_ratio in 0.0f64..6.0,
    ) {
        let everything = all(0.05, 4);
        let bounded = MiningConfig {
            confidence, lift, log_likelihood_ratio, consequent: 1, ..everything.clone()
        };
        let kept = |rule: &Rule<'_>| rule.counts.confidence() >= confidence
            && rule.counts.lift() >= lift
            && rule.counts.log_likelihood_ratio() >= log_likelihood_ratio
            && rule.consequent.len() == 1;
        let (_, rules) = mined(&everything, &sets);
        let expected: Vec<Rule<'_>> = rules.iter().filter(kept).collect();
        let (_, found) = mined(&bounded, &sets);
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }
}

/// Many baskets with a long tail.
fn long_tail() -> Vec<Set> {
    let mut state = 7u64;
    let mut next = |bound: u32| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        u32::try_from(state >> 33).unwrap() % bound
    };
    let mut basket = || -> Set {
        let length = 1 + next(12);
        (0..length).map(|_| next(40).min(next(40))).collect()
    };
    (0..800).map(|_| basket()).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_rules_in_the_same_order() {
    let baskets = baskets(&long_tail());
    let mined = |threads: usize| {
        let options = FitOptions {
            threads: Some(threads),
            ..FitOptions::default()
        };
        let config = all(0.005, 4);
        let mine = || {
            let itemsets = config.itemsets(&baskets, &options)?;
            let rules = config.rules(&itemsets, &options)?;
            Ok((itemsets, rules))
        };
        options.run(mine).unwrap()
    };
    let (itemsets, rules) = mined(1);
    assert!(
        itemsets.len() > 2_000 && rules.len() > 5_000,
        "{}",
        itemsets.len()
    );
    for threads in [2, 8] {
        assert!((&itemsets, &rules) == (&mined(threads).0, &mined(threads).1));
    }
    let key = |rule: &Rule<'_>| rule.counts.log_likelihood_ratio();
    assert!(
        rules
            .iter()
            .map(|rule| key(&rule))
            .is_sorted_by(|a, b| a >= b)
    );
}

#[test]
fn directions_of_a_pair_are_rules_of_their_own_the_surer_first() {
    // Ink is nearly always taken with a pen, a pen often without ink.
    let [pen, ink, cup] = [0, 1, 2];
    let (_, rules) = mined(
        &all(0.1, 2),
        &sets(&[&[pen, ink], &[pen, ink], &[pen], &[pen], &[cup]]),
    );
    let found: Vec<(u32, u32, f64)> = rules
        .iter()
        .map(|rule| {
            (
                rule.antecedent[0].0,
                rule.consequent[0].0,
                rule.counts.confidence(),
            )
        })
        .collect();
    assert_eq!(found, [(ink, pen, 1.0), (pen, ink, 0.5)]);
}

#[test]
fn no_basket_one_basket_and_equal_baskets_have_an_answer() {
    let (itemsets, rules) = mined(&all(0.5, 3), &[]);
    assert!(itemsets.is_empty() && rules.is_empty());
    let (itemsets, rules) = mined(&all(1.0, 3), &sets(&[&[1, 4, 6]]));
    assert_eq!((itemsets.len(), rules.len()), (7, 12));
    let same = sets(&[&[1, 4][..]; 20]);
    let (_, rules) = mined(&all(0.5, 3), &same);
    let counts = rules.iter().next().unwrap().counts;
    assert_eq!((counts.lift(), counts.leverage()), (1.0, 0.0));
    assert_eq!(counts.conviction(), f64::INFINITY);
    // What is in every basket tells nothing of any.
    let (_, rules) = mined(&MiningConfig::default(), &same);
    assert!(rules.is_empty());
}

#[test]
fn a_support_of_nothing_is_refused_with_what_it_would_give() {
    let config = all(0.0, 2);
    let baskets = baskets(&sets(&[&[1, 4, 6], &[9]]));
    let error = config.itemsets(&baskets, &FitOptions::default());
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Config(_)));
    let error = error.to_string();
    for words in [
        "rules.support",
        "all 10 itemsets of up to 2 of the 4 items",
        "at least 6",
    ] {
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_mine_that_does_not_fit_stops_and_says_what_it_needs() {
    let baskets = baskets(&long_tail());
    let options = FitOptions::default();
    let needed = |config: &MiningConfig| -> String {
        let itemsets = config.itemsets(&baskets, &options);
        let rules = itemsets.and_then(|itemsets| config.rules(&itemsets, &options));
        match rules {
            Ok(rules) => format!("{} rules", rules.len()),
            Err(error) => {
                assert!(matches!(error, Error::Data { .. }));
                error.to_string()
            }
        }
    };
    let with = |max_memory_bytes: u64| MiningConfig {
        max_memory_bytes,
        consequent: 1,
        ..all(0.005, 4)
    };
    assert!(needed(&with(100)).contains("need more than 800 bytes"));
    let itemsets = needed(&with(500_000));
    assert!(itemsets.contains("itemsets need"), "{itemsets}");
    // Allowed what it says, it gets further: to the rules, which need more.
    let bytes = |error: &str| -> u64 {
        let words: Vec<&str> = error.split(' ').collect();
        let place = words.iter().position(|&word| word == "need").unwrap();
        words[place + 1].parse().unwrap()
    };
    let rules = needed(&with(bytes(&itemsets)));
    assert!(rules.contains(" rules need"), "{rules}");
    assert!(needed(&with(bytes(&itemsets) - 1)).contains("itemsets need"));
    assert!(!needed(&with(bytes(&rules))).contains("need"));
}

#[test]
fn a_cancelled_mine_stops() {
    let options = FitOptions::default();
    options.cancel.store(true, Ordering::Relaxed);
    let config = all(0.005, 4);
    let itemsets = config.itemsets(&baskets(&long_tail()), &options);
    assert!(matches!(itemsets, Err(Error::Cancelled)));
    let (itemsets, _) = mined(&config, &long_tail());
    let rules = config.rules(&itemsets, &options);
    assert!(matches!(rules, Err(Error::Cancelled)));
}

/// Six baskets of pen and ink at the till, four of a cup on the web, one from nowhere, and looks at everything.
fn shop() -> Dataset {
    let mut table = EventTable::new();
    for visitor in 0..11 {
        let (items, channel, place) = match visitor {
            0..6 => (&["pen", "ink"][..], Some(Channel::PointOfSale), Some("Ulm")),
            6..10 => (&["cup"][..], Some(Channel::Web), None),
            _ => (&["pen", "cup"][..], None, None),
        };
        for (item, kind) in [("pot", EventKind::View)]
            .into_iter()
            .chain(items.iter().map(|&item| (item, EventKind::Purchase)))
        {
            let event = Event {
                visitor: visitor.to_string(),
                item: Some(item.into()),
                kind,
                channel,
                place: place.map(Into::into),
                quantity: 1.0,
                ..Event::default()
            };
            table.push(&event).unwrap();
        }
    }
    Dataset::new(table, vec![], InteractionConfig::default()).unwrap()
}

#[test]
fn rules_are_of_each_channel_or_place_apart_and_of_the_kinds_named() {
    let dataset = shop();
    let options = FitOptions::default();
    let config = MiningConfig {
        kinds: vec![EventKind::Purchase],
        ..all(0.01, 2)
    };
    let mine = |config: &MiningConfig, by| -> Vec<(Group, u32, usize)> {
        let tables = config.mine(&dataset, by, &options).unwrap();
        let facts = tables
            .iter()
            .map(|table| (table.group, table.rules.baskets(), table.rules.len()));
        facts.collect()
    };
    assert_eq!(mine(&config, Grouping::None), [(Group::All, 11, 4)]);
    assert_eq!(
        mine(&config, Grouping::Channel),
        [
            (Group::Channel(None), 1, 2),
            (Group::Channel(Some(Channel::Web)), 4, 0),
            (Group::Channel(Some(Channel::PointOfSale)), 6, 2),
        ]
    );
    assert_eq!(
        mine(&config, Grouping::Place),
        [
            (Group::Place(None), 5, 2),
            (Group::Place(Some(PlaceIx(0))), 6, 2)
        ]
    );
    // Looks put the pot into every basket.
    assert_eq!(mine(&all(0.01, 2), Grouping::None), [(Group::All, 11, 10)]);
    let nothing = MiningConfig {
        kinds: vec![EventKind::Wishlist],
        ..config
    };
    assert_eq!(mine(&nothing, Grouping::None), [(Group::All, 0, 0)]);
    assert_eq!(mine(&nothing, Grouping::Channel), []);
}
