//! Judgements of serving configs, of the wire and of the store.

use std::ops::RangeInclusive;
use std::time::Duration;

use recommender_core::evaluation::{Estimate, Estimator};
use recommender_core::events::EventKind;

use crate::convert::evaluations::evaluation_id;
use crate::convert::listing::{check_parent, id_in};
use crate::convert::models::wire;
use crate::convert::response::duration;
use crate::convert::violations::Violations;
use crate::convert::{SERVING_CONFIGS, events, extras, names};
use crate::proto::policy_warning::Kind;
use crate::proto::{
    EvaluatePolicyRequest, EventType, PolicyEstimator, PolicyEvaluation, PolicyFigure,
    PolicyWarning,
};
use crate::resource::name_of;
use crate::training::{
    EvaluationDocument, MODELS, MOST_SLOTS, PolicyDocument, PolicyOrder, WarningKind,
};

/// What may count as a reward.
const REWARDS: [EventType; 8] = [
    EventType::ViewItem,
    EventType::Click,
    EventType::AddToCart,
    EventType::Purchase,
    EventType::AddToWishlist,
    EventType::Rate,
    EventType::Scan,
    EventType::TryOn,
];

/// How long after a list a reward may count, and how long it does where nothing is said.
const WINDOWS: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(90 * 24 * 3600);
const USUAL_WINDOW: Duration = Duration::from_secs(24 * 3600);

/// Every estimator, as the wire and as the library has it.
const ESTIMATORS: [(PolicyEstimator, Estimator); 3] = [
    (PolicyEstimator::Ips, Estimator::Ips),
    (PolicyEstimator::Snips, Estimator::Snips),
    (PolicyEstimator::Dr, Estimator::DoublyRobust),
];

/// Every warning, as the registry and as the wire has it.
const WARNINGS: [(WarningKind, Kind); 6] = [
    (WarningKind::NoOverlap, Kind::NoOverlap),
    (WarningKind::FewEffectiveSamples, Kind::FewEffectiveSamples),
    (WarningKind::UnknownPropensities, Kind::UnknownPropensities),
    (WarningKind::TrainedOnLog, Kind::TrainedOnLog),
    (WarningKind::RewardsToCome, Kind::RewardsToCome),
    (WarningKind::SlotsLeftOut, Kind::SlotsLeftOut),
];

/// What a request asks to be judged; without an id of its own it has `new_id`.
pub(crate) fn policy_order(
    request: &EvaluatePolicyRequest,
    (catalog, new_id): (&str, String),
    wrong: &mut Violations,
) -> Option<PolicyOrder> {
    check_parent(&request.parent, catalog, wrong);
    let id = evaluation_id(&request.evaluation_id, new_id, wrong);
    let named = ("serving_config", &*request.serving_config);
    let serving_config = id_in(named, (catalog, SERVING_CONFIGS), wrong);
    let estimator = estimator(request.estimator, wrong);
    let clip = clip(request.clip, wrong);
    let from = moment(request.from, "from", wrong);
    let to = moment(request.to, "to", wrong);
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        wrong.add("to", "expected a time after `from`, found one that is not");
    }
    let rewards = rewards(&request.reward_event_types, wrong);
    let window = window(request.attribution_window, wrong);
    let limit = limit(request.limit, wrong);
    Some(PolicyOrder {
        id,
        serving_config,
        estimator,
        clip,
        from: from?,
        to: to?,
        rewards,
        window,
        limit,
        seed: request.seed,
        told: extras::told_of_list,
    })
}

fn estimator(number: i32, wrong: &mut Violations) -> Estimator {
    if number == i32::from(PolicyEstimator::Unspecified) {
        return Estimator::Snips;
    }
    let mut all = ESTIMATORS.iter();
    let found = all.find(|(wire, _)| i32::from(*wire) == number);
    if found.is_none() {
        let expected = format!("expected a PolicyEstimator, found {number}");
        wrong.add("estimator", expected);
    }
    found.map_or(Estimator::Snips, |(_, estimator)| *estimator)
}

fn clip(clip: Option<f64>, wrong: &mut Violations) -> Option<f64> {
    // Not a number is no number of at least 1.
    if let Some(found) = clip.filter(|clip| !(clip.is_finite() && *clip >= 1.0)) {
        wrong.add(
            "clip",
            format!("expected at least 1 and finite, found {found}"),
        );
    }
    clip
}

fn moment(
    time: Option<prost_types::Timestamp>,
    field: &str,
    wrong: &mut Violations,
) -> Option<recommender_core::Timestamp> {
    if time.is_none() {
        wrong.add(field, "expected a time, found none");
    }
    events::timestamp(time, field, wrong)
}

fn rewards(asked: &[i32], wrong: &mut Violations) -> Vec<EventKind> {
    if asked.is_empty() {
        return vec![EventKind::Click];
    }
    let field = "reward_event_types";
    wrong.bound(field, asked.len(), REWARDS.len());
    let mut found = Vec::new();
    for (at, &number) in asked.iter().take(REWARDS.len()).enumerate() {
        let kind = EventType::try_from(number).ok();
        let kind = kind.filter(|event_type| REWARDS.contains(event_type));
        let kind = kind.and_then(|event_type| names::event_kind(event_type, ""));
        match kind {
            Some(kind) if !found.contains(&kind) => found.push(kind),
            _ => {
                let known = REWARDS.map(|event_type| event_type.as_str_name());
                let expected = format!("expected one of {}, each once", known.join(", "));
                let name = EventType::try_from(number).map(|it| it.as_str_name().to_owned());
                let name = name.unwrap_or_else(|_| number.to_string());
                wrong.add(
                    format!("{field}[{at}]"),
                    format!("{expected}, found {name}"),
                );
            }
        }
    }
    found
}

fn window(asked: Option<prost_types::Duration>, wrong: &mut Violations) -> Duration {
    let Some(asked) = asked else {
        return USUAL_WINDOW;
    };
    let window = events::length(asked).filter(|window| WINDOWS.contains(window));
    window.unwrap_or_else(|| {
        let found = format!("{} s and {} ns", asked.seconds, asked.nanos);
        let expected = "expected 1 second to 90 days";
        wrong.add("attribution_window", format!("{expected}, found {found}"));
        USUAL_WINDOW
    })
}

fn limit(asked: i32, wrong: &mut Violations) -> usize {
    let limit = usize::try_from(asked).ok();
    limit
        .filter(|limit| *limit <= MOST_SLOTS)
        .unwrap_or_else(|| {
            let expected = format!("expected 0 to {MOST_SLOTS}, found {asked}");
            wrong.add("limit", expected);
            0
        })
}

/// What was found of a serving config.
pub(super) fn of_policy(
    document: &PolicyDocument,
    evaluation: &EvaluationDocument,
    catalog: &str,
) -> PolicyEvaluation {
    let value = &document.value;
    let model = evaluation.model.as_ref();
    let rewards = document.rewards.iter();
    let rewards = rewards.map(|kind| i32::from(names::event_type(kind).0));
    let mut estimators = ESTIMATORS.iter();
    let estimator = estimators.find(|(_, estimator)| *estimator == document.estimator);
    PolicyEvaluation {
        serving_config: name_of(catalog, SERVING_CONFIGS, &document.serving_config),
        model: model.map_or_else(String::new, |id| name_of(catalog, MODELS, id)),
        model_version: document.model_version.clone(),
        estimator: estimator.map_or(0, |(wire, _)| i32::from(*wire)),
        clip: document.clip,
        from: Some(events::wire_time(document.from)),
        to: Some(events::wire_time(document.to)),
        reward_event_types: rewards.collect(),
        attribution_window: duration(Duration::from_millis(document.window_ms)),
        limit: i32::try_from(document.limit).unwrap_or(i32::MAX),
        value: value.value.as_ref().map(figure),
        logged_value: Some(figure(&value.logged)),
        difference: value.difference.as_ref().map(figure),
        mean_weight: Some(figure(&value.mean_weight)),
        filled_share: document.filled_share,
        effective_slots: value.effective_slots,
        max_weight: value.max_weight,
        lists: wire(value.lists),
        slots: wire(value.slots),
        persons: wire(document.persons),
        rewarded_slots: wire(value.rewarded_slots),
        unmatched_slots: wire(value.unmatched_slots),
        unmatched_lists: wire(value.unmatched_lists),
        certain_slots: wire(value.certain_slots),
        clipped_slots: wire(value.clipped_slots),
        unknown_propensities: wire(document.unknown_propensities),
        left_out_slots: wire(document.left_out_slots),
        warnings: warnings(document),
    }
}

fn figure(estimate: &Estimate) -> PolicyFigure {
    PolicyFigure {
        mean: estimate.mean,
        low: estimate.interval.low,
        high: estimate.interval.high,
    }
}

fn warnings(document: &PolicyDocument) -> Vec<PolicyWarning> {
    let warnings = document.warnings.iter().map(|warning| {
        let mut all = WARNINGS.iter();
        let kind = all.find(|(kind, _)| *kind == warning.kind);
        PolicyWarning {
            kind: kind.map_or(0, |(_, wire)| i32::from(*wire)),
            message: warning.message.clone(),
        }
    });
    warnings.collect()
}

#[cfg(test)]
mod tests {
    use prost_types::{Duration as WireDuration, Timestamp as WireTimestamp};

    use super::*;

    fn request() -> EvaluatePolicyRequest {
        let time = |seconds| Some(WireTimestamp { seconds, nanos: 0 });
        EvaluatePolicyRequest {
            parent: "catalogs/default".into(),
            serving_config: "catalogs/default/servingConfigs/home".into(),
            from: time(7),
            to: time(9),
            ..EvaluatePolicyRequest::default()
        }
    }

    fn read(request: &EvaluatePolicyRequest) -> Result<PolicyOrder, Vec<String>> {
        let mut wrong = Violations::default();
        let order = policy_order(request, ("default", "new".into()), &mut wrong);
        wrong.fields_or(order).map(Option::unwrap)
    }

    #[test]
    fn what_is_not_said_is_usual() {
        let order = read(&request()).unwrap();
        assert_eq!((&*order.id, &*order.serving_config), ("new", "home"));
        assert_eq!((order.estimator, order.clip), (Estimator::Snips, None));
        assert_eq!(order.rewards, [EventKind::Click]);
        assert_eq!((order.from.0, order.to.0), (7000, 9000));
        assert_eq!((order.window, order.limit), (USUAL_WINDOW, 0));
    }

    #[test]
    fn what_is_said_is_read() {
        let said = EvaluatePolicyRequest {
            estimator: PolicyEstimator::Dr.into(),
            clip: Some(1.0),
            reward_event_types: REWARDS.map(i32::from).into(),
            attribution_window: Some(WireDuration {
                seconds: 90 * 24 * 3600,
                nanos: 0,
            }),
            limit: 1000,
            evaluation_id: "mine".into(),
            ..request()
        };
        let order = read(&said).unwrap();
        assert_eq!(
            (order.estimator, order.clip),
            (Estimator::DoublyRobust, Some(1.0))
        );
        assert_eq!((order.rewards.len(), order.limit), (8, 1000));
        assert_eq!((order.window, &*order.id), (*WINDOWS.end(), "mine"));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let time = |seconds, nanos| Some(WireTimestamp { seconds, nanos });
        let wrong = EvaluatePolicyRequest {
            parent: "catalogs/other".into(),
            serving_config: "home".into(),
            estimator: 9,
            clip: Some(0.5),
            from: None,
            to: time(0, -1),
            reward_event_types: vec![3, 3, 2, 99],
            attribution_window: Some(WireDuration {
                seconds: 0,
                nanos: 1,
            }),
            limit: 1001,
            evaluation_id: "a/b".into(),
            ..EvaluatePolicyRequest::default()
        };
        let expected = [
            "parent",
            "evaluation_id",
            "serving_config",
            "estimator",
            "clip",
            "from",
            "to",
            "reward_event_types[1]",
            "reward_event_types[2]",
            "reward_event_types[3]",
            "attribution_window",
            "limit",
        ];
        assert_eq!(read(&wrong).unwrap_err(), expected);
        for clip in [f64::NAN, f64::INFINITY, -1.0] {
            let wrong = EvaluatePolicyRequest {
                clip: Some(clip),
                ..request()
            };
            assert_eq!(read(&wrong).unwrap_err(), ["clip"]);
        }
        let backwards = EvaluatePolicyRequest {
            to: time(7, 0),
            limit: -1,
            ..request()
        };
        assert_eq!(read(&backwards).unwrap_err(), ["to", "limit"]);
        let many = EvaluatePolicyRequest {
            reward_event_types: vec![3; 9],
            ..request()
        };
        assert_eq!(read(&many).unwrap_err()[0], "reward_event_types");
    }
}
