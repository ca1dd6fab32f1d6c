//! How strongly the weights are held back, and how much memory they may take.

use serde::{Deserialize, Serialize};

use crate::dataset::{Change, Dataset};
use crate::error::{Error, Result};
use crate::models::ease::Ease;
use crate::models::ease::fit::memory_of_fit;
use crate::models::ease::problem::{Problem, chosen};
use crate::recommender::FitOptions;

/// Most memory a fit may take unless told otherwise.
const MAX_MEMORY_BYTES: u64 = 20 << 30;

/// Settings of [`Ease`] as first published: no item may predict itself.
///
/// | field | default | range |
/// |---|---|---|
/// | `regularization` | 300 | > 0 |
/// | `max_memory_bytes` | 20 GiB | none: no limit |
///
/// ```
/// use recommender_core::models::EaseConfig;
/// let config = EaseConfig { regularization: 80.0, ..EaseConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EaseConfig {
    /// λ, the penalty on the squared weights, in squared interaction weights: the more users an item has, the less it
    /// feels it. Worth choosing on validation data, from some 50 on large sparse data to 1,000 on small dense data.
    pub regularization: f64,
    /// The fit is refused, before it takes any memory, if it would need more than so many bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory_bytes: Option<u64>,
}

impl Default for EaseConfig {
    fn default() -> Self {
        Self {
            regularization: 300.0,
            max_memory_bytes: Some(MAX_MEMORY_BYTES),
        }
    }
}

/// Settings of [`Ease`] for histories of which a part is missing: items are held back by their popularity too.
///
/// | field | default | range |
/// |---|---|---|
/// | `regularization` | 200 | > 0 |
/// | `dropout` | 0.5 | 0 to 1, below 1 |
/// | `max_memory_bytes` | 20 GiB | none: no limit |
///
/// ```
/// use recommender_core::models::EdlaeConfig;
/// let config = EdlaeConfig { dropout: 0.8, ..EdlaeConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EdlaeConfig {
    /// λ, as [`EaseConfig::regularization`].
    pub regularization: f64,
    /// p, the share of a history thought to be missing: p / (1 − p) of an item's squared weights is added to its λ.
    pub dropout: f64,
    /// As [`EaseConfig::max_memory_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory_bytes: Option<u64>,
}

impl Default for EdlaeConfig {
    fn default() -> Self {
        Self {
            regularization: 200.0,
            dropout: 0.5,
            max_memory_bytes: Some(MAX_MEMORY_BYTES),
        }
    }
}

/// Settings of [`Ease`] with items that may predict themselves, up to a bound. With no dropout this is RLAE.
///
/// | field | default | range |
/// |---|---|---|
/// | `regularization` | 200 | > 0 |
/// | `dropout` | 0.5 | 0 to 1, below 1 |
/// | `diagonal_bound` | 0.2 | 0 to 1 |
/// | `max_memory_bytes` | 20 GiB | none: no limit |
///
/// ```
/// use recommender_core::models::RdlaeConfig;
/// let rlae = RdlaeConfig { dropout: 0.0, diagonal_bound: 0.4, ..RdlaeConfig::default() };
/// assert!(rlae.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RdlaeConfig {
    /// λ, as [`EaseConfig::regularization`].
    pub regularization: f64,
    /// p, as [`EdlaeConfig::dropout`].
    pub dropout: f64,
    /// ξ, the most an item may predict itself: at 0 the model is that of [`EdlaeConfig`], at 1 a plain ridge
    /// regression. Items whose weight is bounded propose themselves the less to others the higher it is.
    pub diagonal_bound: f64,
    /// As [`EaseConfig::max_memory_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory_bytes: Option<u64>,
}

impl Default for RdlaeConfig {
    fn default() -> Self {
        Self {
            regularization: 200.0,
            dropout: 0.5,
            diagonal_bound: 0.2,
            max_memory_bytes: Some(MAX_MEMORY_BYTES),
        }
    }
}

impl EaseConfig {
    fn problem(&self) -> Problem {
        Problem {
            model: "ease",
            regularization: self.regularization,
            dropout: 0.0,
            diagonal_bound: 0.0,
            max_memory_bytes: self.max_memory_bytes,
        }
    }
}

impl EdlaeConfig {
    fn problem(&self) -> Problem {
        Problem {
            model: "edlae",
            regularization: self.regularization,
            dropout: self.dropout,
            diagonal_bound: 0.0,
            max_memory_bytes: self.max_memory_bytes,
        }
    }
}

impl RdlaeConfig {
    fn problem(&self) -> Problem {
        Problem {
            model: "rdlae",
            regularization: self.regularization,
            dropout: self.dropout,
            diagonal_bound: self.diagonal_bound,
            max_memory_bytes: self.max_memory_bytes,
        }
    }
}

macro_rules! family {
    ($($config:ident),*) => {$(
        impl $config {
            /// Checks the ranges.
            ///
            /// # Errors
            /// [`Error::Config`] naming the first setting out of range.
            pub fn validate(&self) -> Result<()> {
                self.problem().validate()
            }

            /// Bytes a fit to `dataset` takes at its peak, besides the data: known before it starts.
            #[must_use]
            pub fn memory_bytes(&self, dataset: &Dataset) -> u64 {
                memory_of_fit(chosen(dataset).len())
            }

            /// Solves for the weights between all items of `dataset` that have an interaction.
            ///
            /// With m such items: m³ operations, and memory for one m × m matrix of 4-byte numbers and a few per cent.
            ///
            /// # Errors
            /// [`Error::Config`] if a setting is out of range; [`Error::Data`] if the memory needed is more than
            /// allowed or not to be had, or if the weights of the interactions are of too large a range;
            /// [`Error::Cancelled`].
            pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Ease> {
                self.problem().fit(dataset, options)
            }

            /// The model after `change`, from `fitted`, which these settings fitted to [`Change::before`]: what a new
            /// fit gives, to rounding.
            ///
            /// With r users changed and m items it takes about 2 r m² operations instead of m³; where the new fit is
            /// the cheaper way, or the safer one in 32-bit numbers, that is what is done. Besides `fitted` it takes the
            /// memory of a fit and 4 r numbers an item.
            ///
            /// # Errors
            /// As the fit.
            pub fn update(
                &self,
                fitted: &Ease,
                change: &Change<'_>,
                options: &FitOptions,
            ) -> Result<Ease> {
                self.problem().update(fitted, change, options)
            }
        }
    )*};
}

family!(EaseConfig, EdlaeConfig, RdlaeConfig);

impl Problem {
    pub(super) fn validate(&self) -> Result<()> {
        let wrong = |field: &str, expected: &str, found: f64| {
            Err(Error::config(
                format!("{}.{field}", self.model),
                expected,
                found,
            ))
        };
        if !(self.regularization.is_finite() && self.regularization > 0.0) {
            return wrong(
                "regularization",
                "a finite number above 0",
                self.regularization,
            );
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return wrong("dropout", "a number from 0 to 1, below 1", self.dropout);
        }
        if !(0.0..=1.0).contains(&self.diagonal_bound) {
            return wrong(
                "diagonal_bound",
                "a number from 0 to 1",
                self.diagonal_bound,
            );
        }
        Ok(())
    }
}
