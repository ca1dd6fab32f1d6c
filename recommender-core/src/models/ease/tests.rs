use super::*;
use crate::dataset::Dataset;
use crate::events::{Event, EventKind, EventTable};
use crate::interactions::InteractionConfig;
use crate::query::ItemSet;
use crate::recommender::FitOptions;

/// Users with purchases of items `0..items`; item 0 comes first in the numbering, then 1 and so on.
fn dataset(items: u32, users: &[&[u32]]) -> Dataset {
    let mut table = EventTable::new();
    let mut push = |visitor: String, item: u32, kind| {
        table
            .push(&Event {
                visitor,
                item: Some(item.to_string()),
                quantity: 1.0,
                kind,
                ..Event::default()
            })
            .unwrap();
    };
    for item in 0..items {
        push("census".into(), item, EventKind::Impression);
    }
    for (user, row) in users.iter().enumerate() {
        for &item in *row {
            push(user.to_string(), item, EventKind::Purchase);
        }
    }
    Dataset::new(table, vec![], InteractionConfig::default()).unwrap()
}

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

#[test]
fn each_column_solves_its_own_ridge_regression() {
    // Without its own column an item is a plain ridge regression on the others: its normal equations must hold.
    let rows: Vec<Vec<u32>> = (0..90u32)
        .map(|user| {
            (0..200)
                .filter(|item| (user * 31 + item * item * 7) % 11 < 2)
                .collect()
        })
        .collect();
    let users: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
    let dataset = dataset(200, &users);
    let model = fit(2.0, &dataset);
    let size = model.items.len();
    let x = dataset.interactions().by_user();
    for target in [0, 57, size - 1] {
        let weight = |item: usize| f64::from(model.weights[item * size + target]);
        for item in (0..size).filter(|&item| item != target) {
            let mut gradient = 2.0 * weight(item);
            for row in x.iter_rows() {
                let has = |item: usize| row.indices.binary_search(&model.items[item]).is_ok();
                if has(item) {
                    let predicted: f64 = (0..size).filter(|&i| has(i)).map(weight).sum();
                    gradient += predicted - f64::from(u8::from(has(target)));
                }
            }
            assert!(gradient.abs() < 1e-3, "{target} {item}: {gradient}");
        }
    }
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
    query.candidates = Candidates::Only(few.clone());
    let among = model.recommend(&query).unwrap();
    assert_eq!(among.len(), 2);
    for entry in among.entries() {
        assert!(all.entries().contains(entry), "{entry:?}");
    }
}

#[test]
fn weights_too_large_to_solve_with_are_refused() {
    let mut table = EventTable::new();
    for item in ["a", "b"] {
        table
            .push(&Event {
                visitor: "ann".into(),
                item: Some(item.into()),
                quantity: 1e30,
                kind: EventKind::Purchase,
                ..Event::default()
            })
            .unwrap();
    }
    let config = InteractionConfig {
        quantity: crate::interactions::Quantity::Linear,
        ..InteractionConfig::default()
    };
    let dataset = Dataset::new(table, vec![], config).unwrap();
    let error = EaseConfig::default().fit(&dataset, &FitOptions::default());
    assert!(matches!(error, Err(Error::Data { .. })), "{error:?}");
}
