//! Models of the wire and of the store.

use std::time::Duration;

use prost_types::FieldMask;
use recommender_core::evaluation::MetricList;
use recommender_core::pipeline::PipelineConfig;

use crate::convert::events;
use crate::convert::listing::{check_display_name, masked};
use crate::convert::violations::Violations;
use crate::proto::promotion_policy::{self, Rule};
use crate::proto::{
    self, MetricValue, ModelComparison, ModelManifest, ModelVersion, PromotionPolicy,
};
use crate::resource::name_of;
use crate::training::{
    Comparison, Figure, MODELS, ModelDocument, Promotion, TrainingPolicy, Version,
};

/// Longest recipe, in bytes.
const MOST_PIPELINE: usize = 100 * 1024;

/// From one training to the next, in seconds.
const EVERY: std::ops::RangeInclusive<i64> = 60..=365 * 24 * 3600;

/// Most versions that are kept besides those in use.
const MOST_VERSIONS: usize = 100;

/// Longest list that a figure is taken of.
pub(super) const LONGEST_LIST: usize = 1000;

/// Fields that a change can take over.
const FIELDS: [&str; 3] = ["display_name", "pipeline", "training_policy"];

/// How a model stands on this server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    /// Whether it is being trained.
    pub(crate) training: bool,
    /// What its answers name as their model's version; none if it does not answer.
    pub(crate) answering: Option<String>,
}

/// Puts what a message says of a model into `document`; what is wrong is named below `model`.
pub(crate) fn model(message: proto::Model, document: &mut ModelDocument, wrong: &mut Violations) {
    check_display_name(&message.display_name, "model.display_name", wrong);
    recipe(&message.pipeline, "model.pipeline", wrong);
    document.display_name = message.display_name;
    document.pipeline = message.pipeline;
    document.policy = policy(message.training_policy.unwrap_or_default(), wrong);
}

/// `old` with the fields of `new` that the mask names.
pub(crate) fn changed_model(
    mut old: proto::Model,
    new: proto::Model,
    mask: Option<&FieldMask>,
    wrong: &mut Violations,
) -> proto::Model {
    let fields = masked(mask, &FIELDS, wrong);
    if fields.contains(&"display_name") {
        old.display_name = new.display_name;
    }
    if fields.contains(&"pipeline") {
        old.pipeline = new.pipeline;
    }
    if fields.contains(&"training_policy") {
        old.training_policy = new.training_policy;
    }
    old
}

/// The recipe of a text in TOML; none if it is none, which is noted.
pub(super) fn recipe(text: &str, field: &str, wrong: &mut Violations) -> Option<PipelineConfig> {
    check_text(text, field, wrong)?;
    let recipe = PipelineConfig::from_toml(text);
    recipe
        .map_err(|error| wrong.add(field, error.to_string()))
        .ok()
}

/// Nothing if a text in TOML is longer than any is, which is noted.
pub(super) fn check_text(text: &str, field: &str, wrong: &mut Violations) -> Option<()> {
    if text.len() <= MOST_PIPELINE {
        return Some(());
    }
    let expected = format!("expected at most {MOST_PIPELINE} bytes");
    wrong.add(field, format!("{expected}, found {}", text.len()));
    None
}

fn policy(message: proto::TrainingPolicy, wrong: &mut Violations) -> TrainingPolicy {
    let usual = TrainingPolicy::default();
    let share = message.window_share;
    if !(0.0..1.0).contains(&share) {
        let found = format!("expected above 0 and below 1, or 0 for 0.1, found {share}");
        wrong.add("model.training_policy.window_share", found);
    }
    let keep = usize::try_from(message.keep_versions);
    let keep = keep.ok().filter(|&keep| keep <= MOST_VERSIONS);
    let keep = keep.unwrap_or_else(|| {
        let found = format!(
            "expected 0 to {MOST_VERSIONS}, found {}",
            message.keep_versions
        );
        wrong.add("model.training_policy.keep_versions", found);
        0
    });
    let after = u64::try_from(message.after_events).unwrap_or_else(|_| {
        let found = format!("expected at least 0, found {}", message.after_events);
        wrong.add("model.training_policy.after_events", found);
        0
    });
    TrainingPolicy {
        every_ms: message.every.and_then(|every| every_ms(&every, wrong)),
        after_events: (after > 0).then_some(after),
        promotion: promotion(message.promotion, wrong),
        window_share: if share == 0.0 {
            usual.window_share
        } else {
            share
        },
        keep_versions: if keep == 0 { usual.keep_versions } else { keep },
        seed: message.seed,
    }
}

fn every_ms(every: &prost_types::Duration, wrong: &mut Violations) -> Option<i64> {
    if !EVERY.contains(&every.seconds) || !(0..1_000_000_000).contains(&every.nanos) {
        let (least, most) = (EVERY.start(), EVERY.end());
        let expected = format!(
            "expected {least} to {most} seconds, found {}",
            every.seconds
        );
        wrong.add("model.training_policy.every", expected);
        return None;
    }
    Some(every.seconds * 1000 + i64::from(every.nanos) / 1_000_000)
}

fn promotion(message: Option<PromotionPolicy>, wrong: &mut Violations) -> Promotion {
    let Some(rule) = message.and_then(|message| message.rule) else {
        return Promotion::default();
    };
    let promotion_policy::NotWorse { metric, tolerance } = match rule {
        Rule::Always(_) => return Promotion::Always,
        Rule::Manual(_) => return Promotion::Manual,
        Rule::NotWorse(said) => said,
    };
    let field = "model.training_policy.promotion.not_worse";
    if !(0.0..=1.0).contains(&tolerance) {
        let found = format!("expected 0 to 1, found {tolerance}");
        wrong.add(format!("{field}.tolerance"), found);
    }
    if metric.is_empty() {
        let Promotion::NotWorse { metric, .. } = Promotion::default() else {
            return Promotion::default();
        };
        return Promotion::NotWorse { metric, tolerance };
    }
    check_metric(&metric, &format!("{field}.metric"), wrong);
    Promotion::NotWorse { metric, tolerance }
}

/// Checks the name of a figure.
pub(crate) fn check_metric(metric: &str, field: &str, wrong: &mut Violations) {
    match metric.parse::<MetricList>() {
        Ok(list) if list.as_slice().len() == 1 && list.longest() <= LONGEST_LIST => (),
        Ok(_) => {
            let expected = format!("expected one figure of at most {LONGEST_LIST} answers");
            wrong.add(field, format!("{expected}, found {metric:?}"));
        }
        Err(error) => wrong.add(field, error.to_string()),
    }
}

/// The number of a version.
pub(crate) fn version_number(text: &str, wrong: &mut Violations) -> u64 {
    text.parse().unwrap_or_else(|_| {
        let found: String = text.chars().take(40).collect();
        wrong.add(
            "version",
            format!("expected the number of a version, found {found:?}"),
        );
        0
    })
}

/// The message of a model.
pub(crate) fn of_model(
    document: &ModelDocument,
    catalog: &str,
    standing: Standing,
) -> proto::Model {
    let last = document.last_training.as_ref();
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    let training_state = match (standing.training, document.paused) {
        (true, _) => proto::TrainingState::Training,
        (false, true) => proto::TrainingState::Paused,
        (false, false) => proto::TrainingState::Idle,
    };
    let serving_state = match (document.serving, &standing.answering) {
        (None, _) => proto::ServingState::Inactive,
        (Some(_), None) => proto::ServingState::NotLoaded,
        (Some(_), Some(_)) => proto::ServingState::Active,
    };
    proto::Model {
        name: name_of(catalog, MODELS, &document.id),
        display_name: document.display_name.clone(),
        pipeline: document.pipeline.clone(),
        training_policy: Some(of_policy(&document.policy)),
        training_state: training_state.into(),
        serving_state: serving_state.into(),
        serving_version: number(document.serving),
        previous_version: number(document.previous),
        versions: document.versions.iter().map(version).collect(),
        model_version: standing.answering.unwrap_or_default(),
        create_time: Some(events::wire_time(document.create_time)),
        update_time: Some(events::wire_time(document.update_time)),
        last_training_time: last.map(|last| events::wire_time(last.time)),
        last_training_error: last.and_then(|last| last.error.clone()).unwrap_or_default(),
        from_settings: false,
    }
}

/// The message of a model of the settings, whose answers name this version.
pub(crate) fn of_given(id: &str, catalog: &str, model_version: Option<String>) -> proto::Model {
    let serving_state = match model_version {
        Some(_) => proto::ServingState::Active,
        None => proto::ServingState::NotLoaded,
    };
    proto::Model {
        name: name_of(catalog, MODELS, id),
        serving_state: serving_state.into(),
        training_state: proto::TrainingState::Paused.into(),
        model_version: model_version.unwrap_or_default(),
        from_settings: true,
        ..proto::Model::default()
    }
}

fn of_policy(policy: &TrainingPolicy) -> proto::TrainingPolicy {
    let rule = match &policy.promotion {
        Promotion::Always => Rule::Always(promotion_policy::Always {}),
        Promotion::Manual => Rule::Manual(promotion_policy::Manual {}),
        Promotion::NotWorse { metric, tolerance } => Rule::NotWorse(promotion_policy::NotWorse {
            metric: metric.clone(),
            tolerance: *tolerance,
        }),
    };
    let every = policy.every_ms.and_then(|every| u64::try_from(every).ok());
    let every = every.and_then(|every| Duration::from_millis(every).try_into().ok());
    proto::TrainingPolicy {
        every,
        after_events: wire(policy.after_events.unwrap_or_default()),
        promotion: Some(PromotionPolicy { rule: Some(rule) }),
        window_share: policy.window_share,
        keep_versions: i32::try_from(policy.keep_versions).unwrap_or(i32::MAX),
        seed: policy.seed,
    }
}

/// The message of a version.
pub(crate) fn version(version: &Version) -> ModelVersion {
    let made = &version.made;
    ModelVersion {
        version: version.number.to_string(),
        create_time: Some(events::wire_time(version.create_time)),
        manifest: Some(ModelManifest {
            data_digest: made.data_digest.clone(),
            config: made.config.clone(),
            seed: made.seed,
            crate_version: made.crate_version.clone(),
            model_digest: made.model_digest.clone(),
            events: wire(made.events),
            events_end_time: Some(events::wire_time(made.events_end)),
            products: wire(made.products),
        }),
        comparison: version.comparison.as_ref().map(comparison),
        memory_bytes: wire(version.bytes),
        verdict: version.verdict.clone(),
    }
}

/// The message of a comparison.
pub(crate) fn comparison(comparison: &Comparison) -> ModelComparison {
    let figures = |figures: &[Figure]| figures.iter().map(figure).collect();
    let incumbent = comparison.incumbent_version;
    ModelComparison {
        window_start_time: comparison.window_start.map(events::wire_time),
        queries: wire(comparison.queries),
        candidate: figures(&comparison.candidate),
        incumbent: figures(&comparison.incumbent),
        difference: figures(&comparison.difference),
        incumbent_version: incumbent.map_or_else(String::new, |number| number.to_string()),
    }
}

/// The message of a figure.
pub(super) fn figure(figure: &Figure) -> MetricValue {
    MetricValue {
        metric: figure.metric.clone(),
        mean: figure.mean,
        low: figure.low,
        high: figure.high,
        queries: wire(figure.queries),
    }
}

/// A count as the wire says it.
pub(super) fn wire(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use recommender_core::Timestamp;

    use super::*;

    const PIPELINE: &str = "[[sources]]\nmodel = { kind = \"item_knn\" }\n";

    fn read(message: proto::Model) -> Result<ModelDocument, Vec<String>> {
        let mut wrong = Violations::default();
        let mut document = ModelDocument::new("daily", Timestamp(0));
        model(message, &mut document, &mut wrong);
        wrong.fields_or(document)
    }

    fn full() -> proto::Model {
        let rule = Rule::NotWorse(promotion_policy::NotWorse {
            metric: "recall@10".into(),
            tolerance: 0.25,
        });
        proto::Model {
            name: "catalogs/default/models/daily".into(),
            display_name: "Every day".into(),
            pipeline: PIPELINE.into(),
            training_policy: Some(proto::TrainingPolicy {
                every: Some(prost_types::Duration {
                    seconds: 3600,
                    nanos: 0,
                }),
                after_events: 1000,
                promotion: Some(PromotionPolicy { rule: Some(rule) }),
                window_share: 0.2,
                keep_versions: 5,
                seed: 7,
            }),
            ..proto::Model::default()
        }
    }

    #[test]
    fn a_model_comes_back_as_it_was() {
        let document = read(full()).unwrap();
        let message = of_model(&document, "default", Standing::default());
        assert_eq!(message.name, full().name);
        assert_eq!(message.pipeline, full().pipeline);
        assert_eq!(message.training_policy, full().training_policy);
        assert_eq!(message.serving_state(), proto::ServingState::Inactive);
        let usual = proto::Model {
            pipeline: PIPELINE.into(),
            ..proto::Model::default()
        };
        assert_eq!(read(usual).unwrap().policy, TrainingPolicy::default());
    }

    #[test]
    fn every_wrong_field_is_named() {
        assert_eq!(
            read(proto::Model::default()).unwrap_err(),
            ["model.pipeline"]
        );
        let rule = Rule::NotWorse(promotion_policy::NotWorse {
            metric: "beauty@10".into(),
            tolerance: -1.0,
        });
        let wrong = proto::Model {
            display_name: "x".repeat(201),
            pipeline: "sources = 7".into(),
            training_policy: Some(proto::TrainingPolicy {
                every: Some(prost_types::Duration {
                    seconds: 59,
                    nanos: 0,
                }),
                after_events: -1,
                promotion: Some(PromotionPolicy { rule: Some(rule) }),
                window_share: f64::NAN,
                keep_versions: 101,
                seed: 0,
            }),
            ..proto::Model::default()
        };
        let expected = [
            "display_name",
            "pipeline",
            "training_policy.window_share",
            "training_policy.keep_versions",
            "training_policy.after_events",
            "training_policy.every",
            "training_policy.promotion.not_worse.tolerance",
            "training_policy.promotion.not_worse.metric",
        ];
        let expected = expected.map(|field| format!("model.{field}"));
        assert_eq!(read(wrong).unwrap_err(), expected);
    }
}
