use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::interactions::InteractionConfig;
use crate::models::purchases::{answer, distinct, sessions, visit};
use crate::models::vmis_knn::config::LONGEST_VISIT;
use crate::query::HistoryItem;
use crate::recommender::FitOptions;
use crate::sessions::{SessionConfig, Sessions};
use crate::time::Timestamp;

const ITEMS: u32 = 12;

/// Sessions of as many users, in the order of their ends: a second apart, or two at once.
fn dataset(visits: &[Vec<u32>]) -> Dataset {
    let seconds = (0..).map(|number| Timestamp::from_seconds(number / 2));
    sessions(ITEMS, visits.iter().cloned().zip(seconds))
}

fn fitted(config: &VmisKnnConfig, sessions: &[Vec<u32>]) -> VmisKnn {
    config
        .fit(&dataset(sessions), &FitOptions::default())
        .unwrap()
}

/// The definition, looking at every session, in the numbers of the model.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]
fn oracle(config: &VmisKnnConfig, sessions: &[Vec<u32>], visit: &[u32]) -> Vec<(u32, f32)> {
    let learned =
        |items: &Vec<u32>| (config.least_items..=config.most_items).contains(&items.len());
    let sessions: Vec<Vec<u32>> = sessions
        .iter()
        .map(|it| distinct(it))
        .filter(learned)
        .collect();
    let visit = &visit[visit.len().saturating_sub(config.last_items)..];
    let place = |item: &u32| {
        visit
            .iter()
            .rposition(|other| other == item)
            .map(|at| at + 1)
    };
    let weight = |place: usize| match config.position_weight {
        PositionWeight::Same => 1,
        PositionWeight::Linear => place as u64,
        PositionWeight::Quadratic => (place * place) as u64,
    };
    let shares = |items: &&Vec<u32>| items.iter().any(|item| place(item).is_some());
    let sample = sessions
        .iter()
        .rev()
        .filter(shares)
        .take(config.recent_sessions);
    let scored = sample.map(|items| {
        let places: Vec<usize> = items.iter().filter_map(place).collect();
        let score: u64 = places.iter().copied().map(weight).sum();
        let steps = visit.len() - places.iter().max().unwrap() + 1;
        let decay = (1.0 - config.match_decay * steps as f32).max(0.0);
        (score, (decay * 1000.0).round() as u64, items)
    });
    let mut neighbours: Vec<_> = scored.collect();
    neighbours.sort_by_key(|&(score, ..)| std::cmp::Reverse(score));
    neighbours.truncate(config.neighbours);
    let mut sums: BTreeMap<u32, u64> = BTreeMap::new();
    for (score, decay, items) in neighbours.into_iter().filter(|it| it.1 > 0) {
        items
            .iter()
            .for_each(|&item| *sums.entry(item).or_default() += score * decay);
    }
    let entries = sessions.iter().map(Vec::len).sum::<usize>() as f64;
    let idf = |item: u32| {
        let held = sessions
            .iter()
            .filter(|items| items.contains(&item))
            .count();
        let log = (entries / held as f64).ln();
        match config.idf {
            Idf::None => 1.0,
            Idf::Log => (if log > 0.0 { log } else { 1.0 }) as f32,
            Idf::OnePlusLog => 1.0 + log as f32,
        }
    };
    let unit = 1.0 / (1000.0 * weight(visit.len()) as f32);
    let score = |(item, sum): (u32, u64)| (item, sum as f32 * unit * idf(item));
    let mut scores: Vec<(u32, f32)> = sums.into_iter().map(score).collect();
    scores.retain(|&(item, _)| config.current_item || Some(&item) != visit.last());
    scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    scores
}

fn configs() -> impl Strategy<Value = VmisKnnConfig> {
    use {Idf::*, PositionWeight::*};
    let idf = prop::sample::select(vec![None, Log, OnePlusLog]);
    let weight = prop::sample::select(vec![Same, Linear, Quadratic]);
    let numbers = (
        1..12usize,
        1..8usize,
        1..=LONGEST_VISIT,
        1..3usize,
        3..7usize,
    );
    (numbers, weight, idf, 0..5u8, any::<bool>()).prop_map(
        |((recent, neighbours, last, least, most), position_weight, idf, decay, current_item)| {
            VmisKnnConfig {
                recent_sessions: recent,
                neighbours,
                last_items: last,
                position_weight,
                match_decay: f32::from(decay) * 0.1,
                idf,
                current_item,
                least_items: least,
                most_items: most,
                ..VmisKnnConfig::default()
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_answer_is_that_of_looking_at_every_session(
        sessions in prop::collection::vec(prop::collection::vec(0..ITEMS, 1..9), 1..60),
        now in prop::collection::vec(0..ITEMS + 2, 1..12),
        config in configs(),
    ) {
        let model = fitted(&config, &sessions);
        let expected = oracle(&config, &sessions, &now);
        prop_assert_eq!(answer(&model, &visit(&now, 100)), expected.clone());
        let few = expected.into_iter().take(3).collect::<Vec<_>>();
        prop_assert_eq!(answer(&model, &visit(&now, 3)), few);
    }
}

#[test]
fn sessions_come_and_go_under_a_model_that_serves() {
    let sessions: Vec<Vec<u32>> = (0..40).map(|n| vec![n % 7, n % 5 + 7, n % 3]).collect();
    let config = VmisKnnConfig::default();
    let all = dataset(&sessions);
    let cut = |rows: std::ops::Range<u32>| {
        let table = all.table().clone();
        let config = InteractionConfig::default();
        let dataset = Dataset::of_rows(table, rows.collect(), vec![], config).unwrap();
        Sessions::of(&dataset, &SessionConfig::default()).unwrap()
    };
    let first = SessionIndex::new(&cut(0..114), ITEMS as usize, config.index()).unwrap();
    let next = first.with(&cut(114..120), ITEMS as usize, None).unwrap();
    let anew = fitted(&config, &sessions);
    let followed = fitted(&config, &sessions[..38]).over(next).unwrap();
    for item in 0..ITEMS {
        let query = visit(&[3, item], 20);
        assert_eq!(answer(&followed, &query), answer(&anew, &query));
    }
    let her = all.users().get("39").unwrap();
    let purged = followed
        .over(followed.index().without(&[her]).unwrap())
        .unwrap();
    let never = fitted(&config, &sessions[..39]);
    for item in 0..ITEMS {
        let query = visit(&[item], 20);
        assert_eq!(answer(&purged, &query), answer(&never, &query));
    }
    let other = VmisKnnConfig {
        recent_sessions: 3,
        ..config
    };
    let other = fitted(&other, &sessions);
    assert!(matches!(other.over(first), Err(Error::Config(_))));
}

#[test]
fn a_generation_with_dropped_sessions_is_saved_and_loaded() {
    let sessions: Vec<Vec<u32>> = (0..40).map(|n| vec![n % 7, n % 5 + 7]).collect();
    let config = VmisKnnConfig::default();
    let model = fitted(&config, &sessions);
    let late = Sessions::of(&dataset(&[vec![1]]), &SessionConfig::default()).unwrap();
    let keep_from = Some(Timestamp::from_seconds(2));
    let index = model
        .index()
        .with(&late, ITEMS as usize, keep_from)
        .unwrap();
    assert_eq!((index.len(), index.dropped()), (36, 4));
    let model = model.over(index).unwrap();
    let mut sink = TensorSink::default();
    model.save(&mut sink);
    let mut bytes = Vec::new();
    sink.write(&mut bytes).unwrap();
    let loaded = VmisKnn::load(&Tensors::open("test", bytes.into()).unwrap()).unwrap();
    for item in 0..ITEMS {
        let query = visit(&[item], 20);
        assert_eq!(answer(&loaded, &query), answer(&model, &query));
    }
}

#[test]
fn own_sessions_count_for_more_and_are_known_by_their_times() {
    let sessions = vec![vec![0, 1], vec![0, 1], vec![0, 2], vec![5]];
    let config = VmisKnnConfig {
        idf: Idf::None,
        own_boost: 2.0,
        ..VmisKnnConfig::default()
    };
    let model = fitted(&config, &sessions);
    let mut query = visit(&[0], 5);
    assert_eq!(answer(&model, &query)[1].0, 1);
    // Sessions 2 and 3 ended a second after the others; that of item 5 has nothing to say.
    query.history = vec![HistoryItem {
        item: ItemIx(2),
        weight: 1.0,
        time: Timestamp::from_seconds(1),
    }];
    assert_eq!(answer(&model, &query)[1].0, 2);
}

#[test]
fn reminders_bring_up_what_no_neighbour_holds() {
    let config = VmisKnnConfig {
        reminders: 0.5,
        ..VmisKnnConfig::default()
    };
    let model = fitted(&config, &[vec![0, 1], vec![0, 1], vec![2, 3]]);
    let mut query = visit(&[0], 5);
    query.history = vec![HistoryItem {
        item: ItemIx(3),
        weight: 1.0,
        time: Timestamp(5),
    }];
    let answer = answer(&model, &query);
    assert_eq!(answer[2].0, 3);
    assert_eq!(answer[2].1, answer[0].1 / 2.0);
}

#[test]
fn odd_visits_and_odd_data_have_an_answer() {
    let model = fitted(&VmisKnnConfig::default(), &[vec![1; 10_000], vec![1, 2]]);
    assert_eq!(answer(&model, &visit(&[77, 78], 5)), []);
    assert_eq!(answer(&model, &visit(&[], 5)), []);
    let often = answer(&model, &visit(&[2; 10_000], 5));
    assert_eq!(often.len(), 2);
    let lonely = fitted(&VmisKnnConfig::default(), &[vec![4]]);
    let only = answer(&lonely, &visit(&[4], 5));
    assert!(
        only.len() == 1 && (only[0].1 - 0.9).abs() < 1e-6,
        "{only:?}"
    );
    let config = VmisKnnConfig {
        match_decay: 1.0,
        ..VmisKnnConfig::default()
    };
    assert_eq!(answer(&fitted(&config, &[vec![1, 2]]), &visit(&[1], 5)), []);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let wrong = [
        ("neighbours", serde_json::json!(0)),
        ("neighbours", serde_json::json!(10_001)),
        ("recent_sessions", serde_json::json!(0)),
        ("last_items", serde_json::json!(0)),
        ("last_items", serde_json::json!(10)),
        ("match_decay", serde_json::json!(1.5)),
        ("extend_to", serde_json::json!(6)),
        ("own_boost", serde_json::json!(-1.0)),
        ("reminders", serde_json::json!(11.0)),
        ("gap_minutes", serde_json::json!(0)),
        ("least_items", serde_json::json!(0)),
        ("most_items", serde_json::json!(0)),
    ];
    for (field, value) in wrong {
        let object = serde_json::json!({ field: value });
        let config: VmisKnnConfig = serde_json::from_value(object).unwrap();
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(&format!("vmis_knn.{field}")), "{error}");
    }
}
