//! What is mined, and which rules are worth keeping.

use serde::{Deserialize, Serialize};

use crate::baskets::BasketConfig;
use crate::error::{Error, Result};
use crate::events::EventKind;

/// Settings of a mine.
///
/// | field | default | range |
/// |---|---|---|
/// | `support` | 0.001 | above 0, to 1 |
/// | `least_baskets` | 5 | ≥ 1 |
/// | `confidence` | 0.1 | 0 to 1 |
/// | `lift` | 1 | ≥ 0 |
/// | `log_likelihood_ratio` | 10.83 | ≥ 0 |
/// | `length` | 3 | 2 to 32 |
/// | `consequent` | 1 | 1 to `length` − 1 |
/// | `gap_minutes` | 60 | ≥ 0 |
/// | `kinds` | none: all | |
/// | `max_memory_bytes` | 2 GiB | |
///
/// ```
/// use recommender_core::rules::MiningConfig;
/// let config = MiningConfig { confidence: 1.5, ..MiningConfig::default() };
/// assert!(config.validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MiningConfig {
    /// The least share of the baskets that hold all items of a rule. A share of 0 asks for every combination of items
    /// there is: it passes [`MiningConfig::validate`], and the mine refuses it with their number.
    pub support: f64,
    /// The least number of baskets that do; the larger of the two bounds holds. A share far below one basket leaves
    /// this one alone.
    pub least_baskets: u32,
    /// The least confidence of a rule.
    pub confidence: f64,
    /// The least lift of a rule; above 1 the antecedent speaks for the consequent, below 1 against it.
    pub lift: f64,
    /// The least log-likelihood ratio of a rule. By chance alone 3.84 is reached by one pair in 20, 6.63 by one in 100,
    /// 10.83 by one in 1,000; 0 keeps all.
    pub log_likelihood_ratio: f64,
    /// Most items of a rule, both sides together.
    pub length: usize,
    /// Most items of its consequent.
    pub consequent: usize,
    /// An event that comes this many minutes after the one before it, or later, begins a new basket; for events without
    /// a session key.
    pub gap_minutes: f64,
    /// Kinds of events that put an item into a basket; if none is named, all that weigh anything.
    pub kinds: Vec<EventKind>,
    /// A mine whose itemsets or rules need more than so many bytes stops and says what they need.
    pub max_memory_bytes: u64,
}

impl Default for MiningConfig {
    fn default() -> Self {
        Self {
            support: 0.001,
            least_baskets: 5,
            confidence: 0.1,
            lift: 1.0,
            log_likelihood_ratio: 10.83,
            length: 3,
            consequent: 1,
            gap_minutes: BasketConfig::default().gap_minutes,
            kinds: Vec::new(),
            max_memory_bytes: 2 << 30,
        }
    }
}

/// Rules longer than this say nothing that their parts do not, and their number doubles with each item.
const MOST_LENGTH: usize = 32;

impl MiningConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        self.validate_in("rules")
    }

    /// As [`MiningConfig::validate`], for settings that stand in `section`.
    pub(crate) fn validate_in(&self, section: &str) -> Result<()> {
        let field = |name: &str| format!("{section}.{name}");
        let shares = [("support", self.support), ("confidence", self.confidence)];
        for (name, value) in shares {
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::config(field(name), "a share from 0 to 1", value));
            }
        }
        let bounds = [
            ("lift", self.lift),
            ("log_likelihood_ratio", self.log_likelihood_ratio),
        ];
        for (name, value) in bounds {
            if !(value.is_finite() && value >= 0.0) {
                let expected = "a finite number of at least 0";
                return Err(Error::config(field(name), expected, value));
            }
        }
        if self.least_baskets == 0 {
            return Err(Error::config(field("least_baskets"), "at least 1", 0));
        }
        if !(2..=MOST_LENGTH).contains(&self.length) {
            let expected = format!("a whole number from 2 to {MOST_LENGTH}");
            return Err(Error::config(field("length"), expected, self.length));
        }
        if !(1..self.length).contains(&self.consequent) {
            let expected = format!("at least 1 and less than length, {}", self.length);
            return Err(Error::config(
                field("consequent"),
                expected,
                self.consequent,
            ));
        }
        self.baskets().validate()
    }

    /// Where baskets end.
    #[must_use]
    pub fn baskets(&self) -> BasketConfig {
        BasketConfig {
            gap_minutes: self.gap_minutes,
        }
    }

    /// The least number of `baskets` an itemset has to stand in: the first whose share reaches the support.
    #[must_use]
    pub fn least_count(&self, baskets: usize) -> u32 {
        let all = baskets as f64;
        // Rounding in the product may miss the bound by one on either side.
        let about = (self.support * all).floor() - 1.0;
        let mut least = about.max(0.0);
        while least / all < self.support {
            least += 1.0;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number from 0 to the number of baskets, which a table keeps below 2^32"
        )]
        let least = least as u32;
        least.max(self.least_baskets)
    }
}

/// By what baskets are told apart before they are mined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// By nothing: all together.
    #[default]
    None,
    /// By the channel of their events.
    Channel,
    /// By the place of their events.
    Place,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn least(support: f64, baskets: usize) -> u32 {
        let config = MiningConfig {
            support,
            least_baskets: 1,
            ..MiningConfig::default()
        };
        config.least_count(baskets)
    }

    #[test]
    fn the_least_count_is_the_first_whose_share_reaches_the_support() {
        assert_eq!(least(0.002, 25_900), 52);
        // 0.07 · 100 is 7.000000000000001 in floating point.
        assert_eq!(least(0.07, 100), 7);
        assert_eq!((least(1.0, 7), least(1e-9, 7)), (7, 1));
        assert_eq!(MiningConfig::default().least_count(10), 5);
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let wrong = [
            ("support", serde_json::json!(1.5)),
            ("support", serde_json::json!(-0.1)),
            ("least_baskets", serde_json::json!(0)),
            ("confidence", serde_json::json!(2)),
            ("lift", serde_json::json!(-1)),
            ("log_likelihood_ratio", serde_json::json!(-0.5)),
            ("length", serde_json::json!(1)),
            ("length", serde_json::json!(33)),
            ("consequent", serde_json::json!(0)),
            ("consequent", serde_json::json!(3)),
            ("gap_minutes", serde_json::json!(-1)),
        ];
        for (field, value) in wrong {
            let object = serde_json::json!({ field: value });
            let config: MiningConfig = serde_json::from_value(object).unwrap();
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
        let nan = MiningConfig {
            support: f64::NAN,
            ..MiningConfig::default()
        };
        assert!(nan.validate().is_err());
    }
}
