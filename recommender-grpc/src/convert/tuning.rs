//! Searches for better settings of the wire and of the registry.

use std::collections::BTreeSet;
use std::time::Duration;

use recommender_core::tuning::{Budget, ModelSpace, Study, TrialRecord, read_space};

use crate::convert::events::length;
use crate::convert::models::{check_metric, check_text, comparison, figure};
use crate::convert::response::duration;
use crate::convert::violations::Violations;
use crate::proto::{MetricValue, TuneModelRequest, TuneModelResponse, TuningTrial};
use crate::training::{Searched, Storing, Tuned, TuningOrder, TuningResult};

/// Most methods of a search.
const MOST_METHODS: usize = 20;

/// Most trials of a method: all of them stand in one answer.
const MOST_TRIALS: u64 = 200;

/// Longest reason of a failure that is told, in bytes.
const LONGEST_FAILURE: usize = 300;

/// Longest time of the trials of a method, in seconds.
const LONGEST: f64 = 24.0 * 3600.0;

/// What is made as good as can be where nobody says.
const USUAL_METRIC: &str = "ndcg@20";

/// What a request asks to be searched.
pub(crate) fn tuning_order(request: &TuneModelRequest, wrong: &mut Violations) -> TuningOrder {
    let result = match request.committee {
        true => TuningResult::Committee,
        false => TuningResult::BestMethod,
    };
    if request.committee && request.methods.len() == 1 {
        let expected = "expected at least two methods for a committee, found one";
        wrong.add("methods", expected);
    }
    TuningOrder {
        searched: searched(request, wrong),
        metric: metric(&request.metric, wrong),
        budget: budget(request, wrong),
        result,
        storing: match request.validate_only {
            true => Storing::Never,
            false => Storing::IfBetter,
        },
    }
}

fn searched(request: &TuneModelRequest, wrong: &mut Violations) -> Searched {
    let (methods, space) = (&request.methods, &request.search_space);
    wrong.bound("methods", methods.len(), MOST_METHODS);
    let mut known = BTreeSet::new();
    for (at, method) in methods.iter().take(MOST_METHODS).enumerate() {
        let field = format!("methods[{at}]");
        if let Err(error) = ModelSpace::new(method, method, Vec::new()) {
            wrong.add(field, error.to_string());
        } else if !known.insert(method) {
            wrong.add(
                field,
                format!("expected each method once, found {method:?} twice"),
            );
        }
    }
    if space.is_empty() {
        return match methods.is_empty() {
            true => Searched::Recipe,
            false => Searched::Methods(methods.clone()),
        };
    }
    let field = "search_space";
    if !methods.is_empty() {
        wrong.add(field, "expected none beside methods, found one");
    }
    let read = check_text(space, field, wrong).map(|()| read_space(field, space));
    match read {
        Some(Ok(file)) => return Searched::Space(Box::new(file)),
        Some(Err(error)) => wrong.add(field, error.to_string()),
        None => (),
    }
    Searched::Recipe
}

/// The metric in the words in which reports have it.
fn metric(words: &str, wrong: &mut Violations) -> String {
    if words.is_empty() {
        return USUAL_METRIC.to_owned();
    }
    check_metric(words, "metric", wrong);
    match Study::objective(words) {
        Ok(metric) => metric.to_string(),
        Err(error) => {
            // What is no figure at all was told.
            if wrong.is_empty() {
                wrong.add("metric", error.to_string());
            }
            String::new()
        }
    }
}

fn budget(request: &TuneModelRequest, wrong: &mut Violations) -> Budget {
    let usual = Budget::default();
    let mut count = |field: &str, number: i32| {
        let count = u64::try_from(number).ok();
        let count = count.filter(|&count| count <= MOST_TRIALS);
        count.unwrap_or_else(|| {
            wrong.add(
                field,
                format!("expected 0 to {MOST_TRIALS}, found {number}"),
            );
            0
        })
    };
    let (trials, patience) = (
        count("trials", request.trials),
        count("patience", request.patience),
    );
    let time = request.time_budget.as_ref();
    Budget {
        trials: if trials == 0 { usual.trials } else { trials },
        seconds: time.and_then(|time| seconds(time, wrong)),
        patience: (patience > 0).then_some(patience),
    }
}

fn seconds(time: &prost_types::Duration, wrong: &mut Violations) -> Option<f64> {
    let read = length(*time).map(|time| time.as_secs_f64());
    let in_range = read.filter(|&seconds| seconds > 0.0 && seconds <= LONGEST);
    if in_range.is_none() {
        let expected = "expected more than nothing and at most 24 hours";
        let found = format!("{} s and {} ns", time.seconds, time.nanos);
        wrong.add("time_budget", format!("{expected}, found {found}"));
    }
    in_range
}

/// The message of what a search found.
pub(crate) fn of_tuned(tuned: &Tuned) -> TuneModelResponse {
    let trials = tuned.trials.iter();
    TuneModelResponse {
        trials: trials.map(|record| trial(record, tuned)).collect(),
        pipeline: tuned.pipeline.clone(),
        value: Some(figure(&tuned.reached)),
        comparison: tuned.comparison.as_ref().map(comparison),
        applied: tuned.applied,
        verdict: tuned.verdict.clone(),
    }
}

fn trial(record: &TrialRecord, tuned: &Tuned) -> TuningTrial {
    let settings = serde_json::to_string(&record.settings);
    let value = record.score.map(|mean| MetricValue {
        mean,
        low: record.low,
        high: record.high,
        ..figure(&tuned.reached)
    });
    let fit = record.fit_seconds;
    let fit = fit.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let failure = record.failure.as_deref().unwrap_or_default();
    let end = failure.floor_char_boundary(LONGEST_FAILURE);
    TuningTrial {
        method: record.model.clone(),
        trial: i32::try_from(record.trial).unwrap_or(i32::MAX),
        // Names and values of settings are JSON already.
        settings: settings.unwrap_or_default(),
        value,
        failure: failure[..end].to_owned(),
        fit_time: fit.and_then(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong_fields(request: &TuneModelRequest) -> Vec<String> {
        let mut wrong = Violations::default();
        tuning_order(request, &mut wrong);
        wrong.fields_or(()).err().unwrap_or_default()
    }

    #[test]
    fn what_is_not_said_is_usual() {
        let mut wrong = Violations::default();
        let order = tuning_order(&TuneModelRequest::default(), &mut wrong);
        assert!(wrong.is_empty() && matches!(order.searched, Searched::Recipe));
        assert_eq!(
            (&*order.metric, order.budget),
            ("ndcg@20", Budget::default())
        );
        assert_eq!(order.storing, Storing::IfBetter);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let request = TuneModelRequest {
            methods: vec!["item_knn".into(), "magic".into(), "item_knn".into()],
            search_space: "[models.ease]".into(),
            trials: 201,
            patience: -1,
            time_budget: Some(prost_types::Duration {
                seconds: -1,
                nanos: 0,
            }),
            metric: "coverage@20".into(),
            ..TuneModelRequest::default()
        };
        let expected = [
            "methods[1]",
            "methods[2]",
            "search_space",
            "trials",
            "patience",
            "time_budget",
        ];
        assert_eq!(wrong_fields(&request), expected);
        for metric in ["coverage@20", "beauty@20", "ndcg"] {
            let request = TuneModelRequest {
                metric: metric.into(),
                ..TuneModelRequest::default()
            };
            assert_eq!(wrong_fields(&request), ["metric"], "{metric}");
        }
        for seconds in [0, 86_401, i64::MAX, i64::MIN] {
            let request = TuneModelRequest {
                time_budget: Some(prost_types::Duration { seconds, nanos: 0 }),
                ..TuneModelRequest::default()
            };
            assert_eq!(wrong_fields(&request), ["time_budget"], "{seconds}");
        }
        let space = TuneModelRequest {
            search_space: "[models.magic]".into(),
            ..TuneModelRequest::default()
        };
        assert_eq!(wrong_fields(&space), ["search_space"]);
        let alone = TuneModelRequest {
            methods: vec!["ease".into()],
            committee: true,
            ..TuneModelRequest::default()
        };
        assert_eq!(wrong_fields(&alone), ["methods"]);
    }
}
