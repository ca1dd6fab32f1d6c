use super::*;
use crate::models::purchases::{asked, assert_close, baskets, scores};
use crate::recommender::FitOptions;

fn config() -> TifuKnnConfig {
    TifuKnnConfig {
        neighbours: 2,
        groups: 2,
        basket_decay: 0.5,
        group_decay: 0.25,
        own_weight: 0.6,
        ..TifuKnnConfig::default()
    }
}

#[test]
fn a_vector_is_the_published_average_of_averages() {
    // Three baskets in two groups: {0}, then {1} and {0, 2}.
    let query = asked(&[&[0], &[1], &[0, 2]]);
    let baskets = Baskets::of_query(&query, &config().baskets());
    let vector = config().vector(&baskets);
    // Newer group: (0.5 · {1} + {0, 2}) / 2; older: {0} · 0.25; both over 2.
    assert_close(&vector, &[(0, 0.25 + 0.125), (1, 0.125), (2, 0.25)]);
}

#[test]
fn an_answer_blends_her_own_vector_with_the_mean_of_her_neighbours() {
    let dataset = baskets(5, &[&[&[0, 1]], &[&[0, 3]], &[&[4]], &[&[0, 1], &[2]]]);
    let model = config().fit(&dataset, &FitOptions::default()).unwrap();
    // The first user is herself. Of the others the second, at 1/2, and the fourth, at 1/3, share an item with her.
    let query = asked(&[&[0, 1]]);
    let fourth = [(0, 0.125), (1, 0.125), (2, 0.5)];
    let expected = [
        (0, 0.6 + 0.2 * (1.0 + fourth[0].1)),
        (1, 0.6 + 0.2 * fourth[1].1),
        (2, 0.2 * fourth[2].1),
        (3, 0.2),
    ];
    assert_close(&scores(&model, &query), &expected);
}

#[test]
fn by_distance_a_short_stranger_may_be_nearer_than_who_shares_an_item() {
    let dataset = baskets(6, &[&[&[0, 1, 2, 3, 4]], &[&[5], &[5]]]);
    let euclidean = TifuKnnConfig {
        neighbours: 1,
        nearness: Nearness::Euclidean,
        own_weight: 0.0,
        ..config()
    };
    let model = euclidean.fit(&dataset, &FitOptions::default()).unwrap();
    // Squared distances from {0}: 4 to the first user; 1 + (0.5 + 0.125)² to the second.
    let found = scores(&model, &asked(&[&[0]]));
    assert_close(&found, &[(0, 0.0), (5, 0.625)]);
    let cosine = TifuKnnConfig {
        nearness: Nearness::Cosine,
        ..euclidean
    };
    let model = cosine.fit(&dataset, &FitOptions::default()).unwrap();
    let found = scores(&model, &asked(&[&[0]]));
    assert_eq!(
        found.iter().map(|it| it.0).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4]
    );
}

#[test]
fn one_user_of_one_basket_and_a_thousand_baskets_are_answered() {
    let dataset = baskets(2, &[&[&[0]]]);
    let model = config().fit(&dataset, &FitOptions::default()).unwrap();
    assert_close(&scores(&model, &asked(&[&[0]])), &[(0, 0.6)]);
    let many: Vec<&[u32]> = vec![&[1]; 1000];
    let found = scores(&model, &asked(&many));
    assert!(found.len() == 1 && found[0].1 > 0.0, "{found:?}");
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let defaults = TifuKnnConfig::default;
    for (config, field) in [
        (
            TifuKnnConfig {
                neighbours: 0,
                ..defaults()
            },
            "neighbours",
        ),
        (
            TifuKnnConfig {
                groups: 0,
                ..defaults()
            },
            "groups",
        ),
        (
            TifuKnnConfig {
                basket_decay: 0.0,
                ..defaults()
            },
            "basket_decay",
        ),
        (
            TifuKnnConfig {
                group_decay: f32::NAN,
                ..defaults()
            },
            "group_decay",
        ),
        (
            TifuKnnConfig {
                own_weight: 1.5,
                ..defaults()
            },
            "own_weight",
        ),
        (
            TifuKnnConfig {
                gap_minutes: -1.0,
                ..defaults()
            },
            "gap_minutes",
        ),
    ] {
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}
