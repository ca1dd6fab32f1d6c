//! Which rules are mined, and how those that fire add up.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::events::EventKind;
use crate::rules::{MiningConfig, RuleCounts};

/// Settings of [`AssociationRules`](super::AssociationRules).
///
/// | field | default | range |
/// |---|---|---|
/// | `support` | 0.0005 | above 0, to 1 |
/// | `least_baskets` | 3 | ≥ 1 |
/// | `confidence` | 0 | 0 to 1 |
/// | `lift` | 1 | ≥ 0 |
/// | `log_likelihood_ratio` | 3.84 | ≥ 0 |
/// | `length` | 2 | 2 to 32 |
/// | `score` | `confidence` | `confidence`, `lift`, `leverage`, `log_likelihood_ratio` |
/// | `aggregation` | `best` | `best`, `sum` |
/// | `gap_minutes` | 60 | ≥ 0 |
/// | `kinds` | none: all | |
/// | `max_memory_bytes` | 2 GiB | |
///
/// ```
/// use recommender_core::models::AssociationRulesConfig;
/// let config = AssociationRulesConfig { length: 1, ..AssociationRulesConfig::default() };
/// assert!(config.validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AssociationRulesConfig {
    /// The least share of the baskets that hold all items of a rule.
    pub support: f64,
    /// The least number of baskets that do; the larger of the two bounds holds.
    pub least_baskets: u32,
    /// The least confidence of a rule.
    pub confidence: f64,
    /// The least lift of a rule.
    pub lift: f64,
    /// The least log-likelihood ratio of a rule: 3.84 is reached by one pair in 20 by chance alone.
    pub log_likelihood_ratio: f64,
    /// Most items of a rule. At 2, one item speaks for another; at 3, two together may.
    pub length: usize,
    /// What a rule that fires says for its item.
    pub score: RuleScore,
    /// What several rules for one item come to.
    pub aggregation: RuleAggregation,
    /// As [`MiningConfig::gap_minutes`].
    pub gap_minutes: f64,
    /// As [`MiningConfig::kinds`].
    pub kinds: Vec<EventKind>,
    /// As [`MiningConfig::max_memory_bytes`].
    pub max_memory_bytes: u64,
}

/// Which measure of a rule scores the item it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum RuleScore {
    /// How likely the item is to be taken, popular items first: for completing a basket.
    #[default]
    Confidence,
    /// How much likelier it is than without: for what belongs together, however rare.
    Lift,
    /// How many baskets more than by chance hold both sides, as a share: between the two.
    Leverage,
    /// How sure it is that both sides belong together.
    LogLikelihoodRatio,
}

/// What several rules that lead to one item come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum RuleAggregation {
    /// The best of their scores, after Sarwar, Karypis, Konstan & Riedl, *Analysis of recommendation algorithms for
    /// e-commerce* (EC 2000), §3.1: what one item of the basket nearly always comes with is first.
    #[default]
    Best,
    /// The sum of their scores: items that much of the basket speaks for, as a rule the popular ones, come first.
    Sum,
}

impl RuleScore {
    /// The score of a rule, 0 for one that says nothing for its item.
    #[expect(clippy::cast_possible_truncation, reason = "a score needs 24 bits")]
    pub(super) fn of(self, counts: &RuleCounts) -> f32 {
        let score = match self {
            Self::Confidence => counts.confidence(),
            Self::Lift => counts.lift(),
            Self::Leverage => counts.leverage(),
            Self::LogLikelihoodRatio => counts.log_likelihood_ratio(),
        };
        score.max(0.0) as f32
    }
}

impl Default for AssociationRulesConfig {
    fn default() -> Self {
        let mining = MiningConfig::default();
        Self {
            support: 0.0005,
            least_baskets: 3,
            confidence: 0.0,
            lift: 1.0,
            log_likelihood_ratio: 3.84,
            length: 2,
            score: RuleScore::default(),
            aggregation: RuleAggregation::default(),
            gap_minutes: mining.gap_minutes,
            kinds: mining.kinds,
            max_memory_bytes: mining.max_memory_bytes,
        }
    }
}

impl AssociationRulesConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        self.mining().validate_in("association_rules")
    }

    /// What is mined: rules that lead to one item.
    #[must_use]
    pub fn mining(&self) -> MiningConfig {
        MiningConfig {
            support: self.support,
            least_baskets: self.least_baskets,
            confidence: self.confidence,
            lift: self.lift,
            log_likelihood_ratio: self.log_likelihood_ratio,
            length: self.length,
            consequent: 1,
            gap_minutes: self.gap_minutes,
            kinds: self.kinds.clone(),
            max_memory_bytes: self.max_memory_bytes,
        }
    }
}
