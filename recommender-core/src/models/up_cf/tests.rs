use super::*;
use crate::models::purchases::{asked, assert_close, baskets, scores};
use crate::recommender::FitOptions;

fn fitted(config: &UpCfConfig) -> UpCf {
    let dataset = baskets(
        6,
        &[
            &[&[5], &[0, 1], &[1]],
            &[&[0], &[3]],
            &[&[4]],
            &[&[1, 2, 3]],
        ],
    );
    config.fit(&dataset, &FitOptions::default()).unwrap()
}

#[test]
fn the_score_is_the_sum_of_like_shoppers_shares_of_late() {
    let config = UpCfConfig {
        window_baskets: 2,
        asymmetry: 0.5,
        locality: 1.0,
        ..UpCfConfig::default()
    };
    let model = fitted(&config);
    // Whoever asks is the first user: she is left out and counts once. The others share 1 of 3 · 2 and of 3 · 3 items.
    let query = asked(&[&[5], &[0, 1], &[1]]);
    let (second, fourth) = (1.0 / 6f32.sqrt(), 1.0 / 3.0);
    let expected = [
        (0, 0.5 + 0.5 * second),
        (1, 1.0 + fourth),
        (2, fourth),
        (3, 0.5 * second + fourth),
    ];
    assert_close(&scores(&model, &query), &expected);
    // What lies before the window tells who is alike, but is not answered.
    let query = asked(&[&[4], &[1], &[1]]);
    assert!(scores(&model, &query).iter().all(|&(item, _)| item != 5));
}

#[test]
fn asymmetry_locality_and_shrinkage_are_those_of_the_formula() {
    let config = UpCfConfig {
        window_baskets: 2,
        asymmetry: 0.75,
        locality: 2.0,
        shrinkage: 0.5,
        neighbours: 1,
        ..UpCfConfig::default()
    };
    let model = fitted(&config);
    let near = 1.0 / (2f32.powf(0.75) * 2f32.powf(0.25) + 0.5);
    let query = asked(&[&[0, 5]]);
    // Of the neighbours that share one item the first user has 3 items, the second 2; but the first shares both.
    let first = (2.0 / (2f32.powf(0.75) * 3f32.powf(0.25) + 0.5)).powi(2);
    assert!(first > near * near);
    let expected = [(0, 1.0 + 0.5 * first), (1, first), (5, 1.0)];
    assert_close(&scores(&model, &query), &expected);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let defaults = UpCfConfig::default;
    for (config, field) in [
        (
            UpCfConfig {
                window_baskets: 0,
                ..defaults()
            },
            "window_baskets",
        ),
        (
            UpCfConfig {
                neighbours: 0,
                ..defaults()
            },
            "neighbours",
        ),
        (
            UpCfConfig {
                asymmetry: 1.5,
                ..defaults()
            },
            "asymmetry",
        ),
        (
            UpCfConfig {
                locality: 0.0,
                ..defaults()
            },
            "locality",
        ),
        (
            UpCfConfig {
                shrinkage: f32::NAN,
                ..defaults()
            },
            "shrinkage",
        ),
        (
            UpCfConfig {
                gap_minutes: f64::NAN,
                ..defaults()
            },
            "gap_minutes",
        ),
    ] {
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}
