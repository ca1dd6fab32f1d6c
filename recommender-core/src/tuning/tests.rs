//! Whole searches, on a shop of two tastes.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::Timestamp;
use crate::error::{Error, Result};
use crate::evaluation::Splitter;
use crate::events::{Event, EventKind, EventTable};
use crate::{FitOptions, InteractionConfig};

/// Forty shoppers of two tastes buy six of twenty items each, one a day; the test part of the last day is `planted`.
fn table(planted: impl Fn(u32) -> u32) -> EventTable {
    let mut table = EventTable::new();
    for day in 0..6 {
        for visitor in 0..40 {
            let item = match day {
                5 => planted(visitor),
                _ => (visitor / 4 + day) % 10 * 2 + visitor % 2,
            };
            let event = Event {
                visitor: format!("v{visitor}"),
                item: Some(format!("i{item}")),
                quantity: 1.0,
                kind: EventKind::Purchase,
                time: Some(Timestamp::from_seconds(i64::from(day) * 86_400)),
                ..Event::default()
            };
            table.push(&event).unwrap();
        }
    }
    table
}

fn study_of(table: EventTable) -> Study {
    let test = Splitter::TimeShare { train: 0.8 }.split(&table, 0).unwrap();
    let splitter = Splitter::TimeShare { train: 0.8 };
    let validation = Validation::hold_out(&table, test.train(), Some(splitter), 0).unwrap();
    let data = StudyData {
        table: table.into(),
        split: validation.split,
        products: vec![],
        cases: Default::default(),
        interactions: InteractionConfig::default(),
    };
    Study::new(data, "ndcg@5").unwrap()
}

fn study() -> Study {
    study_of(table(|visitor| visitor % 20))
}

fn spaces(study: &Study) -> Vec<ModelSpace> {
    ["popularity", "item_knn"]
        .map(|kind| ModelSpace::new(kind, kind, built_in(kind, &study.facts()).unwrap()).unwrap())
        .to_vec()
}

fn budget(trials: u64) -> Budget {
    Budget {
        trials,
        ..Budget::default()
    }
}

fn tuner(budget: Budget, threads: Option<usize>) -> Tuner {
    let options = FitOptions {
        threads,
        seed: 11,
        ..FitOptions::default()
    };
    Tuner::new(budget, Sampler::Tpe, options, || 0.0).unwrap()
}

fn run(tuner: &Tuner, study: &Study, past: &[TrialRecord]) -> Vec<TrialRecord> {
    let mut records = past.to_vec();
    let mut keep = |record: &TrialRecord| {
        records.push(record.clone());
        Ok(())
    };
    let report = tuner.run(study, &spaces(study), past, &mut keep).unwrap();
    let all: Vec<TrialRecord> = report
        .models
        .into_iter()
        .flat_map(|it| it.records)
        .collect();
    assert_eq!(all.len(), records.len());
    all
}

#[test]
fn a_search_begins_with_the_defaults_and_ends_no_worse() {
    let study = study();
    let report = tuner(budget(15), None)
        .run(&study, &spaces(&study), &[], &mut |_| Ok(()))
        .unwrap();
    for model in &report.models {
        assert!(model.records[0].settings.is_empty());
        let best = model.best.as_ref().unwrap();
        assert!(Some(best.score) >= model.records[0].score);
        assert_eq!(model.stop, Stop::Trials);
    }
    assert_eq!(report.best().0, "item_knn");
    let text = report.pipeline().to_toml().unwrap();
    assert_eq!(
        crate::PipelineConfig::from_toml(&text).unwrap(),
        report.pipeline()
    );
}

#[test]
fn the_same_seed_gives_the_same_trials_at_any_number_of_threads() {
    let study = study();
    let once = run(&tuner(budget(12), None), &study, &[]);
    for threads in [1, 2, 8] {
        assert_eq!(run(&tuner(budget(12), Some(threads)), &study, &[]), once);
    }
}

#[test]
fn a_search_that_was_stopped_goes_on_as_if_it_had_not_been() {
    let study = study();
    let whole = run(&tuner(budget(12), None), &study, &[]);
    for stopped_after in [0, 1, 9, 12, 13, 24] {
        let resumed = run(&tuner(budget(12), None), &study, &whole[..stopped_after]);
        assert_eq!(resumed, whole, "after {stopped_after}");
    }
    let gap = [whole[0].clone(), whole[2].clone()];
    let error = tuner(budget(12), None).run(&study, &spaces(&study), &gap, &mut |_| Ok(()));
    assert!(error.unwrap_err().to_string().contains("trial 2"));
}

#[test]
fn nothing_of_the_test_part_reaches_a_trial() {
    let as_it_is = run(&tuner(budget(8), None), &study(), &[]);
    // In the other future everybody buys one and the same item.
    let planted = run(&tuner(budget(8), None), &study_of(table(|_| 3)), &[]);
    assert_eq!(as_it_is, planted);
}

#[test]
fn a_trial_that_fails_is_recorded_and_the_search_goes_on() {
    let study = study();
    let memory = Domain::Choices(vec![1.into(), 2.into(), 1_000_000_000.into()]);
    let space = ModelSpace::new(
        "ease",
        "ease",
        vec![Parameter::new("max_memory_bytes", memory)],
    );
    let report = tuner(budget(10), None)
        .run(&study, &[space.unwrap()], &[], &mut |_| Ok(()))
        .unwrap();
    let model = &report.models[0];
    assert_eq!((model.failures(), model.records.len()), (2, 4));
    assert_eq!(model.stop, Stop::UsedUp);
    assert!(model.last_failure().unwrap().contains("ease"));
}

#[test]
fn a_search_whose_trials_all_fail_says_why() {
    let study = study();
    let space = ModelSpace::new("small", "ease", vec![]).unwrap();
    let fixed = [("max_memory_bytes".to_owned(), 1.into())];
    let space = space.with_fixed(fixed.into_iter().collect()).unwrap();
    let error = tuner(budget(10), None).run(&study, &[space], &[], &mut |_| Ok(()));
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Data { .. }));
    let text = error.to_string();
    assert!(
        text.contains("no trial gave a figure") && text.contains("small"),
        "{text}"
    );
}

#[test]
fn weights_that_change_the_questions_fail_as_trials() {
    let study = study();
    let weight = Domain::Choices(vec![0.0.into(), 2.0.into()]);
    let parameter = Parameter::new("interactions.kinds.purchase", weight);
    let space = ModelSpace::new("popularity", "popularity", vec![parameter]).unwrap();
    let mut trials = Vec::new();
    let mut keep = |record: &TrialRecord| {
        trials.push(record.clone());
        Ok(())
    };
    tuner(budget(5), None)
        .run(&study, &[space], &[], &mut keep)
        .unwrap();
    let zero = trials
        .iter()
        .find(|it| it.settings.values().any(|value| *value == 0.0));
    assert!(zero.unwrap().score.is_none());
    assert_eq!(trials.iter().filter(|it| it.score.is_some()).count(), 2);
}

#[test]
fn time_and_patience_bound_a_search() {
    let study = study();
    // Every look at the clock is a second.
    let ticks = Arc::new(AtomicU64::new(0));
    let clock = move || ticks.fetch_add(1, Ordering::Relaxed) as f64;
    let limited = Budget {
        seconds: Some(40.0),
        ..budget(1000)
    };
    let tuner_of = |budget| {
        Tuner::new(
            budget,
            Sampler::Random,
            FitOptions::default(),
            clock.clone(),
        )
        .unwrap()
    };
    let report = tuner_of(limited)
        .run(&study, &spaces(&study), &[], &mut |_| Ok(()))
        .unwrap();
    let knn = &report.models[1];
    assert_eq!(knn.stop, Stop::Time);
    assert!(knn.seconds() <= 40.0 && knn.records.len() > 1, "{knn:?}");
    let none = Budget {
        seconds: Some(0.5),
        ..budget(1000)
    };
    let error = tuner_of(none).run(&study, &spaces(&study), &[], &mut |_| Ok(()));
    assert!(error.unwrap_err().to_string().contains("in time"));
    let patient = Budget {
        patience: Some(3),
        ..budget(1000)
    };
    let report = tuner(patient, None)
        .run(&study, &spaces(&study)[1..], &[], &mut |_| Ok(()))
        .unwrap();
    assert_eq!(report.models[0].stop, Stop::Patience);
}

#[test]
fn a_search_can_be_cancelled_and_a_record_that_fails_ends_it() {
    let study = study();
    let options = FitOptions::default();
    let cancelled = Arc::clone(&options.cancel);
    let tuner = Tuner::new(budget(1000), Sampler::Random, options, || 0.0).unwrap();
    let made = Cell::new(0);
    let mut cancel = |_: &TrialRecord| -> Result<()> {
        made.set(made.get() + 1);
        cancelled.store(true, Ordering::Relaxed);
        Ok(())
    };
    let error = tuner.run(&study, &spaces(&study), &[], &mut cancel);
    assert!(matches!(error, Err(Error::Cancelled)));
    assert_eq!(made.get(), 1);
    cancelled.store(false, Ordering::Relaxed);
    let mut full = |_: &TrialRecord| Err(Error::Internal("disk full".into()));
    let error = tuner.run(&study, &spaces(&study), &[], &mut full);
    assert!(error.unwrap_err().to_string().contains("disk full"));
}

#[test]
fn a_metric_of_which_less_is_better_is_refused() {
    let data = study().data().clone();
    for metric in ["gini@10", "novelty@10", "ndcg@5,recall@5", "ndcg"] {
        assert!(Study::new(data.clone(), metric).is_err(), "{metric}");
    }
}

#[test]
fn without_times_a_random_tenth_is_held_out() {
    let mut table = EventTable::new();
    for row in 0..40 {
        let event = Event {
            visitor: format!("v{}", row % 4),
            item: Some(format!("i{row}")),
            quantity: 1.0,
            ..Event::default()
        };
        table.push(&event).unwrap();
    }
    let rows: Vec<u32> = (0..30).collect();
    let validation = Validation::hold_out(&table, &rows, None, 0).unwrap();
    assert!(validation.without_times);
    assert!(validation.split.test().iter().all(|&row| row < 30));
    assert_eq!(
        validation.split.train().len() + validation.split.test().len(),
        30
    );
}
