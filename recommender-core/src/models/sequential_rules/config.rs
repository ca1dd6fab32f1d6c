//! How far a rule reaches, and how many are kept.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::models::visit::VisitConfig;
use crate::sessions::{MOST_WANTED, SessionConfig};

/// Settings of [`SequentialRules`](super::SequentialRules).
///
/// | field | default | range |
/// |---|---|---|
/// | `steps` | 10 | 1 to 100 |
/// | `step_weight` | `reciprocal` | `same`, `linear`, `reciprocal`, `quadratic` |
/// | `neighbours` | 200 | ≥ 1 |
/// | `last_items` | 5 | 1 to 32 |
/// | `position_decay` | 2 | > 0 |
/// | `current_item` | true | |
/// | `extend_to` | 0 | 0 to `last_items` |
/// | `reminders` | 0 | 0 to 10 |
/// | `gap_minutes` | 30 | ≥ 1 |
///
/// ```
/// use recommender_core::models::SequentialRulesConfig;
/// let config = SequentialRulesConfig { steps: 0, ..SequentialRulesConfig::default() };
/// assert!(config.validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SequentialRulesConfig {
    /// An item leads to those up to so many events later in the session.
    pub steps: usize,
    /// What a pair counts by its distance.
    pub step_weight: StepWeight,
    /// How many items each item leads to: the likeliest.
    pub neighbours: usize,
    /// How many of the latest items of the visit lead on.
    pub last_items: usize,
    /// An item p steps before the end of the visit counts `exp(−p / position_decay)`.
    pub position_decay: f32,
    /// Whether the item the visit ended with may be answered.
    pub current_item: bool,
    /// A visit of fewer items is extended to so many by the latest items of the shopper's history; one of none is always
    /// replaced by them.
    pub extend_to: usize,
    /// What the latest item of her history gains, as a share of the best score; the r-th before it gains 1/(1+r) of that.
    pub reminders: f32,
    /// After so many minutes without an event a new session begins; for events without a session key.
    pub gap_minutes: u32,
}

/// What a pair counts that stands d events apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum StepWeight {
    /// 1.
    Same,
    /// `max(0, (11 − d) / 10)`.
    Linear,
    /// `1 / d`.
    #[default]
    Reciprocal,
    /// `1 / d²`.
    Quadratic,
}

impl StepWeight {
    pub(super) fn of(self, distance: usize) -> f32 {
        let distance = distance as f32;
        match self {
            Self::Same => 1.0,
            Self::Linear => ((11.0 - distance) / 10.0).max(0.0),
            Self::Reciprocal => 1.0 / distance,
            Self::Quadratic => 1.0 / (distance * distance),
        }
    }
}

impl Default for SequentialRulesConfig {
    fn default() -> Self {
        Self {
            steps: 10,
            step_weight: StepWeight::Reciprocal,
            neighbours: 200,
            last_items: 5,
            position_decay: 2.0,
            current_item: true,
            extend_to: 0,
            reminders: 0.0,
            gap_minutes: SessionConfig::default().gap_minutes,
        }
    }
}

/// Pairs farther apart than this say nothing.
const MOST_STEPS: usize = 100;

impl SequentialRulesConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        if !(1..=MOST_STEPS).contains(&self.steps) {
            let expected = format!("a whole number from 1 to {MOST_STEPS}");
            return Err(Error::config(
                "sequential_rules.steps",
                expected,
                self.steps,
            ));
        }
        if self.neighbours == 0 {
            return Err(Error::config(
                "sequential_rules.neighbours",
                "at least 1",
                0,
            ));
        }
        if !(self.position_decay.is_finite() && self.position_decay > 0.0) {
            let found = self.position_decay;
            let expected = "a finite number above 0";
            return Err(Error::config(
                "sequential_rules.position_decay",
                expected,
                found,
            ));
        }
        self.sessions().validate_in("sequential_rules")?;
        self.visit().validate_in("sequential_rules", MOST_WANTED)
    }

    /// Where sessions end.
    #[must_use]
    pub fn sessions(&self) -> SessionConfig {
        SessionConfig {
            gap_minutes: self.gap_minutes,
        }
    }

    pub(super) fn visit(&self) -> VisitConfig {
        VisitConfig {
            last_items: self.last_items,
            extend_to: self.extend_to,
            own_boost: 0.0,
            reminders: self.reminders,
            current_item: self.current_item,
        }
    }
}
