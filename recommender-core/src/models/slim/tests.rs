use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::dataset::Dataset;
use crate::events::EventTable;
use crate::ids::ItemIx;
use crate::interactions::{InteractionConfig, Quantity};
use crate::models::purchases::bought;
use crate::recommender::FitOptions;

/// Pieces of each item (columns) each user (rows) bought.
fn dataset(rows: &[Vec<u8>]) -> Dataset {
    let mut table = EventTable::new();
    for item in 0..rows[0].len() {
        table.know_item(&item.to_string()).unwrap();
    }
    for (user, row) in rows.iter().enumerate() {
        for (item, &quantity) in row.iter().enumerate().filter(|&(_, &count)| count > 0) {
            let event = bought(&user, &item, f32::from(quantity));
            table.push(&event).unwrap();
        }
    }
    let config = InteractionConfig {
        quantity: Quantity::Linear,
        ..InteractionConfig::default()
    };
    Dataset::new(table, vec![], config).unwrap()
}

fn random_rows(users: usize, items: usize) -> Vec<Vec<u8>> {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut count = || {
        let some = random.random_bool(0.3);
        if some { random.random_range(1..4) } else { 0 }
    };
    let mut row = || (0..items).map(|_| count()).collect::<Vec<u8>>();
    (0..users).map(|_| row()).collect()
}

fn fitted(config: &SlimConfig, rows: &[Vec<u8>]) -> Slim {
    config.fit(&dataset(rows), &FitOptions::default()).unwrap()
}

/// The gradient of the squared error at the weights for `item`: `X_iᵀ (x_j − X w) − β w_i` of every other item i.
fn gradients(rows: &[Vec<u8>], model: &Slim, item: usize, l2: f64) -> Vec<(f64, f64)> {
    let items = rows[0].len();
    let columns = model.weights().transpose();
    let mut weights = vec![0.0; items];
    for (other, weight) in columns.row(item).iter() {
        weights[other as usize] = f64::from(weight);
    }
    let mut gradients: Vec<(f64, f64)> = weights.iter().map(|&w| (w, -l2 * w)).collect();
    for row in rows {
        let explained = row.iter().zip(&weights).map(|(&x, w)| f64::from(x) * w);
        let left = f64::from(row[item]) - explained.sum::<f64>();
        for (gradient, &x) in gradients.iter_mut().zip(row) {
            gradient.1 += f64::from(x) * left;
        }
    }
    gradients
}

fn share(rows: &[Vec<u8>], item: usize, other: usize) -> bool {
    rows.iter().any(|row| row[item] > 0 && row[other] > 0)
}

#[test]
fn the_weights_meet_the_conditions_of_the_minimum() {
    let rows = random_rows(60, 20);
    for (l1, l2, non_negative) in [
        (2.0, 5.0, true),
        (0.0, 30.0, true),
        (6.0, 0.0, true),
        (3.0, 2.0, false),
        (0.0, 10.0, false),
    ] {
        let config = SlimConfig {
            l1_regularization: l1,
            l2_regularization: l2,
            non_negative,
            tolerance: 1e-6,
            epochs: 10_000,
            ..SlimConfig::default()
        };
        let model = fitted(&config, &rows);
        let l1 = f64::from(l1);
        for item in 0..20 {
            let all = gradients(&rows, &model, item, f64::from(l2));
            for (other, &(weight, gradient)) in all.iter().enumerate() {
                let met = match weight {
                    _ if other == item => weight == 0.0,
                    // With both signs the problem is that of the items that share a user.
                    0.0 if !non_negative && !share(&rows, item, other) => true,
                    0.0 if non_negative => gradient <= l1 + 0.01,
                    0.0 => gradient.abs() <= l1 + 0.01,
                    _ => (gradient - l1 * weight.signum()).abs() <= 0.01,
                };
                let signed = weight >= 0.0 || !non_negative;
                assert!(
                    met && signed,
                    "item {item} from {other}: {weight} {gradient}"
                );
            }
        }
    }
}

#[test]
fn scores_add_up_and_may_be_negative_where_weights_may() {
    let rows = random_rows(60, 20);
    let config = SlimConfig {
        l1_regularization: 0.0,
        l2_regularization: 10.0,
        non_negative: false,
        ..SlimConfig::default()
    };
    let model = fitted(&config, &rows);
    let mut query = Query::new(20);
    query.session = vec![ItemIx(2), ItemIx(7)];
    let ranked = model.recommend(&query).unwrap();
    let row = |item: usize| {
        let mut dense = [0.0; 20];
        for (other, weight) in model.weights().row(item).iter() {
            dense[other as usize] = weight;
        }
        dense
    };
    let (first, second) = (row(2), row(7));
    for entry in ranked.entries() {
        let item = entry.item.0 as usize;
        assert!((entry.score - first[item] - second[item]).abs() < 1e-6);
    }
    assert!(ranked.entries().iter().any(|entry| entry.score < 0.0));
}

#[test]
fn only_candidates_have_a_weight() {
    let config = SlimConfig {
        candidates: 3,
        l1_regularization: 0.0,
        ..SlimConfig::default()
    };
    let model = fitted(&config, &random_rows(60, 20));
    let columns = model.weights().transpose();
    assert!(columns.iter_rows().all(|row| row.len() <= 3));
    assert!(columns.nnz() > 20);
}

#[test]
fn extremes_have_an_answer() {
    let extremes = [
        vec![vec![1]],
        vec![vec![1, 1, 1]],
        vec![vec![2, 2], vec![2, 2], vec![2, 2]],
        vec![vec![1, 0, 0], vec![0, 1, 0]],
    ];
    for rows in extremes {
        for non_negative in [true, false] {
            let config = SlimConfig {
                l1_regularization: 0.0,
                l2_regularization: 0.0,
                candidates: usize::MAX,
                non_negative,
                ..SlimConfig::default()
            };
            let model = fitted(&config, &rows);
            let weights = model.weights().values();
            assert!(weights.iter().all(|weight| weight.is_finite()));
        }
    }
}

#[test]
fn weights_of_too_large_a_range_are_refused() {
    let mut table = EventTable::new();
    for (user, item) in [(0, 0), (0, 1), (1, 1)] {
        table.push(&bought(&user, &item, 1e30)).unwrap();
    }
    let config = InteractionConfig {
        quantity: Quantity::Linear,
        ..InteractionConfig::default()
    };
    let dataset = Dataset::new(table, vec![], config).unwrap();
    let fit = SlimConfig::default().fit(&dataset, &FitOptions::default());
    assert!(fit.unwrap_err().to_string().contains("range"));
}

#[test]
fn settings_out_of_range_are_named() {
    let wrong = |config: SlimConfig| config.validate().unwrap_err().to_string();
    let base = SlimConfig::default;
    let l1 = SlimConfig {
        l1_regularization: -1.0,
        ..base()
    };
    assert!(wrong(l1).contains("slim.l1_regularization"));
    let l2 = SlimConfig {
        l2_regularization: f32::NAN,
        ..base()
    };
    assert!(wrong(l2).contains("slim.l2_regularization"));
    let candidates = SlimConfig {
        candidates: 0,
        ..base()
    };
    assert!(wrong(candidates).contains("slim.candidates"));
    let tolerance = SlimConfig {
        tolerance: 2.0,
        ..base()
    };
    assert!(wrong(tolerance).contains("slim.tolerance"));
}
