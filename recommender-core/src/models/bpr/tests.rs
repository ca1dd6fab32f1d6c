use super::*;
use crate::Dataset;
use crate::dataset::Change;
use crate::events::EventTable;
use crate::ids::{ItemIx, UserIx};
use crate::interactions::InteractionConfig;
use crate::models::purchases::bought;
use crate::recommender::FitOptions;

fn dataset(pairs: impl IntoIterator<Item = (u32, u32)>) -> Dataset {
    let mut table = EventTable::new();
    for (user, item) in pairs {
        table.push(&bought(&user, &item, 1.0)).unwrap();
    }
    Dataset::new(table, vec![], InteractionConfig::default()).unwrap()
}

/// Users of one of four tastes, each with most of the items of hers.
fn tastes() -> impl Iterator<Item = (u32, u32)> {
    (0..80).flat_map(|user| {
        (0..40).filter_map(move |item| {
            let own = item % 4 == user % 4 && (item / 4 + user / 4) % 5 != 0;
            own.then_some((user, item))
        })
    })
}

fn config(negatives: Negatives) -> BprConfig {
    BprConfig {
        factors: 8,
        negatives,
        ..BprConfig::default()
    }
}

/// The share of users whose first answer is of their taste.
fn share_of_taste(model: &Bpr, dataset: &Dataset) -> f64 {
    let hits = (0..80).filter(|&user| {
        let index = dataset.users().get(&user.to_string()).unwrap();
        let query = dataset.query_of(index, 1).unwrap().excluding_seen();
        let ranked = model.recommend(&query).unwrap();
        let item = ranked.items().next().unwrap();
        let number: u32 = dataset.items().key(item).parse().unwrap();
        number % 4 == user % 4
    });
    hits.count() as f64 / 80.0
}

#[test]
fn every_way_to_draw_learns_the_tastes() {
    let dataset = dataset(tastes());
    for negatives in [
        Negatives::Uniform,
        Negatives::Popularity,
        Negatives::Adaptive,
    ] {
        let model = config(negatives)
            .fit(&dataset, &FitOptions::default())
            .unwrap();
        assert!(share_of_taste(&model, &dataset) > 0.95, "{negatives:?}");
    }
}

#[test]
fn an_update_keeps_what_was_learned_and_learns_what_is_new() {
    let before = dataset(tastes());
    let config = config(Negatives::Uniform);
    let fitted = config.fit(&before, &FitOptions::default()).unwrap();
    let news = (0..80).step_by(4).map(|user| bought(&user, &40, 1.0));
    let after = before.with(&news.collect::<Vec<_>>()).unwrap();
    let change = Change::between(&before, &after).unwrap();
    let updated = config
        .update(&fitted, &change, &FitOptions::default())
        .unwrap();
    assert!(share_of_taste(&updated, &after) > 0.95);
    assert_eq!(updated.item_bound(), 41);
}

#[test]
fn odd_data_has_a_finite_answer() {
    let one = dataset([(0, 0)]);
    let everything = dataset((0..3).flat_map(|user| (0..30).map(move |item| (user, item))));
    let single = dataset((0..30).map(|user| (user, user)));
    for dataset in [one, everything, single] {
        let config = BprConfig {
            factors: 50,
            ..BprConfig::default()
        };
        let model = config.fit(&dataset, &FitOptions::default()).unwrap();
        let query = dataset.query_of(UserIx(0), 1_000).unwrap();
        assert_eq!(
            model.recommend(&query).unwrap().len(),
            dataset.items().len()
        );
    }
}

#[test]
fn steps_past_all_bounds_are_an_error() {
    let config = BprConfig {
        learning_rate: 1e38,
        ..config(Negatives::Uniform)
    };
    let error = config.fit(&dataset(tastes()), &FitOptions::default());
    assert!(error.unwrap_err().to_string().contains("learning_rate"));
}

#[test]
fn a_shopper_with_nothing_known_has_no_answer() {
    let dataset = dataset(tastes());
    let model = config(Negatives::Uniform)
        .fit(&dataset, &FitOptions::default())
        .unwrap();
    let mut query = Query::new(3);
    query.session = vec![ItemIx(99)];
    assert!(model.recommend(&query).unwrap().is_empty());
}

#[test]
fn settings_out_of_range_are_named() {
    let default = BprConfig::default;
    let cases = [
        (
            BprConfig {
                factors: 0,
                ..default()
            },
            "bpr.factors",
        ),
        (
            BprConfig {
                epochs: 0,
                ..default()
            },
            "bpr.epochs",
        ),
        (
            BprConfig {
                draws: 0,
                ..default()
            },
            "bpr.draws",
        ),
        (
            BprConfig {
                learning_rate: 0.0,
                ..default()
            },
            "bpr.learning_rate",
        ),
        (
            BprConfig {
                regularization: -1.0,
                ..default()
            },
            "bpr.regularization",
        ),
    ];
    for (config, field) in cases {
        let message = config.validate().unwrap_err().to_string();
        assert!(message.contains(field), "{message}");
    }
}
