use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::Dataset;
use crate::dataset::Change;
use crate::events::{Event, EventKind, EventTable};
use crate::ids::{DenseIndex, ItemIx};
use crate::interactions::InteractionConfig;
use crate::models::purchases::bought;
use crate::query::HistoryItem;
use crate::recommender::FitOptions;
use crate::time::Timestamp;

fn dataset(pairs: &[(u32, u32, f32)]) -> Dataset {
    let mut table = EventTable::new();
    for &(user, item, quantity) in pairs {
        table.push(&bought(&user, &item, quantity)).unwrap();
    }
    Dataset::new(table, vec![], InteractionConfig::default()).unwrap()
}

/// Users whose histories are of every length about the border between the two ways to solve.
fn shop() -> Dataset {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut pairs = Vec::new();
    for user in 0..120 {
        for _ in 0..=user / 3 {
            let quantity = random.random_range(1..4) as f32;
            pairs.push((user, random.random_range(0..60), quantity));
        }
    }
    dataset(&pairs)
}

fn config() -> IalsConfig {
    IalsConfig {
        factors: 8,
        unobserved_weight: Some(UNOBSERVED),
        ..IalsConfig::default()
    }
}

const UNOBSERVED: f64 = 0.1;

fn learned(config: &IalsConfig, dataset: &Dataset) -> Ials {
    config.fit(dataset, &FitOptions::default()).unwrap()
}

/// The vector that solves `(α₀ VᵀV + λ (W + α₀ m)^ν I + Σ w v vᵀ) x = Σ w v`, by elimination in double precision.
fn solved_plainly(model: &Ials, config: &IalsConfig, profile: &[(ItemIx, f32)]) -> Vec<f64> {
    let (width, rows) = (model.items.width(), model.items.rows());
    let vector = |row: u32| model.items.view().values(row).iter().map(|&v| f64::from(v));
    let mut system = vec![vec![0.0; width + 1]; width];
    let mut add = |v: &[f64], weight: f64, right: f64| {
        for (equation, a) in system.iter_mut().zip(v) {
            for (cell, b) in equation.iter_mut().zip(v) {
                *cell += weight * a * b;
            }
            equation[width] += right * a;
        }
    };
    for row in 0..rows {
        let v: Vec<f64> = vector(row).collect();
        add(&v, UNOBSERVED, 0.0);
    }
    let mut total = 0.0;
    for &(item, weight) in profile {
        let v: Vec<f64> = vector(model.items.row_of(item).unwrap()).collect();
        add(&v, weight.into(), weight.into());
        total += f64::from(weight);
    }
    let everyone = UNOBSERVED * f64::from(rows);
    let penalty = (total + everyone).powf(config.regularization_exponent);
    for (at, equation) in system.iter_mut().enumerate() {
        equation[at] += config.regularization * penalty;
    }
    for pivot in 0..width {
        let row = system[pivot].clone();
        let others = system.iter_mut().enumerate();
        for (_, other) in others.filter(|&(at, _)| at != pivot) {
            let share = other[pivot] / row[pivot];
            for (cell, value) in other.iter_mut().zip(&row) {
                *cell -= share * value;
            }
        }
    }
    (0..width)
        .map(|at| system[at][width] / system[at][at])
        .collect()
}

fn folded_in(model: &Ials, query: &Query) -> Vec<f32> {
    let mut vector = vec![0.0; model.items.width()];
    assert!(model.fold_in(query, &mut FoldIn::default(), &mut vector));
    vector
}

#[test]
fn a_shopper_is_solved_for_as_the_equations_say() {
    let dataset = shop();
    for exponent in [0.0, 0.5, 1.0] {
        let config = IalsConfig {
            regularization_exponent: exponent,
            regularization: 0.01,
            ..config()
        };
        let model = learned(&config, &dataset);
        for (user, _) in dataset.users().iter() {
            let query = dataset.query_of(user, 5).unwrap();
            let found = folded_in(&model, &query);
            let expected = solved_plainly(&model, &config, &query.profile());
            let largest = expected.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            for (found, expected) in found.iter().zip(&expected) {
                let error = (f64::from(*found) - expected).abs() / largest;
                assert!(error < 2e-3, "{user:?}: {found} {expected}");
            }
        }
    }
}

/// The objective at the items of `model` and the best users for them.
fn loss(model: &Ials, config: &IalsConfig, dataset: &Dataset) -> f64 {
    let (by_user, by_item) = (
        dataset.interactions().by_user(),
        dataset.interactions().by_item(),
    );
    let vector = |row: u32| model.items.view().values(row);
    let penalty = |weights: &[f32], others: usize| {
        let weight: f32 = weights.iter().sum();
        let sum = f64::from(weight) + UNOBSERVED * others as f64;
        config.regularization * sum.powf(config.regularization_exponent)
    };
    let square = |v: &[f32]| v.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
    let mut loss = 0.0;
    for (user, row) in by_user.iter_rows().enumerate() {
        let query = dataset.query_of(crate::UserIx::at(user), 1).unwrap();
        let x = folded_in(model, &query);
        let score = |row: u32| -> f64 {
            vector(row)
                .iter()
                .zip(&x)
                .map(|(v, x)| f64::from(v * x))
                .sum()
        };
        let all = (0..model.items.rows()).map(|row| score(row).powi(2));
        loss += UNOBSERVED * all.sum::<f64>();
        for (item, weight) in row.iter() {
            let row = model.items.row_of(ItemIx(item)).unwrap();
            loss += f64::from(weight) * (1.0 - score(row)).powi(2);
        }
        loss += penalty(row.values, by_item.rows()) * square(&x);
    }
    for (row, item) in (0..).zip(by_item.iter_rows()) {
        loss += penalty(item.values, by_user.rows()) * square(vector(row));
    }
    loss
}

#[test]
fn every_epoch_lowers_the_objective() {
    let dataset = shop();
    let after = |epochs: usize| {
        let config = IalsConfig { epochs, ..config() };
        loss(&learned(&config, &dataset), &config, &dataset)
    };
    let losses = [1, 2, 4, 8, 16, 32].map(after);
    assert!(losses.is_sorted_by(|a, b| a > b), "{losses:?}");
    assert!(losses[5] < 0.9 * losses[0], "{losses:?}");
}

#[test]
fn an_update_comes_near_a_new_fit_in_a_quarter_of_the_epochs() {
    let before = shop();
    let mut events = Vec::new();
    for item in 0..12 {
        events.push(bought(&"new", &(item * 7), 1.0));
    }
    let after = before.with(&events).unwrap();
    let config = IalsConfig {
        epochs: 20,
        ..config()
    };
    let change = Change::between(&before, &after).unwrap();
    let options = FitOptions::default();
    let fitted = learned(&config, &before);
    let updated = config.update(&fitted, &change, &options).unwrap();
    let new = loss(&learned(&config, &after), &config, &after);
    let near = loss(&updated, &config, &after) / new;
    assert!((near - 1.0).abs() < 0.02, "{near}");
    let short = IalsConfig {
        epochs: 5,
        ..config.clone()
    };
    let from_nothing = loss(&learned(&short, &after), &config, &after);
    assert!(loss(&updated, &config, &after) < from_nothing);
}

#[test]
fn odd_data_has_a_finite_answer() {
    let one = dataset(&[(0, 0, 1.0)]);
    let everything: Vec<_> = (0..40).map(|item| (0, item, 1.0)).collect();
    let equal: Vec<_> = (0..900).map(|at| (at / 30, at % 30, 1.0)).collect();
    let heavy: Vec<_> = (0..200).map(|at| (at % 20, at % 13, 1e6)).collect();
    for dataset in [one, dataset(&everything), dataset(&equal), dataset(&heavy)] {
        for regularization in [1e-12, 0.003, 1e6] {
            let config = IalsConfig {
                factors: 70,
                regularization,
                ..IalsConfig::default()
            };
            let model = learned(&config, &dataset);
            let ranked = model
                .recommend(&dataset.query_of(crate::UserIx(0), 1_000).unwrap())
                .unwrap();
            assert_eq!(ranked.len(), dataset.items().len(), "{regularization}");
        }
    }
}

#[test]
fn an_item_nobody_bought_has_no_vector() {
    let mut table = EventTable::new();
    for (item, kind) in [("cup", EventKind::Purchase), ("pot", EventKind::Impression)] {
        let event = Event {
            visitor: "ann".into(),
            item: Some(item.into()),
            kind,
            quantity: 1.0,
            ..Event::default()
        };
        table.push(&event).unwrap();
    }
    let dataset = Dataset::new(table, vec![], InteractionConfig::default()).unwrap();
    let model = learned(&config(), &dataset);
    let ask = |item: u32| {
        let mut query = Query::new(5);
        query.history = vec![HistoryItem {
            item: ItemIx(item),
            weight: 1.0,
            time: Timestamp(0),
        }];
        model.recommend(&query).unwrap()
    };
    assert_eq!(ask(0).items().collect::<Vec<_>>(), [ItemIx(0)]);
    assert!(ask(1).is_empty());
}

#[test]
fn settings_out_of_range_are_named() {
    let refused = |config: IalsConfig| config.validate().unwrap_err().to_string();
    let default = IalsConfig::default;
    let cases = [
        (
            refused(IalsConfig {
                factors: 0,
                ..default()
            }),
            "ials.factors",
        ),
        (
            refused(IalsConfig {
                epochs: 0,
                ..default()
            }),
            "ials.epochs",
        ),
        (
            refused(IalsConfig {
                regularization: 0.0,
                ..default()
            }),
            "ials.regularization",
        ),
        (
            refused(IalsConfig {
                regularization: -1.0,
                ..default()
            }),
            "ials.regularization",
        ),
        (
            refused(IalsConfig {
                unobserved_weight: Some(f64::NAN),
                ..default()
            }),
            "ials.unobserved_weight",
        ),
        (
            refused(IalsConfig {
                initial_deviation: 0.0,
                ..default()
            }),
            "ials.initial_deviation",
        ),
        (
            refused(IalsConfig {
                regularization_exponent: 3.0,
                ..default()
            }),
            "ials.regularization_exponent",
        ),
    ];
    for (message, field) in cases {
        assert!(message.contains(field), "{message}");
    }
}
