//! What a judgement of a serving config found, as it is kept in the store.

use recommender_core::Timestamp;
use recommender_core::evaluation::{Estimator, PolicyValue};
use recommender_core::events::EventKind;
use serde::{Deserialize, Serialize};

use crate::answering::Retrospect;
use crate::training::policy::PolicyOrder;
use crate::training::policy::judging::Found;

/// Fewest effective slots that figures should rest on.
const FEW_EFFECTIVE: f64 = 100.0;

/// The share of what the serving config shows that the log should have been able to show.
const OVERLAP: f64 = 0.95;

/// What a judgement of a serving config found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PolicyDocument {
    /// Id of the serving config.
    pub(crate) serving_config: String,
    /// What answers of its model name as their version.
    pub(crate) model_version: String,
    pub(crate) estimator: Estimator,
    pub(crate) clip: Option<f64>,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) rewards: Vec<EventKind>,
    /// How long after a list a reward counted, in milliseconds.
    pub(crate) window_ms: u64,
    pub(crate) limit: usize,
    pub(crate) value: PolicyValue,
    /// Persons who were shown the lists.
    pub(crate) persons: u64,
    /// The share of slots that the serving config fills.
    pub(crate) filled_share: f64,
    /// Slots without a propensity.
    pub(crate) unknown_propensities: u64,
    /// Slots beyond the length of the answers.
    pub(crate) left_out_slots: u64,
    pub(crate) warnings: Vec<PolicyWarning>,
}

/// Something that makes the figures less than they seem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PolicyWarning {
    pub(crate) kind: WarningKind,
    /// The same for people.
    pub(crate) message: String,
}

/// What makes figures less than they seem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WarningKind {
    NoOverlap,
    FewEffectiveSamples,
    UnknownPropensities,
    TrainedOnLog,
    RewardsToCome,
    SlotsLeftOut,
}

impl PolicyDocument {
    /// What was found of an order until this time.
    pub(super) fn of(
        order: &PolicyOrder,
        retrospect: &Retrospect,
        (found, now): (Found, Timestamp),
    ) -> Self {
        let Found {
            value,
            persons,
            counts,
        } = found;
        let model = retrospect.model();
        let mut document = Self {
            serving_config: order.serving_config.clone(),
            model_version: model.version().to_owned(),
            estimator: order.estimator,
            clip: order.clip,
            from: order.from,
            to: order.to,
            rewards: order.rewards.clone(),
            window_ms: u64::try_from(order.window.as_millis()).unwrap_or(u64::MAX),
            limit: order.limit,
            persons,
            filled_share: counts.filled / value.slots as f64,
            unknown_propensities: counts.unknown,
            left_out_slots: counts.left_out,
            value,
            warnings: Vec::new(),
        };
        document.warn(model.data_end(), now);
        document
    }

    /// Warns of what makes the figures less than they seem, the model having learned up to `data_end`.
    fn warn(&mut self, data_end: Timestamp, now: Timestamp) {
        let (value, slots) = (&self.value, self.value.slots);
        let weight = value.mean_weight;
        let window = i64::try_from(self.window_ms).unwrap_or(i64::MAX);
        let warnings = [
            (
                WarningKind::NoOverlap,
                weight.interval.high < OVERLAP * self.filled_share,
                format!(
                    "the mean weight is {:.3} and would tend to {:.3} if the log could show all that the serving config \
                     shows; {} of {} lists have no slot in common with it",
                    weight.mean, self.filled_share, value.unmatched_lists, value.lists
                ),
            ),
            (
                WarningKind::FewEffectiveSamples,
                value.effective_slots < FEW_EFFECTIVE,
                format!(
                    "the {slots} slots are worth {:.1} of equal weight; the largest weight is {:.1}",
                    value.effective_slots, value.max_weight
                ),
            ),
            (
                WarningKind::UnknownPropensities,
                self.unknown_propensities > 0,
                format!(
                    "{} of {slots} slots came without a propensity and were taken as shown for certain",
                    self.unknown_propensities
                ),
            ),
            (
                WarningKind::TrainedOnLog,
                data_end >= self.from,
                "the model learned from events of the span that is judged".to_owned(),
            ),
            (
                WarningKind::RewardsToCome,
                self.to.0.saturating_add(window) > now.0,
                "of the last lists, the time in which rewards count has not passed".to_owned(),
            ),
            (
                WarningKind::SlotsLeftOut,
                self.left_out_slots > 0,
                format!(
                    "{} slots stood beyond the length of the answers and were left out",
                    self.left_out_slots
                ),
            ),
        ];
        let holds = warnings.into_iter().filter(|(_, holds, _)| *holds);
        let warning = |(kind, _, message)| PolicyWarning { kind, message };
        self.warnings = holds.map(warning).collect();
    }
}
