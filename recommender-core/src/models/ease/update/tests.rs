use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::dataset::Dataset;
use crate::events::{Event, EventKind, EventTable};
use crate::ids::UserIx;
use crate::interactions::{InteractionConfig, Quantity};

fn bought(visitor: u32, item: u32) -> Event {
    Event {
        visitor: visitor.to_string(),
        item: Some(item.to_string()),
        quantity: 1.0 + ((visitor + item) % 3) as f32,
        kind: EventKind::Purchase,
        ..Event::default()
    }
}

/// 150 users of 90 items; item 90 is user 7's alone.
fn before() -> Dataset {
    let mut table = EventTable::new();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for user in 0..150u32 {
        table.push(&bought(user, user % 90)).unwrap();
        for item in (0..90).filter(|&item| item != user % 90) {
            if random.random_bool(0.15) {
                table.push(&bought(user, item)).unwrap();
            }
        }
    }
    table.push(&bought(7, 90)).unwrap();
    let config = InteractionConfig {
        quantity: Quantity::Linear,
        ..InteractionConfig::default()
    };
    Dataset::new(table, vec![], config).unwrap()
}

fn family() -> [Problem; 3] {
    [("ease", 0.0, 0.0), ("edlae", 0.4, 0.0), ("rdlae", 0.2, 0.3)].map(
        |(model, dropout, diagonal_bound)| Problem {
            model,
            regularization: 20.0,
            dropout,
            diagonal_bound,
            max_memory_bytes: None,
        },
    )
}

fn fit(problem: &Problem, dataset: &Dataset) -> Ease {
    problem.fit(dataset, &FitOptions::default()).unwrap()
}

/// The model after a change that is followed, whether or not that pays for so few items, and not fitted anew.
fn followed(problem: &Problem, fitted: &Ease, change: &Change<'_>) -> Ease {
    let (old, new) = (chosen(change.before()), chosen(change.after()));
    let rank = LowRank::new(problem, change, (&old, &new));
    let options = FitOptions::default();
    let model = problem.follow(fitted, change, (&new, &rank), &options);
    model.unwrap().expect("the precision is good")
}

/// The largest difference between the weights of two models of the same items.
fn difference(found: &Ease, expected: &Ease) -> f32 {
    assert_eq!(*found.items, *expected.items);
    let pairs = found.weights.iter().zip(expected.weights.iter());
    let weights = pairs.map(|(a, b)| (a - b).abs());
    let of_scales = |a: &[f32], b: &[f32]| -> Vec<f32> {
        a.iter().zip(b).map(|(a, b)| (a / b - 1.0).abs()).collect()
    };
    weights
        .chain(of_scales(&found.scales, &expected.scales))
        .chain(of_scales(
            &found.inverse_diagonal,
            &expected.inverse_diagonal,
        ))
        .fold(0.0, f32::max)
}

fn assert_follows(before: &Dataset, after: &Dataset) {
    let change = Change::between(before, after).unwrap();
    for problem in family() {
        let found = followed(&problem, &fit(&problem, before), &change);
        let difference = difference(&found, &fit(&problem, after));
        assert!(difference < 2e-6, "{}: {difference}", problem.model);
    }
}

#[test]
fn more_events_of_users_known_and_new_give_what_a_new_fit_gives() {
    let before = before();
    let events: Vec<Event> = [(3, 5), (3, 60), (20, 1), (900, 4), (900, 17), (901, 17)]
        .map(|(user, item)| bought(user, item))
        .to_vec();
    assert_follows(&before, &before.with(&events).unwrap());
}

#[test]
fn items_nobody_had_come_in() {
    let before = before();
    let events: Vec<Event> = [(3, 200), (4, 200), (4, 201), (900, 201)]
        .map(|(user, item)| bought(user, item))
        .to_vec();
    let after = before.with(&events).unwrap();
    assert_eq!(chosen(&after).len(), chosen(&before).len() + 2);
    assert_follows(&before, &after);
}

#[test]
fn rows_given_back_and_items_that_lose_their_last_user_leave_nothing() {
    let before = before();
    let after = before
        .without(&[UserIx(7), UserIx(30), UserIx(31)])
        .unwrap();
    assert_eq!(chosen(&after).len(), chosen(&before).len() - 1);
    assert_follows(&before, &after);
}

#[test]
fn all_at_once_gives_what_a_new_fit_gives() {
    let before = before();
    let events = [(3, 200), (12, 4), (902, 60)].map(|(user, item)| bought(user, item));
    let after = before
        .with(&events)
        .unwrap()
        .without(&[UserIx(7), UserIx(9)])
        .unwrap();
    assert_follows(&before, &after);
}

#[test]
fn two_hundred_changes_one_after_the_other_drift_no_further_than_rounding() {
    for problem in family() {
        let mut dataset = before();
        let mut model = fit(&problem, &dataset);
        for number in 0..200u32 {
            let user = (number * 37) % 150;
            let after = if number % 4 == 3 {
                dataset.without(&[UserIx(user)]).unwrap()
            } else {
                let events = [
                    bought(user, (number * 11) % 90),
                    bought(user, (number * 29) % 90),
                ];
                dataset.with(&events).unwrap()
            };
            let change = Change::between(&dataset, &after).unwrap();
            model = problem
                .update(&model, &change, &FitOptions::default())
                .unwrap();
            dataset = after;
        }
        let difference = difference(&model, &fit(&problem, &dataset));
        assert!(difference < 2e-5, "{}: {difference}", problem.model);
    }
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let before = before();
    let after = before.without(&[UserIx(7), UserIx(30)]).unwrap();
    let change = Change::between(&before, &after).unwrap();
    for problem in family() {
        let fitted = fit(&problem, &before);
        let on = |threads: usize| {
            let options = FitOptions {
                threads: Some(threads),
                ..FitOptions::default()
            };
            problem.update(&fitted, &change, &options).unwrap()
        };
        assert!(on(1) == on(2) && on(1) == on(8), "{}", problem.model);
    }
}

#[test]
fn a_change_of_most_rows_is_a_new_fit_and_no_change_none() {
    let before = before();
    let users: Vec<UserIx> = (0..120).map(UserIx).collect();
    let after = before.without(&users).unwrap();
    let [problem, ..] = family();
    let fitted = fit(&problem, &before);
    let options = FitOptions::default();
    let change = Change::between(&before, &after).unwrap();
    let followed = problem.update(&fitted, &change, &options).unwrap();
    assert!(followed == fit(&problem, &after));
    let none = Change::between(&before, &before).unwrap();
    assert!(problem.update(&fitted, &none, &options).unwrap() == fitted);
}

#[test]
fn what_32_bits_can_not_take_back_is_a_new_fit() {
    let before = before();
    let after = before.without(&[UserIx(7)]).unwrap();
    let change = Change::between(&before, &after).unwrap();
    let [mut problem, ..] = family();
    problem.regularization = 1e-4;
    let fitted = fit(&problem, &before);
    let followed = problem
        .update(&fitted, &change, &FitOptions::default())
        .unwrap();
    assert_eq!(followed, fit(&problem, &after));
}

#[test]
fn an_update_is_cancelled_and_refuses_what_does_not_fit() {
    let before = before();
    let after = before.without(&[UserIx(7)]).unwrap();
    let change = Change::between(&before, &after).unwrap();
    let [mut problem, ..] = family();
    let fitted = fit(&problem, &before);
    let options = FitOptions::default();
    options
        .cancel
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let cancelled = problem.update(&fitted, &change, &options);
    assert!(matches!(cancelled, Err(crate::Error::Cancelled)));
    problem.max_memory_bytes = Some(1_000);
    let refused = problem.update(&fitted, &change, &FitOptions::default());
    assert!(refused.unwrap_err().to_string().contains("sansa"));
}
