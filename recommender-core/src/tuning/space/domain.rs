//! What one setting may be.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};

/// How a range is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal differences are equally likely.
    #[default]
    Linear,
    /// Equal ratios are equally likely: for settings whose order of magnitude matters.
    Log,
}

/// What one setting may be. Every value has a place from 0 to 1, so that samplers need to know no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Domain {
    /// One of these; the word `default` leaves the setting at its default.
    Choices(Vec<Value>),
    /// A whole number.
    Integer {
        /// The least.
        low: i64,
        /// The greatest.
        high: i64,
        /// How the range is searched; `log` needs `low` of at least 1.
        #[serde(default)]
        scale: Scale,
    },
    /// A number.
    Float {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
        /// How the range is searched; `log` needs `low` above 0.
        #[serde(default)]
        scale: Scale,
    },
}

impl Domain {
    /// A choice of words.
    #[must_use]
    pub fn words(words: &[&str]) -> Self {
        Self::Choices(words.iter().map(|&word| word.into()).collect())
    }

    /// Whole numbers searched by their order of magnitude.
    #[must_use]
    pub fn log_integer(low: i64, high: i64) -> Self {
        let scale = Scale::Log;
        Self::Integer { low, high, scale }
    }

    /// Numbers searched by their order of magnitude.
    #[must_use]
    pub fn log_float(low: f64, high: f64) -> Self {
        let scale = Scale::Log;
        Self::Float { low, high, scale }
    }

    /// Numbers searched evenly.
    #[must_use]
    pub fn float(low: f64, high: f64) -> Self {
        let scale = Scale::Linear;
        Self::Float { low, high, scale }
    }

    /// Checks that there is something to choose from.
    ///
    /// # Errors
    /// [`Error::Config`] for `field` if there is no choice, a bound is not finite, they are the wrong way round, or a
    /// logarithmic range reaches zero.
    pub fn validate(&self, field: &str) -> Result<()> {
        let (low, high, scale) = match *self {
            Self::Choices(ref choices) if choices.is_empty() => {
                return Err(Error::config(field, "at least one choice", "none"));
            }
            Self::Choices(_) => return Ok(()),
            Self::Integer { low, high, scale } => (low as f64, high as f64, scale),
            Self::Float { low, high, scale } => (low, high, scale),
        };
        let found = format!("{low} to {high}");
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(Error::config(field, "a range from low to high", found));
        }
        if scale == Scale::Log && low <= 0.0 {
            return Err(Error::config(
                field,
                "a range above 0 for the scale log",
                found,
            ));
        }
        Ok(())
    }

    /// How many choices there are; none for a range.
    #[must_use]
    pub fn choices(&self) -> Option<usize> {
        match self {
            Self::Choices(choices) => Some(choices.len()),
            Self::Integer { .. } | Self::Float { .. } => None,
        }
    }

    /// The value at `unit`, from 0 to 1. Numbers come with four digits, as somebody would write them.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a place in it, and whole numbers of a range are below 2^53"
    )]
    pub fn value(&self, unit: f64) -> Value {
        match *self {
            Self::Choices(ref choices) => {
                let place = (unit * choices.len() as f64) as usize;
                choices[place.min(choices.len() - 1)].clone()
            }
            Self::Integer { low, high, scale } => {
                let number = between(low as f64, high as f64, scale, unit);
                (number.round() as i64).clamp(low, high).into()
            }
            Self::Float { low, high, scale } => {
                let number = between(low, high, scale, unit);
                four_digits(number).clamp(low, high).into()
            }
        }
    }

    /// The place of `value` from 0 to 1, if it is one of this domain; a choice stands at the middle of its part.
    #[must_use]
    pub fn unit(&self, value: &Value) -> Option<f64> {
        let (low, high, scale) = match *self {
            Self::Choices(ref choices) => {
                let place = choices.iter().position(|choice| choice == value)?;
                return Some((place as f64 + 0.5) / choices.len() as f64);
            }
            Self::Integer { low, high, scale } => (low as f64, high as f64, scale),
            Self::Float { low, high, scale } => (low, high, scale),
        };
        let number = value.as_f64().filter(|it| (low..=high).contains(it))?;
        Some(match scale {
            Scale::Linear => (number - low) / (high - low),
            Scale::Log => (number / low).ln() / (high / low).ln(),
        })
    }
}

fn between(low: f64, high: f64, scale: Scale, unit: f64) -> f64 {
    match scale {
        Scale::Linear => low + (high - low) * unit,
        Scale::Log => low * (high / low).powf(unit),
    }
}

fn four_digits(number: f64) -> f64 {
    let written = format!("{number:.3e}");
    written.parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_values_go_together() {
        let domains = [
            Domain::words(&["a", "b", "c"]),
            Domain::log_integer(1, 1000),
            Domain::log_float(0.01, 100.0),
            Domain::float(-1.0, 1.0),
        ];
        for domain in domains {
            domain.validate("it").unwrap();
            for unit in [0.0, 0.3, 0.999, 1.0] {
                let value = domain.value(unit);
                let place = domain.unit(&value).unwrap();
                assert_eq!(domain.value(place), value, "{domain:?} at {unit}");
            }
        }
        assert_eq!(Domain::log_float(0.01, 100.0).value(0.5), 1.0);
        assert_eq!(Domain::log_integer(1, 1000).value(1.0), 1000);
        assert_eq!(Domain::float(0.0, 1.0).unit(&2.0.into()), None);
        assert_eq!(Domain::words(&["a"]).unit(&"b".into()), None);
    }

    #[test]
    fn empty_and_reversed_ranges_are_refused() {
        for (domain, words) in [
            (Domain::Choices(vec![]), "at least one choice"),
            (Domain::float(2.0, 1.0), "2 to 1"),
            (Domain::float(0.0, f64::NAN), "NaN"),
            (Domain::log_float(0.0, 1.0), "above 0"),
            (Domain::log_integer(0, 5), "above 0"),
        ] {
            let error = domain.validate("models.ease.it").unwrap_err().to_string();
            assert!(
                error.contains(words) && error.contains("models.ease.it"),
                "{error}"
            );
        }
    }
}
