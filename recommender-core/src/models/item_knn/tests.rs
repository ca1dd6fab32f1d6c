use super::*;
use crate::dataset::Dataset;
use crate::events::{Event, EventKind, EventTable};
use crate::interactions::{InteractionConfig, Quantity};
use crate::recommender::FitOptions;

/// Pieces of each item (columns) each user (rows) bought; every item is bought.
fn dataset(rows: &[&[u8]]) -> Dataset {
    let mut table = EventTable::new();
    // An impression weighs nothing, and puts the items in the order of the columns.
    for (user, row) in std::iter::once(&rows[0]).chain(rows).enumerate() {
        for (item, &quantity) in row.iter().enumerate() {
            let (kind, quantity) = match (user, quantity) {
                (0, _) => (EventKind::Impression, 1.0),
                (_, 0) => continue,
                _ => (EventKind::Purchase, f32::from(quantity)),
            };
            table
                .push(&Event {
                    visitor: format!("user {user}"),
                    item: Some(item.to_string()),
                    quantity,
                    kind,
                    ..Event::default()
                })
                .unwrap();
        }
    }
    let config = InteractionConfig {
        quantity: Quantity::Linear,
        ..InteractionConfig::default()
    };
    Dataset::new(table, vec![], config).unwrap()
}

fn similarities(config: &ItemKnnConfig, rows: &[&[u8]]) -> SparseMatrix {
    let model = config.fit(&dataset(rows), &FitOptions::default());
    model.unwrap().weights
}

fn near(found: f32, expected: f64) {
    assert!(
        (f64::from(found) - expected).abs() < 1e-6,
        "{found} {expected}"
    );
}

const ROWS: [&[u8]; 3] = [&[1, 2, 0, 0], &[0, 1, 1, 0], &[4, 0, 0, 1]];

#[test]
fn cosine_is_the_dot_product_over_the_norms_and_shrinkage_adds_to_them() {
    let mut config = ItemKnnConfig::default();
    let cosine = similarities(&config, &ROWS);
    // Items 0 = (1, 0, 4), 1 = (2, 1, 0), 2 = (0, 1, 0), 3 = (0, 0, 1).
    assert_eq!(cosine.row(0).indices, [1, 3]);
    near(cosine.row(0).values[0], 2.0 / (17f64 * 5.0).sqrt());
    near(cosine.row(0).values[1], 4.0 / 17f64.sqrt());
    near(cosine.row(1).values[0], 2.0 / (17f64 * 5.0).sqrt());
    config.shrinkage = 3.0;
    let shrunk = similarities(&config, &ROWS);
    near(shrunk.row(0).values[0], 2.0 / ((17f64 * 5.0).sqrt() + 3.0));
}

#[test]
fn tf_idf_weighs_roots_by_the_rarity_of_users() {
    let config = ItemKnnConfig {
        similarity: Similarity::TfIdf,
        ..ItemKnnConfig::default()
    };
    let found = similarities(&config, &[&[1, 2, 0, 0], &[1, 1, 1, 0], &[4, 0, 0, 1]]);
    // Users have 2, 3 and 2 items of 4: rarities ln(4/3), ln(4/4) = 0, ln(4/3).
    let r = (4f64 / 3.0).ln();
    let (first, second) = ([r, 0.0, 2.0 * r], [2f64.sqrt() * r, 0.0, 0.0]);
    let norm = |v: [f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    assert_eq!(found.row(0).indices, [1, 3]);
    near(
        found.row(0).values[0],
        first[0] * second[0] / (norm(first) * norm(second)),
    );
}

#[test]
fn bm25_saturates_and_discounts_by_length() {
    let config = ItemKnnConfig {
        similarity: Similarity::Bm25,
        ..ItemKnnConfig::default()
    };
    let found = similarities(&config, &ROWS);
    // Lengths 5, 3, 1, 1 of mean 2.5; every user has 2 items: rarity ln(4/3).
    let weight = |x: f64, length: f64| {
        x * 2.2 / (x + 1.2 * (0.25 + 0.75 * length / 2.5)) * (4f64 / 3.0).ln()
    };
    near(found.row(0).values[0], weight(1.0, 5.0) * weight(2.0, 3.0));
    near(found.row(3).values[0], weight(1.0, 1.0) * weight(4.0, 5.0));
}

#[test]
fn the_cut_keeps_the_nearest_with_ties_to_the_lower_index() {
    let config = ItemKnnConfig {
        neighbours: 2,
        ..ItemKnnConfig::default()
    };
    let found = similarities(&config, &[&[1, 1, 1, 1], &[0, 0, 0, 1], &[1, 1, 1, 1]]);
    assert_eq!(found.row(3).indices, [0, 1]);
    assert_eq!(found.row(0).indices, [1, 2]);
}

#[test]
fn scores_add_up_over_the_profile() {
    let model = ItemKnnConfig::default()
        .fit(&dataset(&ROWS), &FitOptions::default())
        .unwrap();
    let mut query = Query::new(10);
    query.session = vec![ItemIx(2), ItemIx(3), ItemIx(3)];
    let ranked = model.recommend(&query).unwrap();
    let expected = [(0, 2.0 * 4.0 / 17f64.sqrt()), (1, 1.0 / 5f64.sqrt())];
    assert_eq!(ranked.len(), expected.len());
    for (entry, (item, score)) in ranked.entries().iter().zip(expected) {
        assert_eq!(entry.item, ItemIx(item));
        near(entry.score, score);
    }
}

#[test]
fn a_sum_of_neighbours_counts_the_neighbours_of_the_item_answered() {
    let config = ItemKnnConfig {
        aggregation: Aggregation::NeighbourSum,
        neighbours: 1,
        ..ItemKnnConfig::default()
    };
    // Items 0 and 1 are each other's only neighbour; item 2 is near to 0, and nobody's neighbour.
    let rows: [&[u8]; 3] = [&[1, 1, 0], &[1, 1, 0], &[1, 0, 1]];
    let model = config.fit(&dataset(&rows), &FitOptions::default()).unwrap();
    let ranked = |session: &[u32]| {
        let mut query = Query::new(10);
        query.session = session.iter().copied().map(ItemIx).collect();
        model.recommend(&query).unwrap()
    };
    let answer = ranked(&[0, 0]);
    assert_eq!(answer.items().collect::<Vec<_>>(), [ItemIx(1), ItemIx(2)]);
    near(answer.entries()[0].score, 2.0 * 2.0 / 6f64.sqrt());
    near(answer.entries()[1].score, 2.0 / 3f64.sqrt());
    assert!(ranked(&[2]).is_empty());
}

#[test]
fn an_average_divides_by_all_the_neighbours_of_the_item() {
    let config = ItemKnnConfig {
        aggregation: Aggregation::Average,
        ..ItemKnnConfig::default()
    };
    let model = config.fit(&dataset(&ROWS), &FitOptions::default()).unwrap();
    let mut query = Query::new(10);
    query.session = vec![ItemIx(3)];
    let ranked = model.recommend(&query).unwrap();
    // Only item 0 has item 3 among its neighbours, beside item 1.
    let (chosen, other) = (4.0 / 17f64.sqrt(), 2.0 / (17f64 * 5.0).sqrt());
    assert_eq!(ranked.len(), 1);
    assert_eq!(ranked.entries()[0].item, ItemIx(0));
    near(ranked.entries()[0].score, chosen / (chosen + other));
}

#[test]
fn a_centred_average_adds_the_neighbours_to_popularity() {
    let config = ItemKnnConfig {
        aggregation: Aggregation::CentredAverage,
        ..ItemKnnConfig::default()
    };
    let model = config.fit(&dataset(&ROWS), &FitOptions::default()).unwrap();
    let mut query = Query::new(10);
    query.session = vec![ItemIx(3)];
    let ranked = model.recommend(&query).unwrap();
    // Three users; items 0 to 3 have 5, 3, 1 and 1 pieces. Item 0 is near 1 and 3, 1 near 0 and 2, 2 near 1, 3 near 0.
    let (a, b) = (2.0 / (17f64 * 5.0).sqrt(), 4.0 / 17f64.sqrt());
    let c = 1.0 / 5f64.sqrt();
    let expected = [
        (
            0,
            (5.0 - 3.0 * a / (a + b) - b / (a + b)) / 3.0 + b / (a + b),
        ),
        (1, (3.0 - 5.0 * a / (a + c) - c / (a + c)) / 3.0),
        (2, (1.0 - 3.0) / 3.0),
        (3, (1.0 - 5.0) / 3.0),
    ];
    assert_eq!(ranked.len(), expected.len());
    for (entry, (item, score)) in ranked.entries().iter().zip(expected) {
        assert_eq!(entry.item, ItemIx(item));
        near(entry.score, score);
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let wrong = |config: ItemKnnConfig| config.validate().unwrap_err().to_string();
    let base = ItemKnnConfig::default;
    assert!(
        wrong(ItemKnnConfig {
            neighbours: 0,
            ..base()
        })
        .contains("neighbours")
    );
    assert!(
        wrong(ItemKnnConfig {
            shrinkage: f32::NAN,
            ..base()
        })
        .contains("shrinkage")
    );
    assert!(
        wrong(ItemKnnConfig {
            bm25_length: 1.5,
            ..base()
        })
        .contains("bm25_length")
    );
    assert!(
        wrong(ItemKnnConfig {
            bm25_saturation: 0.0,
            ..base()
        })
        .contains("bm25_saturation")
    );
    let both = ItemKnnConfig {
        similarity: Similarity::Bm25,
        shrinkage: 1.0,
        ..base()
    };
    assert!(wrong(both).contains("bm25"));
}
