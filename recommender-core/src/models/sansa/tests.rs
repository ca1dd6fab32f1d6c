use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::dataset::Dataset;
use crate::events::EventTable;
use crate::ids::ItemIx;
use crate::interactions::InteractionConfig;
use crate::models::EaseConfig;
use crate::models::purchases::bought;
use crate::recommender::FitOptions;

/// Users with purchases, of quantities that make weights differ.
fn dataset(users: u32, items: u32) -> Dataset {
    let mut table = EventTable::new();
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for user in 0..users {
        for item in 0..items {
            if item != user % items && !random.random_bool(0.2) {
                continue;
            }
            let quantity = 1.0 + (user % 3) as f32;
            table.push(&bought(&user, &item, quantity)).unwrap();
        }
    }
    let config = InteractionConfig {
        quantity: crate::interactions::Quantity::Linear,
        ..InteractionConfig::default()
    };
    Dataset::new(table, vec![], config).unwrap()
}

fn fit(config: &SansaConfig, dataset: &Dataset) -> Sansa {
    config.fit(dataset, &FitOptions::default()).unwrap()
}

#[test]
fn with_all_neighbours_it_is_ease() {
    // So many users that every two items share one.
    let dataset = dataset(400, 120);
    let ease = EaseConfig {
        regularization: 3.0,
        ..EaseConfig::default()
    };
    let ease = ease.fit(&dataset, &FitOptions::default()).unwrap();
    let sansa = SansaConfig {
        regularization: 3.0,
        dropout: 0.0,
        neighbours: 4_096,
        ..SansaConfig::default()
    };
    let sansa = fit(&sansa, &dataset);
    let mut query = Query::new(1_000);
    query.session = [1, 5, 9].map(ItemIx).to_vec();
    let expected = ease.recommend(&query).unwrap();
    let found = sansa.recommend(&query).unwrap();
    for entry in found.entries() {
        let of_ease = expected
            .entries()
            .iter()
            .find(|other| other.item == entry.item);
        let difference = of_ease.unwrap().score - entry.score;
        assert!(difference.abs() < 1e-4, "{entry:?} {difference}");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn each_item_solves_its_own_system_and_has_no_more_neighbours_than_asked_for() {
    let dataset = dataset(90, 120);
    let config = SansaConfig {
        regularization: 2.0,
        dropout: 0.25,
        neighbours: 7,
        ..SansaConfig::default()
    };
    let columns = fit(&config, &dataset).weights.transpose();
    let x = dataset.interactions().by_user();
    for (target, weights) in (0u32..).zip(columns.iter_rows()) {
        assert!(weights.len() <= 7 && !weights.indices.contains(&target));
        for (item, own) in weights.iter() {
            let mut gradient = 2.0 * f64::from(own);
            for row in x.iter_rows() {
                let of = |item: u32| {
                    let at = row.indices.binary_search(&item);
                    at.map_or(0.0, |at| f64::from(row.values[at]))
                };
                let predicted: f64 = weights.iter().map(|(i, w)| of(i) * f64::from(w)).sum();
                let dropped = of(item).powi(2) / 3.0 * f64::from(own);
                gradient += of(item) * (predicted - of(target)) + dropped;
            }
            assert!(gradient.abs() < 1e-2, "{target} {item}: {gradient}");
        }
    }
}

#[test]
fn a_tight_budget_thins_what_items_share_and_a_tighter_one_is_refused() {
    let dataset = dataset(90, 120);
    let with = |max_memory_bytes: u64| SansaConfig {
        regularization: 1e-6,
        neighbours: 20,
        max_memory_bytes,
        ..SansaConfig::default()
    };
    assert_eq!(
        with(1 << 20).most_shared(120).unwrap(),
        (1 << 20) / 960 - 20
    );
    let thinned = fit(&with(40_000), &dataset);
    assert!(thinned != fit(&with(1 << 20), &dataset));
    assert!(
        thinned
            .weights
            .values()
            .iter()
            .all(|weight| weight.is_finite())
    );
    let refused = with(38_000).fit(&dataset, &FitOptions::default());
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("38400 bytes"), "{error}");
}

#[test]
fn one_user_or_one_item_is_no_error() {
    for (users, items) in [(1, 40), (40, 1)] {
        let dataset = dataset(users, items);
        let model = fit(&SansaConfig::default(), &dataset);
        assert!(
            model
                .weights
                .values()
                .iter()
                .all(|weight| weight.is_finite())
        );
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let refused = |config: SansaConfig| config.validate().unwrap_err().to_string();
    let default = SansaConfig::default;
    for regularization in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = refused(SansaConfig {
            regularization,
            ..default()
        });
        assert!(error.contains("sansa.regularization"), "{error}");
    }
    for dropout in [-0.1, 1.0, f64::NAN] {
        let error = refused(SansaConfig {
            dropout,
            ..default()
        });
        assert!(error.contains("sansa.dropout"), "{error}");
    }
    for neighbours in [0, 4_097] {
        let error = refused(SansaConfig {
            neighbours,
            ..default()
        });
        assert!(error.contains("sansa.neighbours"), "{error}");
    }
}
