//! Evaluations of the wire and of the store.

use std::collections::BTreeSet;
use std::time::Duration;

use recommender_core::evaluation::{Metric, MetricList};

use crate::convert::events;
use crate::convert::listing::{check_id, check_parent, id_in};
use crate::convert::models::{LONGEST_LIST, figure, recipe, wire};
use crate::convert::policies::of_policy;
use crate::convert::response::duration;
use crate::convert::violations::Violations;
use crate::proto::evaluate_offline_request::Subject as Asked;
use crate::proto::evaluation_split::global_time::At;
use crate::proto::evaluation_split::{GlobalTime, KFold, Kind, LastN};
use crate::proto::{
    EvaluateOfflineRequest, Evaluation, EvaluationSegment, EvaluationSplit, SegmentDimension,
};
use crate::resource::name_of;
use crate::training::{
    Cut, Dimension, EVALUATIONS, EvaluationDocument, METRICS, MODELS, OfflineOrder, SegmentFigures,
    Subject,
};

/// Most figures of an evaluation: metrics times cut-offs.
const MOST_FIGURES: usize = 50;

/// Most cut-offs.
const MOST_CUTOFFS: usize = 10;

/// Most of a shopper's last events that are asked about.
const MOST_LAST: i32 = 1000;

/// Folds of a cross-validation.
const FOLDS: std::ops::RangeInclusive<i32> = 2..=20;

/// What a request asks to be judged; without an id of its own it has `new_id`.
pub(crate) fn offline_order(
    request: &EvaluateOfflineRequest,
    (catalog, new_id): (&str, String),
    wrong: &mut Violations,
) -> Option<OfflineOrder> {
    check_parent(&request.parent, catalog, wrong);
    let id = evaluation_id(&request.evaluation_id, new_id, wrong);
    let subject = subject(request, catalog, wrong);
    let cut = cut(request.split.as_ref(), wrong);
    let metrics = metrics(request, wrong);
    let segments = dimensions(&request.segments, wrong);
    Some(OfflineOrder {
        id,
        subject: subject?,
        cut,
        metrics: metrics?,
        segments,
        seed: request.seed,
    })
}

fn subject(
    request: &EvaluateOfflineRequest,
    catalog: &str,
    wrong: &mut Violations,
) -> Option<Subject> {
    match &request.subject {
        Some(Asked::Model(name)) => {
            let id = id_in(("model", name), (catalog, MODELS), wrong);
            Some(Subject::Model(id))
        }
        Some(Asked::Pipeline(text)) => {
            let recipe = recipe(text, "pipeline", wrong)?;
            Some(Subject::Recipe(Box::new(recipe)))
        }
        None => {
            wrong.add("subject", "expected a model or a pipeline, found none");
            None
        }
    }
}

fn cut(split: Option<&EvaluationSplit>, wrong: &mut Violations) -> Cut {
    let kind = split.and_then(|split| split.kind.as_ref());
    match kind {
        None => Cut::default(),
        Some(Kind::GlobalTime(GlobalTime { at: None })) => Cut::default(),
        Some(Kind::GlobalTime(GlobalTime { at: Some(at) })) => moment(at, wrong),
        Some(Kind::LastN(LastN { events })) => {
            if !(1..=MOST_LAST).contains(events) {
                let found = format!("expected 1 to {MOST_LAST}, found {events}");
                wrong.add("split.last_n.events", found);
            }
            Cut::LastN(usize::try_from(*events).unwrap_or(1))
        }
        Some(Kind::KFold(KFold { folds })) => {
            if !FOLDS.contains(folds) {
                let (least, most) = (FOLDS.start(), FOLDS.end());
                let found = format!("expected {least} to {most}, found {folds}");
                wrong.add("split.k_fold.folds", found);
            }
            Cut::KFold(usize::try_from(*folds).unwrap_or(2))
        }
    }
}

fn moment(at: &At, wrong: &mut Violations) -> Cut {
    let field = "split.global_time";
    match at {
        At::TrainShare(share) => {
            // Not a number is in no range.
            if !(*share > 0.0 && *share < 1.0) {
                let found = format!("expected above 0 and below 1, found {share}");
                wrong.add(format!("{field}.train_share"), found);
            }
            Cut::TimeShare(*share)
        }
        At::Time(time) => {
            let time = events::timestamp(Some(*time), &format!("{field}.time"), wrong);
            time.map_or_else(Cut::default, Cut::Time)
        }
    }
}

fn metrics(request: &EvaluateOfflineRequest, wrong: &mut Violations) -> Option<MetricList> {
    wrong.bound("k", request.k.len(), MOST_CUTOFFS);
    let mut cutoffs = BTreeSet::new();
    for (at, &k) in request.k.iter().take(MOST_CUTOFFS).enumerate() {
        let cutoff = usize::try_from(k).ok();
        let cutoff = cutoff.filter(|cutoff| (1..=LONGEST_LIST).contains(cutoff));
        if cutoff.is_none_or(|cutoff| !cutoffs.insert(cutoff)) {
            let expected = format!("expected 1 to {LONGEST_LIST}, each once");
            wrong.add(format!("k[{at}]"), format!("{expected}, found {k}"));
        }
    }
    if cutoffs.is_empty() {
        cutoffs.insert(20);
    }
    let usual = METRICS.map(|metric| metric.split('@').next().unwrap_or(metric));
    let asked: Vec<&str> = match request.metrics.is_empty() {
        true => usual.to_vec(),
        false => request.metrics.iter().map(String::as_str).collect(),
    };
    wrong.bound("metrics", asked.len() * cutoffs.len(), MOST_FIGURES);
    let found = named(&asked[..asked.len().min(MOST_FIGURES)], wrong)?;
    let cutoffs: Vec<usize> = cutoffs.into_iter().collect();
    MetricList::at(&found, &cutoffs).ok()
}

/// The metrics of these names, each once; none if one is wrong, which is noted.
fn named(names: &[&str], wrong: &mut Violations) -> Option<Vec<Metric>> {
    let all = Metric::all();
    let known: Vec<&str> = all.iter().map(Metric::name).collect();
    let mut found: Vec<Metric> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let metric = all.iter().find(|metric| metric.name() == *name);
        let is_new = found.iter().all(|found| found.name() != *name);
        match metric {
            Some(metric) if is_new => found.push(metric.clone()),
            _ => {
                let expected = format!("expected one of {}, each once", known.join(", "));
                wrong.add(
                    format!("metrics[{at}]"),
                    format!("{expected}, found {name:?}"),
                );
            }
        }
    }
    (found.len() == names.len()).then_some(found)
}

/// Every dimension, as the wire and as the registry has it.
const DIMENSIONS: [(SegmentDimension, Dimension); 4] = [
    (SegmentDimension::Users, Dimension::Users),
    (SegmentDimension::Items, Dimension::Items),
    (SegmentDimension::Place, Dimension::Place),
    (SegmentDimension::Channel, Dimension::Channel),
];

fn dimensions(asked: &[i32], wrong: &mut Violations) -> Vec<Dimension> {
    wrong.bound("segments", asked.len(), DIMENSIONS.len());
    let mut found = Vec::new();
    for (at, &number) in asked.iter().take(DIMENSIONS.len()).enumerate() {
        let dimension = DIMENSIONS
            .iter()
            .find(|(wire, _)| i32::from(*wire) == number);
        match dimension {
            Some((_, dimension)) if !found.contains(dimension) => found.push(*dimension),
            _ => {
                let expected = "expected a SegmentDimension, each once";
                wrong.add(
                    format!("segments[{at}]"),
                    format!("{expected}, found {number}"),
                );
            }
        }
    }
    found
}

/// The id that was asked for, or else `new_id`.
pub(super) fn evaluation_id(asked: &str, new_id: String, wrong: &mut Violations) -> String {
    if asked.is_empty() {
        return new_id;
    }
    check_id(asked, "evaluation_id", wrong);
    asked.to_owned()
}

/// The message of an evaluation.
pub(crate) fn of_evaluation(document: &EvaluationDocument, catalog: &str) -> Evaluation {
    if let Some(policy) = &document.policy {
        return Evaluation {
            name: name_of(catalog, EVALUATIONS, &document.id),
            seed: document.seed,
            create_time: Some(events::wire_time(document.create_time)),
            end_time: Some(events::wire_time(document.end_time)),
            policy: Some(of_policy(policy, document, catalog)),
            ..Evaluation::default()
        };
    }
    let model = document.model.as_ref();
    Evaluation {
        policy: None,
        name: name_of(catalog, EVALUATIONS, &document.id),
        model: model.map_or_else(String::new, |id| name_of(catalog, MODELS, id)),
        pipeline: document.pipeline.clone(),
        split: Some(of_cut(document.cut)),
        seed: document.seed,
        create_time: Some(events::wire_time(document.create_time)),
        end_time: Some(events::wire_time(document.end_time)),
        metrics: document.metrics.iter().map(figure).collect(),
        segments: document.segments.iter().map(of_segment).collect(),
        queries: wire(document.queries),
        train_events: wire(document.train_events),
        test_events: wire(document.test_events),
        split_time: document.split_time.map(events::wire_time),
        dropped_users: wire(document.dropped_users),
        fit_time: Duration::try_from_secs_f64(document.fit_seconds)
            .ok()
            .and_then(duration),
        split_digest: document.split_digest.clone(),
    }
}

fn of_cut(cut: Cut) -> EvaluationSplit {
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let global_time = |at| Kind::GlobalTime(GlobalTime { at: Some(at) });
    let kind = match cut {
        Cut::TimeShare(share) => global_time(At::TrainShare(share)),
        Cut::Time(time) => global_time(At::Time(events::wire_time(time))),
        Cut::LastN(events) => Kind::LastN(LastN {
            events: count(events),
        }),
        Cut::KFold(folds) => Kind::KFold(KFold {
            folds: count(folds),
        }),
    };
    EvaluationSplit { kind: Some(kind) }
}

fn of_segment(segment: &SegmentFigures) -> EvaluationSegment {
    let mut dimensions = DIMENSIONS.iter();
    let dimension = dimensions.find(|(_, dimension)| *dimension == segment.part.dimension);
    EvaluationSegment {
        dimension: dimension.map_or(0, |(wire, _)| i32::from(*wire)),
        value: segment.part.value.clone(),
        queries: wire(segment.queries),
        metrics: segment.metrics.iter().map(figure).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: &str = "[[sources]]\nmodel = { kind = \"item_knn\" }\n";

    fn request(split: Option<Kind>) -> EvaluateOfflineRequest {
        EvaluateOfflineRequest {
            parent: "catalogs/default".into(),
            subject: Some(Asked::Pipeline(RECIPE.into())),
            split: split.map(|kind| EvaluationSplit { kind: Some(kind) }),
            ..EvaluateOfflineRequest::default()
        }
    }

    fn read(request: &EvaluateOfflineRequest) -> Result<OfflineOrder, Vec<String>> {
        let mut wrong = Violations::default();
        let order = offline_order(request, ("default", "new".into()), &mut wrong);
        wrong.fields_or(order).map(Option::unwrap)
    }

    #[test]
    fn what_is_not_said_is_usual() {
        let order = read(&request(None)).unwrap();
        assert_eq!((&*order.id, order.cut), ("new", Cut::TimeShare(0.8)));
        assert_eq!(order.metrics.to_string(), "ndcg@20,recall@20,coverage@20");
        assert!(order.segments.is_empty());
    }

    #[test]
    fn splits_come_back_as_they_were() {
        let global_time = |at| Kind::GlobalTime(GlobalTime { at: Some(at) });
        for kind in [
            global_time(At::TrainShare(0.5)),
            global_time(At::Time(prost_types::Timestamp {
                seconds: 7,
                nanos: 0,
            })),
            Kind::LastN(LastN { events: 3 }),
            Kind::KFold(KFold { folds: 5 }),
        ] {
            let order = read(&request(Some(kind))).unwrap();
            assert_eq!(of_cut(order.cut).kind, Some(kind));
        }
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = EvaluateOfflineRequest {
            parent: "catalogs/other".into(),
            subject: None,
            metrics: vec!["ndcg".into(), "beauty".into(), "ndcg".into()],
            k: vec![5, 0, 5],
            segments: vec![1, 9, 1],
            evaluation_id: "a/b".into(),
            ..request(Some(Kind::KFold(KFold { folds: 1 })))
        };
        let expected = [
            "parent",
            "evaluation_id",
            "subject",
            "split.k_fold.folds",
            "k[1]",
            "k[2]",
            "metrics[1]",
            "metrics[2]",
            "segments[1]",
            "segments[2]",
        ];
        assert_eq!(read(&wrong).unwrap_err(), expected);
        let share = GlobalTime {
            at: Some(At::TrainShare(f64::NAN)),
        };
        let wrong = EvaluateOfflineRequest {
            metrics: vec!["ndcg".into(); 51],
            ..request(Some(Kind::GlobalTime(share)))
        };
        let fields = read(&wrong).unwrap_err();
        assert_eq!(fields[..2], ["split.global_time.train_share", "metrics"]);
    }
}
