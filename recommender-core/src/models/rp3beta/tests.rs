use super::*;
use crate::ids::ItemIx;
use crate::models::purchases::dataset;
use crate::recommender::FitOptions;

const ROWS: [&[u32]; 3] = [&[0, 1], &[0, 1, 2], &[1]];

fn fitted(config: &Rp3BetaConfig) -> Rp3Beta {
    config
        .fit(&dataset(4, &ROWS), &FitOptions::default())
        .unwrap()
}

#[test]
fn a_walk_is_the_product_of_its_steps_over_the_popularity_of_its_end() {
    let config = Rp3BetaConfig {
        alpha: 0.5,
        beta: 0.25,
        normalize: false,
        ..Rp3BetaConfig::default()
    };
    let model = fitted(&config);
    // Item 0 has users 0 and 1, with two and three items; item 1 has three users, item 2 one, item 3 none.
    let step = |to_user: f64, to_item: f64| (to_user * to_item).sqrt();
    let to_first = step(1.0 / 2.0, 1.0 / 2.0) + step(1.0 / 2.0, 1.0 / 3.0);
    let expected = [
        (1, to_first / 3f64.powf(0.25)),
        (2, step(1.0 / 2.0, 1.0 / 3.0)),
    ];
    let row = model.weights().row(0);
    assert_eq!(row.len(), expected.len());
    for ((found_item, found), (item, weight)) in row.iter().zip(expected) {
        assert_eq!(found_item, item);
        assert!((f64::from(found) - weight).abs() < 1e-6, "{found} {weight}");
    }
    assert!(model.weights().row(3).is_empty());
}

#[test]
fn normalized_rows_say_as_much_as_each_other() {
    let mut query = Query::new(5);
    query.session = vec![ItemIx(2)];
    let ranked = fitted(&Rp3BetaConfig::default()).recommend(&query).unwrap();
    let sum: f32 = ranked.entries().iter().map(|entry| entry.score).sum();
    assert_eq!(ranked.len(), 2);
    assert!((sum - 1.0).abs() < 1e-6, "{sum}");
}

#[test]
fn extreme_powers_and_a_lone_user_leave_finite_scores() {
    for rows in [&ROWS[..], &[&[0]], &[&[0, 1, 2, 3]]] {
        for (alpha, beta) in [(4.0, 4.0), (0.0, 0.0), (4.0, 0.0)] {
            let config = Rp3BetaConfig {
                alpha,
                beta,
                neighbours: usize::MAX,
                ..Rp3BetaConfig::default()
            };
            let model = config
                .fit(&dataset(4, rows), &FitOptions::default())
                .unwrap();
            let mut query = Query::new(5);
            query.session = vec![ItemIx(0); 1000];
            let ranked = model.recommend(&query).unwrap();
            assert!(ranked.entries().iter().all(|entry| entry.score.is_finite()));
        }
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let wrong = |config: Rp3BetaConfig| config.validate().unwrap_err().to_string();
    let base = Rp3BetaConfig::default;
    let alpha = Rp3BetaConfig {
        alpha: f32::NAN,
        ..base()
    };
    assert!(wrong(alpha).contains("rp3beta.alpha"));
    let beta = Rp3BetaConfig {
        beta: -0.1,
        ..base()
    };
    assert!(wrong(beta).contains("rp3beta.beta"));
    let neighbours = Rp3BetaConfig {
        neighbours: 0,
        ..base()
    };
    assert!(wrong(neighbours).contains("rp3beta.neighbours"));
}
