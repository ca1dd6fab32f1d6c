use super::*;
use crate::ids::UserIx;
use crate::models::item_knn::Similarity;
use crate::models::purchases::{self, dataset};
use crate::recommender::FitOptions;

const ROWS: [&[u32]; 4] = [&[0, 1, 2], &[0, 1], &[0, 3], &[4]];

fn answer(config: &UserKnnConfig, session: &[u32]) -> Vec<(u32, f32)> {
    let model = config
        .fit(&dataset(5, &ROWS), &FitOptions::default())
        .unwrap();
    purchases::answer(&model, &purchases::visit(session, 5))
}

fn near(found: &[(u32, f32)], expected: &[(u32, f64)]) {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.0, expected.0, "{found:?} {expected:?}");
        assert!(
            (f64::from(found.1) - expected.1).abs() < 1e-6,
            "{found:?} {expected:?}"
        );
    }
}

#[test]
fn neighbours_give_their_items_by_the_cosine_and_shrinkage_adds_to_the_norms() {
    let mut config = UserKnnConfig {
        similarity: Similarity::Cosine,
        ..UserKnnConfig::default()
    };
    let (first, third) = (2.0 / 6f64.sqrt(), 1.0 / 2.0);
    let expected = [
        (0, first + 1.0 + third),
        (1, first + 1.0),
        (2, first),
        (3, third),
    ];
    near(&answer(&config, &[0, 1]), &expected);
    config.shrinkage = 1.0;
    let (first, second, third) = (2.0 / (6f64.sqrt() + 1.0), 2.0 / 3.0, 1.0 / 3.0);
    let expected = [
        (0, first + second + third),
        (1, first + second),
        (2, first),
        (3, third),
    ];
    near(&answer(&config, &[0, 1]), &expected);
}

#[test]
fn the_nearest_have_a_say_with_ties_to_the_lower_index() {
    let config = UserKnnConfig {
        similarity: Similarity::Cosine,
        neighbours: 1,
        ..UserKnnConfig::default()
    };
    near(&answer(&config, &[0, 1]), &[(0, 1.0), (1, 1.0)]);
    // Users 1 and 2 have item 0 among two items; the first wins.
    let half = 1.0 / 2f64.sqrt();
    near(&answer(&config, &[0]), &[(0, half), (1, half)]);
}

#[test]
fn tf_idf_and_bm25_weigh_items_by_their_rarity() {
    let config = UserKnnConfig {
        similarity: Similarity::TfIdf,
        ..UserKnnConfig::default()
    };
    // Of four users three have item 0, which then says nothing; two have item 1, one has each other item.
    let (one, two) = ((4f64 / 3.0).ln(), 2f64.ln());
    let first = one / (one * one + two * two).sqrt();
    let expected = [(0, first + 1.0), (1, first + 1.0), (2, first)];
    near(&answer(&config, &[1]), &expected);
    let config = UserKnnConfig {
        similarity: Similarity::Bm25,
        ..UserKnnConfig::default()
    };
    // The mean length of the four users is two.
    let weight = |length: f64| 2.2 / (1.0 + 1.2 * (0.25 + 0.75 * length / 2.0)) * one;
    let near_to = |length: f64| weight(length) * weight(1.0);
    let expected = [
        (0, near_to(3.0) + near_to(2.0)),
        (1, near_to(3.0) + near_to(2.0)),
        (2, near_to(3.0)),
    ];
    near(&answer(&config, &[1]), &expected);
}

#[test]
fn forgetting_a_person_leaves_the_model_that_never_knew_her() {
    for similarity in [Similarity::Cosine, Similarity::TfIdf, Similarity::Bm25] {
        let config = UserKnnConfig {
            similarity,
            ..UserKnnConfig::default()
        };
        let options = FitOptions::default();
        let of_all = dataset(5, &ROWS);
        let forgotten = of_all.without(&[UserIx(3)]).unwrap();
        let without_her = config.fit(&forgotten, &options).unwrap();
        let never = config.fit(&dataset(5, &ROWS[..3]), &options).unwrap();
        for item in 0..5 {
            let mut query = Query::new(5);
            query.session = vec![ItemIx(item)];
            let answers = [&without_her, &never].map(|model| model.recommend(&query).unwrap());
            assert_eq!(answers[0], answers[1]);
        }
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let wrong = |config: UserKnnConfig| config.validate().unwrap_err().to_string();
    let base = UserKnnConfig::default;
    let neighbours = UserKnnConfig {
        neighbours: 0,
        ..base()
    };
    assert!(wrong(neighbours).contains("user_knn.neighbours"));
    let shrinkage = UserKnnConfig {
        shrinkage: -1.0,
        ..base()
    };
    assert!(wrong(shrinkage).contains("user_knn.shrinkage"));
    let both = UserKnnConfig {
        similarity: Similarity::Bm25,
        shrinkage: 1.0,
        ..base()
    };
    assert!(wrong(both).contains("bm25"));
    let length = UserKnnConfig {
        bm25_length: 1.5,
        ..base()
    };
    assert!(wrong(length).contains("user_knn.bm25_length"));
}
