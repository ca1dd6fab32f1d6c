use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::dataset::Dataset;
use crate::events::EventTable;
use crate::interactions::InteractionConfig;
use crate::models::purchases::{bought, dataset};
use crate::query::{Candidates, ItemBits, ItemSet};
use crate::recommender::FitOptions;

fn fit(regularization: f64, dataset: &Dataset) -> Ease {
    let config = EaseConfig {
        regularization,
        ..EaseConfig::default()
    };
    config.fit(dataset, &FitOptions::default()).unwrap()
}

fn session(items: &[u32]) -> Query {
    let mut query = Query::new(10);
    query.session = items.iter().map(|&item| ItemIx(item)).collect();
    query
}

#[test]
fn weights_follow_the_closed_form() {
    // XᵀX + I = [3 1; 1 3], P = [3 -1; -1 3] / 8, B_01 = 1 / 3.
    let model = fit(1.0, &dataset(2, &[&[0, 1], &[0], &[1]]));
    let expected = [0.0, 1.0 / 3.0, 1.0 / 3.0, 0.0];
    for (found, expected) in model.weights.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
}

/// 120 users of 90 items, the first items more popular than the last.
fn some_users() -> Dataset {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let rows: Vec<Vec<u32>> = (0..120)
        .map(|_| {
            let chance = |item: u32| 0.4 / (1.0 + f64::from(item) / 15.0);
            (0..90)
                .filter(|&item| random.random_bool(chance(item)))
                .collect()
        })
        .collect();
    let users: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
    dataset(90, &users)
}

/// The gradient of the problem by the weight of `item` for `target`, up to a factor of 2, computed from the rows.
fn gradient(
    model: &Ease,
    dataset: &Dataset,
    penalty: impl Fn(f64) -> f64,
    at: (usize, usize),
) -> f64 {
    let ((item, target), size) = (at, model.items.len());
    let weight = |item: usize| f64::from(model.weights[item * size + target]);
    let (mut gradient, mut users) = (0.0, 0.0);
    for row in dataset.interactions().by_user().iter_rows() {
        let has = |item: usize| row.indices.binary_search(&model.items[item]).is_ok();
        if has(item) {
            let predicted: f64 = (0..size).filter(|&i| has(i)).map(weight).sum();
            gradient += predicted - f64::from(u8::from(has(target)));
            users += 1.0;
        }
    }
    gradient + penalty(users) * weight(item)
}

#[test]
fn each_column_of_ease_and_edlae_solves_its_own_ridge_regression() {
    // Without its own column an item is a plain ridge regression on the others: its normal equations must hold.
    let dataset = some_users();
    let edlae = EdlaeConfig {
        regularization: 2.0,
        dropout: 0.25,
        ..EdlaeConfig::default()
    };
    let edlae = edlae.fit(&dataset, &FitOptions::default()).unwrap();
    for (model, factor) in [(fit(2.0, &dataset), 0.0), (edlae, 1.0 / 3.0)] {
        let size = model.items.len();
        for target in [0, 57, size - 1] {
            assert!(model.weights[target * size + target] == 0.0);
            for item in (0..size).filter(|&item| item != target) {
                let found = gradient(
                    &model,
                    &dataset,
                    |users| 2.0 + factor * users,
                    (item, target),
                );
                assert!(found.abs() < 1e-3, "{target} {item}: {found}");
            }
        }
    }
}

#[test]
fn each_column_of_rdlae_is_the_best_within_its_bound() {
    // The conditions of Karush, Kuhn and Tucker: they decide a convex problem.
    let dataset = some_users();
    let config = RdlaeConfig {
        regularization: 4.0,
        dropout: 0.25,
        diagonal_bound: 0.4,
        ..RdlaeConfig::default()
    };
    let model = config.fit(&dataset, &FitOptions::default()).unwrap();
    let size = model.items.len();
    let mut bounded = 0;
    for target in 0..size {
        let own = model.weights[target * size + target];
        assert!(own <= 0.4);
        bounded += usize::from(own == 0.4);
        for item in 0..size {
            let found = gradient(&model, &dataset, |users| 4.0 + users / 3.0, (item, target));
            if item == target && own == 0.4 {
                assert!(found < 1e-3, "{target}: {found}");
            } else {
                assert!(found.abs() < 1e-3, "{target} {item}: {found}");
            }
        }
    }
    assert!(bounded > 0 && bounded < size, "{bounded}");
}

#[test]
fn the_family_meets_at_its_edges() {
    let dataset = some_users();
    let rdlae = |dropout: f64, diagonal_bound: f64| {
        let config = RdlaeConfig {
            regularization: 5.0,
            dropout,
            diagonal_bound,
            ..RdlaeConfig::default()
        };
        config.fit(&dataset, &FitOptions::default()).unwrap()
    };
    assert_eq!(rdlae(0.0, 0.0), fit(5.0, &dataset));
    let edlae = EdlaeConfig {
        regularization: 5.0,
        dropout: 0.3,
        ..EdlaeConfig::default()
    };
    let edlae = edlae.fit(&dataset, &FitOptions::default()).unwrap();
    assert_eq!(rdlae(0.3, 0.0), edlae);
}

#[test]
fn the_memory_of_a_fit_is_known_and_kept_before_it_starts() {
    let dataset = some_users();
    let mut config = EaseConfig::default();
    let needed = config.memory_bytes(&dataset);
    assert_eq!(needed, 4 * (90 * 90 + 2 * 90 * 128));
    config.max_memory_bytes = Some(needed);
    assert!(config.fit(&dataset, &FitOptions::default()).is_ok());
    config.max_memory_bytes = Some(needed - 1);
    let refused = config.fit(&dataset, &FitOptions::default()).unwrap_err();
    assert!(refused.to_string().contains("sansa"), "{refused}");
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let refused = |settings: serde_json::Value| {
        let config: RdlaeConfig = serde_json::from_value(settings).unwrap();
        config.validate().unwrap_err().to_string()
    };
    for value in [0.0, -1.0] {
        let error = refused(serde_json::json!({ "regularization": value }));
        assert!(error.contains("rdlae.regularization"), "{error}");
    }
    for value in [-0.1, 1.0] {
        let error = refused(serde_json::json!({ "dropout": value }));
        assert!(error.contains("rdlae.dropout"), "{error}");
    }
    let error = refused(serde_json::json!({ "diagonal_bound": 1.5 }));
    assert!(error.contains("rdlae.diagonal_bound"), "{error}");
}

#[test]
fn items_nobody_chose_take_no_part() {
    let dataset = dataset(1000, &[&[3, 700], &[3, 700, 999], &[3]]);
    let model = fit(1.0, &dataset);
    assert_eq!(*model.items, [3, 700, 999]);
    let ranked = model.recommend(&session(&[3])).unwrap();
    assert_eq!(ranked.len(), 3);
    assert_eq!(ranked.items().next(), Some(ItemIx(700)));
    assert!(model.recommend(&session(&[4])).unwrap().is_empty());
}

#[test]
fn a_few_candidates_get_the_scores_they_have_among_all() {
    let rows: Vec<Vec<u32>> = (0..40u32)
        .map(|user| {
            (0..64)
                .filter(|item| (user * item + item) % 7 < 2)
                .collect()
        })
        .collect();
    let users: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
    let model = fit(1.0, &dataset(64, &users));
    let mut query = session(&[1, 2, 5, 7, 9, 11, 30]);
    query.limit = 64;
    let all = model.recommend(&query).unwrap();
    let few: ItemSet = [ItemIx(3), ItemIx(20)].into_iter().collect();
    let bits: ItemBits = few.as_slice().iter().copied().collect();
    for candidates in [Candidates::Only(few), Candidates::Within(bits.into())] {
        query.candidates = candidates;
        let among = model.recommend(&query).unwrap();
        assert_eq!(among.len(), 2);
        for entry in among.entries() {
            assert!(all.entries().contains(entry), "{entry:?}");
        }
    }
}

#[test]
fn weights_too_large_to_solve_with_are_refused() {
    let mut table = EventTable::new();
    for item in ["a", "b"] {
        table.push(&bought(&"ann", &item, 1e30)).unwrap();
    }
    let config = InteractionConfig {
        quantity: crate::interactions::Quantity::Linear,
        ..InteractionConfig::default()
    };
    let dataset = Dataset::new(table, vec![], config).unwrap();
    let error = EaseConfig::default().fit(&dataset, &FitOptions::default());
    assert!(matches!(error, Err(Error::Data { .. })), "{error:?}");
}
