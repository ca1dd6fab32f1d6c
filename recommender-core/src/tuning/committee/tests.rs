//! Committees of models that know different things.

use super::*;
use crate::Timestamp;
use crate::evaluation::Splitter;
use crate::events::{Event, EventKind, EventTable};
use crate::pipeline::blend::BlendConfig;
use crate::tuning::{Budget, ModelSpace, Sampler, StudyData, Tuner, Validation};
use crate::{Dataset, InteractionConfig, PipelineConfig};

/// Shoppers of ten tastes. On the last day half of them buy by taste, half the bestsellers of that week.
fn study() -> Study {
    let mut table = EventTable::new();
    let mut push = |visitor: u32, item: String, day: i64| {
        let event = Event {
            visitor: format!("v{visitor}"),
            item: Some(item),
            quantity: 1.0,
            kind: EventKind::Purchase,
            time: Some(Timestamp::from_seconds(day * 86_400)),
            ..Event::default()
        };
        table.push(&event).unwrap();
    };
    for day in 0..8 {
        for visitor in 0..300 {
            let taste = format!(
                "t{}x{}",
                visitor % 10,
                (i64::from(visitor) * 7 + day * 3) % 11
            );
            push(visitor, taste, day);
        }
    }
    for buyer in 300..360 {
        push(buyer, format!("week{}", buyer % 4), 7);
    }
    for visitor in 0..300u32 {
        let item = match visitor % 2 {
            0 => format!("week{}", visitor / 2 % 4),
            _ => format!("t{}x{}", visitor % 10, (i64::from(visitor) * 7 + 24) % 11),
        };
        push(visitor, item, 8);
    }
    let rows: Vec<u32> = (0..).take(table.len()).collect();
    let splitter = Splitter::Time {
        at: Timestamp::from_seconds(8 * 86_400),
    };
    let validation = Validation::hold_out(&table, &rows, Some(splitter), 0).unwrap();
    let data = StudyData {
        table: table.into(),
        split: validation.split,
        products: vec![],
        cases: Default::default(),
        interactions: InteractionConfig::default(),
    };
    Study::new(data, "ndcg@10").unwrap()
}

fn tuned(study: &Study, models: &[(&str, &str, &str)]) -> TuningReport {
    let space = |&(name, kind, settings): &(&str, &str, &str)| {
        let fixed = serde_json::from_str(settings).unwrap();
        let space = ModelSpace::new(name, kind, vec![]).unwrap();
        space.with_fixed(fixed).unwrap()
    };
    let spaces: Vec<ModelSpace> = models.iter().map(space).collect();
    let budget = Budget {
        trials: 1,
        ..Budget::default()
    };
    let tuner = Tuner::new(budget, Sampler::Tpe, FitOptions::default(), || 0.0).unwrap();
    tuner.run(study, &spaces, &[], &mut |_| Ok(())).unwrap()
}

const MODELS: [(&str, &str, &str); 3] = [
    ("item_knn", "item_knn", "{}"),
    ("week", "popularity", "{\"window_days\": 1.0}"),
    ("random", "random", "{}"),
];

fn threads(threads: usize) -> FitOptions {
    FitOptions {
        threads: Some(threads),
        ..FitOptions::default()
    }
}

#[test]
fn members_that_know_different_things_beat_the_best_of_them() {
    let study = study();
    let report = tuned(&study, &MODELS);
    let committee = Committee::learn(&study, &report, &threads(2)).unwrap();
    let gain = committee.gain.unwrap();
    assert!(gain.low > 0.0, "{committee:?}");
    assert!(
        committee.score > committee.best_single_score,
        "{committee:?}"
    );
    assert_eq!(committee.best_single, report.best().0);
    let names: Vec<&str> = committee
        .pipeline
        .sources
        .iter()
        .map(|it| it.name())
        .collect();
    assert!(
        names.contains(&"item_knn") && names.contains(&"week"),
        "{names:?}"
    );
    let weight = |name: &str| {
        let mut sources = committee.pipeline.sources.iter();
        sources
            .find(|it| it.name() == name)
            .map_or(0.0, |it| it.weight)
    };
    assert!(weight("random") < 0.2 * weight("week"), "{committee:?}");
    // What cross-validation promises, the served pipeline keeps.
    let data = study.data();
    let rows = data.split.train().to_vec();
    let config = committee.pipeline.interactions.clone();
    let dataset = Dataset::of_rows(data.table.clone(), rows, vec![], config).unwrap();
    let pipeline = committee
        .pipeline
        .fit(&dataset, &FitOptions::default())
        .unwrap();
    let evaluator = crate::evaluation::Evaluator::new("ndcg@10".parse().unwrap());
    let judged = evaluator.evaluate("committee", &pipeline, &dataset, study.cases());
    let served = judged.unwrap().mean("ndcg@10").unwrap();
    assert!(
        (served - committee.score).abs() < 0.05,
        "{served} {}",
        committee.score
    );
}

#[test]
fn a_committee_is_the_same_at_any_number_of_threads_and_survives_its_file() {
    let study = study();
    let report = tuned(&study, &MODELS);
    let once = Committee::learn(&study, &report, &threads(1)).unwrap();
    for count in [2, 8] {
        assert_eq!(
            Committee::learn(&study, &report, &threads(count)).unwrap(),
            once
        );
    }
    let text = once.pipeline.to_toml().unwrap();
    assert_eq!(
        PipelineConfig::from_toml(&text).unwrap(),
        once.pipeline,
        "{text}"
    );
    assert!(once.tried.windows(2).all(|pair| pair[0].1 >= pair[1].1));
}

#[test]
fn one_member_is_no_committee_and_none_that_is_right_neither() {
    let study = study();
    let report = tuned(&study, &MODELS[..1]);
    let error = Committee::learn(&study, &report, &threads(1)).unwrap_err();
    assert!(error.to_string().contains("at least two"), "{error}");
}

#[test]
fn learning_can_be_cancelled() {
    let study = study();
    let report = tuned(&study, &MODELS);
    let options = threads(1);
    options
        .cancel
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let error = Committee::learn(&study, &report, &options);
    assert!(matches!(error, Err(Error::Cancelled)));
}

#[test]
fn ways_of_blending_have_names() {
    let study = study();
    let report = tuned(&study, &MODELS);
    let committee = Committee::learn(&study, &report, &threads(2)).unwrap();
    let methods = [
        "standardized",
        "completed",
        "reciprocal rank",
        "equal weights",
        "ascent",
    ];
    for words in methods {
        assert!(
            committee.tried.iter().any(|it| it.0.contains(words)),
            "{words}"
        );
    }
    assert_ne!(committee.pipeline.blend, BlendConfig::default());
}
