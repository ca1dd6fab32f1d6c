//! What is learned, and for how long.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Settings of [`Sequence`](super::Sequence).
///
/// | field | default | range |
/// |---|---|---|
/// | `factors` | 64 | 1..=1,024, a multiple of `heads` |
/// | `blocks` | 2 | 1..=16 |
/// | `heads` | 2 | 1..=64 |
/// | `length` | 50 | 1..=1,000 |
/// | `dropout` | 0.3 | 0 to below 1 |
/// | `negatives` | none: all items | 1..=100,000 |
/// | `learning_rate` | 0.001 | > 0 |
/// | `regularization` | 0 | ≥ 0 |
/// | `epochs` | 100 | 1..=10,000 |
/// | `patience` | 5 | 1..=1,000 |
/// | `batch_size` | 128 | 1..=65,536 |
/// | `validation` | 0.1 | 0 to 0.9 |
///
/// ```
/// use recommender_core::models::SequenceConfig;
/// let config = SequenceConfig { negatives: Some(256), ..SequenceConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SequenceConfig {
    /// d, the numbers learned for each item, and of each hidden state.
    pub factors: usize,
    /// Blocks of self-attention, one upon the other.
    pub blocks: usize,
    /// Heads of each block's attention.
    pub heads: usize,
    /// Most events that are looked back on: the latest.
    pub length: usize,
    /// Share of the numbers left out at random while learning.
    pub dropout: f32,
    /// How many items each event is told from, drawn anew each time. None tells it from all, which a catalogue past some
    /// 50,000 items has no time for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negatives: Option<usize>,
    /// The step width of Adam.
    pub learning_rate: f32,
    /// The share of itself that each weight loses per step, times the learning rate.
    pub regularization: f32,
    /// Most passes over all histories.
    pub epochs: usize,
    /// Learning ends after so many epochs in a row without a better model, and keeps the best.
    pub patience: usize,
    /// Histories per step.
    pub batch_size: usize,
    /// Share of the shoppers whose last event is kept back to judge the model by. At 0 all `epochs` are run.
    pub validation: f32,
}

impl Default for SequenceConfig {
    fn default() -> Self {
        Self {
            factors: 64,
            blocks: 2,
            heads: 2,
            length: 50,
            dropout: 0.3,
            negatives: None,
            learning_rate: 0.001,
            regularization: 0.0,
            epochs: 100,
            patience: 5,
            batch_size: 128,
            validation: 0.1,
        }
    }
}

impl SequenceConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        for (name, value, most) in [
            ("factors", self.factors, 1_024),
            ("blocks", self.blocks, 16),
            ("heads", self.heads, 64),
            ("length", self.length, 1_000),
            ("negatives", self.negatives.unwrap_or(1), 100_000),
            ("epochs", self.epochs, 10_000),
            ("patience", self.patience, 1_000),
            ("batch_size", self.batch_size, 65_536),
        ] {
            if !(1..=most).contains(&value) {
                let expected = format!("a whole number from 1 to {most}");
                return Err(Error::config(field(name), expected, value));
            }
        }
        if !self.factors.is_multiple_of(self.heads) {
            let expected = format!("a multiple of heads, {}", self.heads);
            return Err(Error::config(field("factors"), expected, self.factors));
        }
        self.validate_shares()
    }

    fn validate_shares(&self) -> Result<()> {
        let finite = |value: f32| value.is_finite() && value >= 0.0;
        for (name, value, holds, expected) in [
            (
                "dropout",
                self.dropout,
                (0.0..1.0).contains(&self.dropout),
                "a number from 0 to below 1",
            ),
            (
                "validation",
                self.validation,
                (0.0..=0.9).contains(&self.validation),
                "a number from 0 to 0.9",
            ),
            (
                "learning_rate",
                self.learning_rate,
                finite(self.learning_rate) && self.learning_rate > 0.0,
                "a finite number above 0",
            ),
            (
                "regularization",
                self.regularization,
                finite(self.regularization),
                "a finite number of 0 or above",
            ),
        ] {
            if !holds {
                return Err(Error::config(field(name), expected, value));
            }
        }
        Ok(())
    }
}

fn field(name: &str) -> String {
    format!("sequence.{name}")
}
