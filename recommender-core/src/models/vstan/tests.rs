use proptest::prelude::*;

use super::*;
use crate::models::purchases::{answer, distinct, sessions, visit};
use crate::query::HistoryItem;
use crate::recommender::FitOptions;

const ITEMS: u32 = 12;

/// Settings under which items of the visit are scored as all others.
fn published() -> VstanConfig {
    VstanConfig {
        revisits: false,
        ..VstanConfig::default()
    }
}

/// Sessions with the day each ended.
fn fitted(config: &VstanConfig, days: &[(Vec<u32>, i64)]) -> Vstan {
    let ended =
        |(items, day): &(Vec<u32>, i64)| (items.clone(), Timestamp::from_seconds(day * 86_400));
    let dataset = sessions(ITEMS, days.iter().map(ended));
    config.fit(&dataset, &FitOptions::default()).unwrap()
}

#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
/// The definition, looking at every session, in double precision; items ascending, zero where there is no score.
fn oracle(config: &VstanConfig, sessions: &[(Vec<u32>, i64)], visit: &[u32], now: i64) -> Vec<f64> {
    let mut sessions: Vec<(Vec<u32>, i64)> = sessions
        .iter()
        .map(|(items, day)| (distinct(items), *day))
        .collect();
    sessions.sort_by_key(|&(_, day)| day);
    let visit = &visit[visit.len().saturating_sub(config.last_items)..];
    let steps = |item: &u32| visit.iter().rev().position(|other| other == item);
    let faded = |steps: usize, decay: f32| (-(steps as f64) / f64::from(decay)).exp();
    let sample = sessions.iter().rev();
    let sample = sample.filter(|(items, _)| items.iter().any(|item| steps(item).is_some()));
    let mut near: Vec<(f64, &Vec<u32>)> = sample
        .take(config.recent_sessions)
        .map(|(items, day)| {
            let mut shared: Vec<usize> = items.iter().filter_map(steps).collect();
            shared.sort_unstable();
            let shared = shared
                .into_iter()
                .map(|steps| faded(steps, config.position_decay));
            let age = (-(now - day).max(0) as f64 / f64::from(config.age_decay_days)).exp();
            (
                shared.sum::<f64>() / (items.len() as f64).sqrt() * age,
                items,
            )
        })
        .collect();
    // Equals must stay in the order of recency, and so must those that single precision can't tell apart.
    near.sort_by(|a, b| (b.0 as f32).total_cmp(&(a.0 as f32)));
    near.truncate(config.neighbours);
    let mut scores = vec![0.0; ITEMS as usize];
    for (near, items) in near {
        let latest = items.iter().filter_map(steps).min().unwrap();
        let last = items
            .iter()
            .rposition(|item| steps(item).is_some())
            .unwrap();
        for (place, &item) in items.iter().enumerate() {
            let held = sessions
                .iter()
                .filter(|(items, _)| items.contains(&item))
                .count();
            let idf = (sessions.len() as f64 / held as f64).ln();
            scores[item as usize] += near
                * faded(latest, config.match_decay)
                * faded(place.abs_diff(last), config.distance_decay)
                * (1.0 + f64::from(config.idf_weight) * idf);
        }
    }
    scores
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_answer_is_that_of_looking_at_every_session(
        sessions in prop::collection::vec((prop::collection::vec(0..ITEMS, 1..9), 0..40i64), 1..50),
        now in prop::collection::vec(0..ITEMS, 1..12),
        numbers in (1..12usize, 1..60usize, 1..10usize),
        decays in (1..9u8, 1..9u8, 1..9u8, 0..3u8),
        day in 20..50i64,
    ) {
        let config = VstanConfig {
            last_items: numbers.0,
            recent_sessions: numbers.1,
            // A boundary among the nearest is where single and double precision may part.
            neighbours: if numbers.2 > 5 { 1000 } else { 1 },
            position_decay: f32::from(decays.0),
            age_decay_days: 10.0 * f32::from(decays.1),
            distance_decay: f32::from(decays.2),
            idf_weight: f32::from(decays.3),
            ..published()
        };
        let model = fitted(&config, &sessions);
        let mut query = visit(&now, 100);
        query.time = Some(Timestamp::from_seconds(day * 86_400));
        let mut found = vec![0.0; ITEMS as usize];
        for (item, score) in answer(&model, &query) {
            found[item as usize] = f64::from(score);
        }
        let expected = oracle(&config, &sessions, &now, day);
        for (found, expected) in found.iter().zip(&expected) {
            let apart = (found - expected).abs();
            prop_assert!(apart <= 1e-4 * expected.max(1e-3), "{found} {expected}");
        }
    }
}

#[test]
fn what_stands_next_to_the_shared_item_comes_first() {
    let config = VstanConfig {
        idf_weight: 0.0,
        ..published()
    };
    let model = fitted(&config, &[(vec![5, 4, 3, 2, 1], 0)]);
    let items: Vec<u32> = answer(&model, &visit(&[4], 5))
        .iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(items, [4, 3, 5, 2, 1]);
}

#[test]
fn sessions_of_long_ago_count_less_and_a_clock_years_ahead_changes_nothing() {
    let config = VstanConfig {
        age_decay_days: 1.0,
        idf_weight: 0.0,
        ..published()
    };
    let mut sessions: Vec<(Vec<u32>, i64)> = (0..1000).map(|_| (vec![9], 30)).collect();
    sessions.extend([(vec![1, 2], 29), (vec![1, 2], 29), (vec![1, 3], 30)]);
    let first = |sessions: &[(Vec<u32>, i64)]| answer(&fitted(&config, sessions), &visit(&[1], 5));
    let without = first(&sessions);
    assert_eq!(without[1].0, 3);
    sessions.push((vec![8], 40_000));
    assert_eq!(first(&sessions), without);
    // At the end of time all sessions are as old as can be, and nothing is lost.
    let mut late = visit(&[1], 5);
    late.time = Some(Timestamp(i64::MAX));
    let model = fitted(&config, &sessions);
    assert_eq!(answer(&model, &late).len(), 3);
}

#[test]
fn own_sessions_and_reminders_are_a_choice() {
    let sessions = [
        (vec![0, 1], 1),
        (vec![0, 1], 1),
        (vec![0, 2], 3),
        (vec![5], 3),
    ];
    let config = VstanConfig {
        idf_weight: 0.0,
        own_boost: 3.0,
        reminders: 0.1,
        ..published()
    };
    let model = fitted(&config, &sessions);
    let mut query = visit(&[0], 5);
    assert_eq!(answer(&model, &query)[1].0, 1);
    query.history = vec![HistoryItem {
        item: ItemIx(7),
        weight: 1.0,
        time: Timestamp::from_seconds(3 * 86_400),
    }];
    let items: Vec<u32> = answer(&model, &query).iter().map(|it| it.0).collect();
    assert_eq!(items, [0, 2, 1, 7]);
}

#[test]
fn visits_return_where_visits_like_them_did_and_what_is_new_keeps_its_order() {
    // Whoever saw two items goes back to the earlier one every second time, and never stays.
    let sessions: Vec<(Vec<u32>, i64)> = (0..100).map(|n| (vec![0, 1, 0, 2 + n % 3], 0)).collect();
    let model = fitted(&VstanConfig::default(), &sessions);
    let with = answer(&model, &visit(&[0, 1], 10));
    assert_eq!(with[0].0, 0);
    assert!((0.45..0.5).contains(&with[0].1), "{with:?}");
    let all: f32 = with.iter().map(|entry| entry.1).sum();
    assert!((all - 1.0).abs() < 0.1, "{with:?}");
    let new = |list: &[(u32, f32)]| -> Vec<u32> {
        let items = list.iter().map(|entry| entry.0);
        items.filter(|&item| item > 1).collect()
    };
    let without = answer(&fitted(&published(), &sessions), &visit(&[0, 1], 10));
    assert_eq!(new(&with), new(&without));
    // An item that the model never saw is no answer, wherever it stands in the visit.
    let unknown = answer(&model, &visit(&[0, 11, 77], 10));
    assert!(unknown.iter().all(|entry| entry.0 < 5), "{unknown:?}");
    let over = model.over(model.index().without(&[]).unwrap()).unwrap();
    assert_eq!(answer(&over, &visit(&[0, 1], 10)), with);
}

#[test]
fn odd_visits_and_odd_data_have_an_answer() {
    let model = fitted(&published(), &[(vec![1; 10_000], 0), (vec![1, 2], 0)]);
    assert_eq!(answer(&model, &visit(&[77, 78], 5)), []);
    assert_eq!(answer(&model, &visit(&[], 5)), []);
    assert_eq!(answer(&model, &visit(&[2; 10_000], 5)).len(), 2);
    let config = VstanConfig {
        position_decay: 1e-30,
        distance_decay: 1e-30,
        match_decay: 1e-30,
        age_decay_days: 1e-30,
        ..published()
    };
    let model = fitted(&config, &[(vec![1, 2, 3], 0), (vec![3], 1000)]);
    let ranked = answer(&model, &visit(&[1, 2], 5));
    assert!(
        ranked.iter().all(|(_, score)| score.is_finite()),
        "{ranked:?}"
    );
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let wrong = [
        ("neighbours", serde_json::json!(0)),
        ("recent_sessions", serde_json::json!(0)),
        ("last_items", serde_json::json!(33)),
        ("position_decay", serde_json::json!(0.0)),
        ("age_decay_days", serde_json::json!(-1.0)),
        ("distance_decay", serde_json::json!(0.0)),
        ("match_decay", serde_json::json!(0.0)),
        ("idf_weight", serde_json::json!(-0.1)),
        ("extend_to", serde_json::json!(21)),
        ("own_boost", serde_json::json!(-1.0)),
        ("gap_minutes", serde_json::json!(0)),
        ("most_items", serde_json::json!(0)),
    ];
    for (field, value) in wrong {
        let object = serde_json::json!({ field: value });
        let config: VstanConfig = serde_json::from_value(object).unwrap();
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(&format!("vstan.{field}")), "{error}");
    }
}
