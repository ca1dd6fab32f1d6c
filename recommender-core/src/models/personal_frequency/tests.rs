use super::*;
use crate::models::purchases::{asked, baskets};
use crate::recommender::FitOptions;

fn fitted(config: &PersonalFrequencyConfig) -> PersonalFrequency {
    let dataset = baskets(6, &[&[&[0, 1], &[1]], &[&[4]], &[&[4], &[5]]]);
    config.fit(&dataset, &FitOptions::default()).unwrap()
}

fn items(model: &PersonalFrequency, query: &Query) -> Vec<u32> {
    let ranked = model.recommend(query).unwrap();
    ranked.items().map(|item| item.0).collect()
}

#[test]
fn counts_come_first_then_the_last_basket_then_popularity() {
    let model = fitted(&PersonalFrequencyConfig::default());
    // Item 2 twice; of those taken once, 4 and 0 last, and more users have 4; then 1; behind, what others have.
    let query = asked(&[&[1, 2], &[2], &[0, 4]]);
    assert_eq!(items(&model, &query), [2, 4, 0, 1, 5]);
    let mut few = query.clone();
    few.candidates = crate::Candidates::Only([5, 3, 1].map(ItemIx).into_iter().collect());
    assert_eq!(items(&model, &few), [1, 5]);
    assert_eq!(items(&model, &query.excluding_seen()), [5]);
}

#[test]
fn a_window_forgets_what_lies_before_it_and_nothing_follows_if_so_configured() {
    let config = PersonalFrequencyConfig {
        window_baskets: Some(2),
        popularity: false,
        ..PersonalFrequencyConfig::default()
    };
    let model = fitted(&config);
    assert_eq!(items(&model, &asked(&[&[1], &[1], &[0], &[2]])), [2, 0]);
    assert!(items(&model, &asked(&[])).is_empty());
}

#[test]
fn a_clock_years_ahead_and_order_numbers_change_no_count() {
    let model = fitted(&PersonalFrequencyConfig::default());
    let mut query = asked(&[&[1], &[1], &[0]]);
    let now = items(&model, &query);
    query.time = Some(crate::Timestamp(i64::MAX));
    assert_eq!(items(&model, &query), now);
    // Seconds 0, 1 and 2 in place of days: one basket by the hour, three by the moment.
    for (number, event) in (0..).zip(&mut query.timeline) {
        event.time = crate::Timestamp::from_seconds(number);
    }
    assert_eq!(items(&model, &query)[..2], [0, 1]);
    let by_moment = PersonalFrequencyConfig {
        gap_minutes: 0.0,
        ..PersonalFrequencyConfig::default()
    };
    assert_eq!(items(&fitted(&by_moment), &query)[..2], [1, 0]);
}

#[test]
fn settings_out_of_range_are_refused() {
    let none = PersonalFrequencyConfig {
        window_baskets: Some(0),
        ..PersonalFrequencyConfig::default()
    };
    assert!(
        none.validate()
            .unwrap_err()
            .to_string()
            .contains("window_baskets")
    );
    let negative = PersonalFrequencyConfig {
        gap_minutes: -1.0,
        ..PersonalFrequencyConfig::default()
    };
    assert!(negative.validate().is_err());
}
