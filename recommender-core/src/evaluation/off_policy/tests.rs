//! Estimators on policies whose value is known: what they find over many logs.

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::*;
use crate::error::{Error, Result};
use crate::ids::ItemIx;
use crate::recommender::FitOptions;

const SLOTS: usize = 3;
const PRODUCTS: usize = 4;

/// The chances of each product in each slot.
type Policy = [[f64; PRODUCTS]; SLOTS];

const LOGGED: Policy = [
    [0.4, 0.3, 0.2, 0.1],
    [0.25, 0.25, 0.25, 0.25],
    [0.1, 0.1, 0.4, 0.4],
];
const TARGET: Policy = [
    [0.1, 0.1, 0.2, 0.6],
    [0.1, 0.7, 0.1, 0.1],
    [0.4, 0.3, 0.2, 0.1],
];

/// How likely a product is clicked in a slot.
fn rate(slot: usize, product: usize) -> f64 {
    [0.6, 0.4, 0.2][slot] * [0.2, 0.9, 0.4, 0.7][product]
}

/// The true value of a policy, per slot.
fn truth(policy: &Policy) -> f64 {
    let slot = |(slot, chances): (usize, &[f64; PRODUCTS])| -> f64 {
        let products = chances.iter().enumerate();
        products.map(|(it, chance)| chance * rate(slot, it)).sum()
    };
    policy.iter().enumerate().map(slot).sum::<f64>() / SLOTS as f64
}

/// What foretells rewards.
#[derive(Clone, Copy)]
enum Model {
    None,
    True,
    Wrong,
}

impl Model {
    fn of(self, slot: usize, product: usize) -> f64 {
        match self {
            Self::None => 0.0,
            Self::True => rate(slot, product),
            Self::Wrong => 0.9 - rate(slot, product),
        }
    }
}

struct World(ChaCha8Rng);

impl World {
    fn chance(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / f64::from(u32::MAX)
    }

    fn drawn(&mut self, chances: &[f64]) -> usize {
        let mut left = self.chance();
        for (at, chance) in chances.iter().enumerate() {
            if left < *chance {
                return at;
            }
            left -= chance;
        }
        chances.len() - 1
    }

    fn list(&mut self, model: Model) -> Vec<LoggedSlot> {
        let slot = |slot: usize| {
            let product = self.drawn(&LOGGED[slot]);
            let clicked = self.chance() < rate(slot, product);
            let all = TARGET[slot].iter().enumerate();
            LoggedSlot {
                reward: f64::from(u8::from(clicked)),
                predicted: model.of(slot, product),
                expected: all.map(|(it, chance)| chance * model.of(slot, it)).sum(),
                ..LoggedSlot::new(LOGGED[slot][product], TARGET[slot][product])
            }
        };
        (0..SLOTS).map(slot).collect()
    }
}

/// What is found in a log of this seed: two lists each for `persons` persons.
fn judged(seed: u64, persons: usize, how: (Estimator, Option<f64>, Model)) -> PolicyValue {
    let (estimator, clip, model) = how;
    let mut world = World(ChaCha8Rng::seed_from_u64(seed));
    let mut judge = PolicyJudge::new(estimator, clip).unwrap();
    for list in 0..2 * persons {
        let slots = world.list(model);
        judge.add(list % persons, &slots).unwrap();
    }
    judge.value(&FitOptions::default()).unwrap()
}

/// Over logs of different seeds: the mean and the standard deviation of what is found, and how often the truth is in
/// the interval.
fn over_seeds(how: (Estimator, Option<f64>, Model)) -> (f64, f64, f64) {
    const LOGS: u64 = 120;
    let found: Vec<Estimate> = (0..LOGS)
        .map(|seed| judged(seed, 250, how).value.unwrap())
        .collect();
    let mean = found.iter().map(|it| it.mean).sum::<f64>() / LOGS as f64;
    let squares = found.iter().map(|it| (it.mean - mean).powi(2));
    let deviation = (squares.sum::<f64>() / LOGS as f64).sqrt();
    let truth = truth(&TARGET);
    let holds = |it: &&Estimate| (it.interval.low..=it.interval.high).contains(&truth);
    let covered = found.iter().filter(holds).count() as f64 / LOGS as f64;
    (mean, deviation, covered)
}

#[test]
fn estimators_find_the_value_of_a_policy_that_was_never_in_service() {
    let truth = truth(&TARGET);
    for how in [
        (Estimator::Ips, None, Model::None),
        (Estimator::Snips, None, Model::None),
        (Estimator::DoublyRobust, None, Model::True),
        (Estimator::DoublyRobust, None, Model::Wrong),
    ] {
        let (mean, deviation, covered) = over_seeds(how);
        // Four standard errors of the mean over the logs, and the 95 % of the intervals give or take as many.
        let bound = 4.0 * deviation / f64::sqrt(120.0);
        assert!(
            (mean - truth).abs() < bound,
            "{:?}: {mean} {truth} {bound}",
            how.0
        );
        assert!(covered > 0.87, "{:?}: {covered}", how.0);
    }
    assert!((self::truth(&LOGGED) - truth).abs() > 0.03);
}

#[test]
fn a_good_model_of_rewards_makes_the_spread_smaller() {
    let (_, ips, _) = over_seeds((Estimator::Ips, None, Model::None));
    let (_, snips, _) = over_seeds((Estimator::Snips, None, Model::None));
    let (_, robust, _) = over_seeds((Estimator::DoublyRobust, None, Model::True));
    assert!(robust < 0.9 * ips, "{robust} {ips}");
    assert!(snips < ips, "{snips} {ips}");
}

#[test]
fn a_model_learned_from_the_log_makes_it_smaller_too() {
    let spread = |learned: bool| {
        let found: Vec<f64> = (0..60)
            .map(|seed| value_by_learning(seed, learned))
            .collect();
        let mean = found.iter().sum::<f64>() / 60.0;
        let squares = found.iter().map(|it| (it - mean).powi(2)).sum::<f64>();
        let spread = (squares / 60.0).sqrt();
        assert!((mean - truth(&TARGET)).abs() < 4.0 * spread / f64::sqrt(60.0));
        spread
    };
    let (learned, none) = (spread(true), spread(false));
    assert!(learned < 0.95 * none, "{learned} {none}");
}

/// What the doubly robust estimator finds in a log of this seed, with a model learned from it or without.
fn value_by_learning(seed: u64, learned: bool) -> f64 {
    let mut world = World(ChaCha8Rng::seed_from_u64(seed));
    let mut seen = RewardModelBuilder::default();
    let key = |slot: usize, product: usize| {
        let item = u32::try_from(slot * PRODUCTS + product).unwrap();
        (Some(ItemIx(item)), slot)
    };
    let mut lists = Vec::new();
    for person in 0..600 {
        let list: Vec<(usize, f64)> = (0..SLOTS)
            .map(|slot| {
                let product = world.drawn(&LOGGED[slot]);
                let clicked = world.chance() < rate(slot, product);
                let reward = f64::from(u8::from(clicked));
                seen.observe(person, key(slot, product), reward);
                (product, reward)
            })
            .collect();
        lists.push(list);
    }
    let model = seen.fit();
    let mut judge = PolicyJudge::new(Estimator::DoublyRobust, None).unwrap();
    for (person, list) in lists.iter().enumerate() {
        let foretold = |slot: usize, product: usize| match learned {
            true => model.predict(person, key(slot, product)),
            false => 0.0,
        };
        let slots = list.iter().enumerate().map(|(slot, &(product, reward))| {
            let all = TARGET[slot].iter().enumerate();
            LoggedSlot {
                reward,
                predicted: foretold(slot, product),
                expected: all.map(|(it, chance)| chance * foretold(slot, it)).sum(),
                ..LoggedSlot::new(LOGGED[slot][product], TARGET[slot][product])
            }
        });
        judge.add(person, &slots.collect::<Vec<_>>()).unwrap();
    }
    let found = judge.value(&FitOptions::default()).unwrap();
    found.value.unwrap().mean
}

#[test]
fn figures_of_a_small_log_are_those_worked_out_by_hand() {
    let slot = |propensity, target, reward| LoggedSlot {
        reward,
        ..LoggedSlot::new(propensity, target)
    };
    let lists = [
        vec![slot(0.5, 1.0, 1.0), slot(1.0, 0.0, 1.0)],
        vec![slot(1.0, 0.0, 0.0)],
        vec![slot(0.25, 1.0, 0.0)],
    ];
    let judged = |estimator, clip| {
        let mut judge = PolicyJudge::new(estimator, clip).unwrap();
        for (person, list) in lists.iter().enumerate() {
            judge.add(person, list).unwrap();
        }
        judge.add(0, &[]).unwrap();
        judge.value(&FitOptions::default()).unwrap()
    };
    let ips = judged(Estimator::Ips, None);
    // Weights 2, 0, 0, 4; rewards 1, 1, 0, 0.
    assert_eq!(ips.value.unwrap().mean, 0.5);
    assert_eq!(ips.logged.mean, 0.5);
    assert_eq!(ips.difference.unwrap().mean, 0.0);
    assert_eq!(ips.mean_weight.mean, 1.5);
    assert_eq!((ips.effective_slots, ips.max_weight), (36.0 / 20.0, 4.0));
    let counts = (ips.lists, ips.slots, ips.rewarded_slots);
    assert_eq!(counts, (3, 4, 2));
    let overlap = (
        ips.unmatched_slots,
        ips.unmatched_lists,
        ips.certain_slots,
        ips.clipped_slots,
    );
    assert_eq!(overlap, (2, 1, 2, 0));
    let snips = judged(Estimator::Snips, None);
    assert_eq!(snips.value.unwrap().mean, 2.0 / 6.0);
    let clipped = judged(Estimator::Snips, Some(2.0));
    assert_eq!(clipped.value.unwrap().mean, 0.5);
    assert_eq!((clipped.clipped_slots, clipped.max_weight), (1, 4.0));
    assert_eq!(clipped.mean_weight.mean, 1.5);
}

#[test]
fn without_any_overlap_the_self_normalized_value_is_undefined_and_the_others_are_nothing() {
    let judged = |estimator| {
        let mut judge = PolicyJudge::new(estimator, None).unwrap();
        judge.add(0, &[LoggedSlot::new(1.0, 0.0)]).unwrap();
        judge.value(&FitOptions::default()).unwrap()
    };
    let snips = judged(Estimator::Snips);
    assert_eq!((snips.value, snips.difference), (None, None));
    assert_eq!((snips.effective_slots, snips.unmatched_lists), (0.0, 1));
    let ips = judged(Estimator::Ips).value.unwrap();
    assert_eq!(
        (ips.mean, ips.interval.low, ips.interval.high),
        (0.0, 0.0, 0.0)
    );
}

#[test]
fn what_is_wrong_is_named_and_not_taken() {
    let good = LoggedSlot::new(0.5, 0.5);
    let wrong = |slot: LoggedSlot| {
        let mut judge = PolicyJudge::new(Estimator::Ips, None).unwrap();
        judge.add(0, &[good]).unwrap();
        let refused = judge.add(0, &[good, slot]).unwrap_err().to_string();
        let taken = judge.value(&FitOptions::default()).unwrap();
        assert_eq!((taken.lists, taken.slots), (1, 1));
        refused
    };
    for propensity in [0.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
        let refused = wrong(LoggedSlot::new(propensity, 0.5));
        let place = "logged lists, row 2, field \"slots[1].propensity\"";
        assert!(refused.starts_with(place), "{refused}");
    }
    for target in [-0.1, 1.1, f64::NAN] {
        let refused = wrong(LoggedSlot::new(0.5, target));
        assert!(refused.contains("slots[1].target"), "{refused}");
    }
    let reward = f64::NAN;
    assert!(wrong(LoggedSlot { reward, ..good }).contains("slots[1].reward"));
    let expected = f64::INFINITY;
    assert!(wrong(LoggedSlot { expected, ..good }).contains("slots[1].expected"));
    for clip in [0.5, 0.0, f64::NAN, f64::INFINITY] {
        let refused = PolicyJudge::new(Estimator::Ips, Some(clip)).map(drop);
        assert!(matches!(refused, Err(Error::Config(_))), "{clip}");
    }
    let empty = PolicyJudge::new(Estimator::Ips, None).unwrap();
    let refused = empty.value(&FitOptions::default());
    assert!(matches!(refused, Err(Error::Data { .. })));
}

#[test]
fn lists_of_one_person_are_drawn_together() {
    let judged = |persons: usize| -> Result<f64> {
        let mut judge = PolicyJudge::new(Estimator::Ips, None)?;
        for list in 0..1000 {
            // Ten persons who click everything or nothing, or a thousand who do.
            let reward = f64::from(u8::from(list % 10 < 5));
            let slot = LoggedSlot {
                reward,
                ..LoggedSlot::new(0.5, 0.5)
            };
            judge.add(list % persons, &[slot])?;
        }
        let found = judge.value(&FitOptions::default())?.logged.interval;
        Ok(found.high - found.low)
    };
    let (ten, thousand) = (judged(10).unwrap(), judged(1000).unwrap());
    assert!(ten > 5.0 * thousand, "{ten} {thousand}");
}

#[test]
fn very_many_persons_share_groups_and_the_figures_are_the_same() {
    let judged = |persons: &dyn Fn(usize) -> usize| {
        let mut judge = PolicyJudge::new(Estimator::Snips, None).unwrap();
        for list in 0..500 {
            let reward = f64::from(u8::from(list % 3 == 0));
            let slot = LoggedSlot {
                reward,
                ..LoggedSlot::new(0.5, 0.25)
            };
            judge.add(persons(list), &[slot]).unwrap();
        }
        judge.value(&FitOptions::default()).unwrap()
    };
    let few = judged(&|list| list % 250);
    let many = judged(&|list| list % 250 + (list / 250) * (1 << 17));
    assert_eq!(few, many);
}

#[test]
fn thread_counts_do_not_matter() {
    let found = |threads| {
        let options = FitOptions {
            threads: Some(threads),
            ..FitOptions::default()
        };
        let mut world = World(ChaCha8Rng::seed_from_u64(7));
        let mut judge = PolicyJudge::new(Estimator::DoublyRobust, Some(3.0)).unwrap();
        for person in 0..300 {
            judge.add(person, &world.list(Model::Wrong)).unwrap();
        }
        serde_json::to_string(&judge.value(&options).unwrap()).unwrap()
    };
    assert_eq!(found(1), found(3));
    let options = FitOptions::default();
    options
        .cancel
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let mut judge = PolicyJudge::new(Estimator::Ips, None).unwrap();
    judge.add(0, &[LoggedSlot::new(1.0, 1.0)]).unwrap();
    assert!(matches!(judge.value(&options), Err(Error::Cancelled)));
}

fn slots() -> impl Strategy<Value = Vec<LoggedSlot>> {
    let slot = (0.01f64..=1.0, 0.0f64..=1.0, 0.0f64..=1.0);
    let slot = slot.prop_map(|(propensity, target, reward)| LoggedSlot {
        reward,
        ..LoggedSlot::new(propensity, target)
    });
    proptest::collection::vec(slot, 1..40)
}

fn of(estimator: Estimator, clip: Option<f64>, slots: &[LoggedSlot]) -> PolicyValue {
    let mut judge = PolicyJudge::new(estimator, clip).unwrap();
    for (at, list) in slots.chunks(4).enumerate() {
        judge.add(at / 2, list).unwrap();
    }
    judge.value(&FitOptions::default()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn clipping_only_lowers_and_self_normalized_values_are_means(slots in slots(), clip in 1.0f64..20.0) {
        let whole = of(Estimator::Ips, None, &slots);
        let clipped = of(Estimator::Ips, Some(clip), &slots);
        prop_assert!(clipped.value.unwrap().mean <= whole.value.unwrap().mean + 1e-12);
        if let Some(snips) = of(Estimator::Snips, Some(clip), &slots).value {
            prop_assert!((-1e-12..=1.0 + 1e-12).contains(&snips.mean));
            prop_assert!(snips.interval.low >= -1e-12 && snips.interval.high <= 1.0 + 1e-12);
        }
        // Cauchy and Schwarz.
        prop_assert!(whole.effective_slots <= slots.len() as f64 + 1e-9);
        // Without a model the doubly robust estimator is the first.
        prop_assert_eq!(of(Estimator::DoublyRobust, None, &slots), whole);
    }

    #[test]
    fn the_log_judged_as_its_own_policy_has_its_own_value(slots in slots()) {
        let own: Vec<LoggedSlot> = slots.into_iter().map(|slot| LoggedSlot { target: slot.propensity, ..slot }).collect();
        let found = of(Estimator::Snips, Some(1.0), &own);
        let difference = found.difference.unwrap();
        prop_assert!(difference.mean.abs() < 1e-12);
        prop_assert!(difference.interval.low.abs() < 1e-12 && difference.interval.high.abs() < 1e-12);
        prop_assert_eq!(found.max_weight, 1.0);
        prop_assert_eq!(found.clipped_slots, 0);
    }
}
