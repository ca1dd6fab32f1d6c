//! Which way lists are merged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How lists are merged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum BlendConfig {
    /// Weighted sum of scores, each list's scores first scaled to 0..=1.
    Weighted {
        /// Whether every source scores what any source proposes.
        #[serde(default, skip_serializing_if = "is_no")]
        completed: bool,
        /// Other weights for shoppers with short histories.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bands: Vec<BandConfig>,
    },
    /// Weighted sum of reciprocal ranks.
    ReciprocalRank {
        /// Added to each rank; at least 0. 60 in the paper.
        #[serde(default = "default_rank_constant")]
        rank_constant: f32,
        /// Other weights for shoppers with short histories.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bands: Vec<BandConfig>,
    },
    /// Weighted sum of scores, each list's scores first measured in their standard deviations above the list's lowest.
    Standardized {
        /// Whether every source scores what any source proposes: a second question to each, for the items only others
        /// proposed.
        #[serde(default, skip_serializing_if = "is_no")]
        completed: bool,
        /// Other weights for shoppers with short histories.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bands: Vec<BandConfig>,
    },
}

/// Weights for shoppers whose history is no longer than so many items.
///
/// | field | range |
/// |---|---|
/// | `up_to` | different items in history, session and context; above that of the band before |
/// | `weights` | by source, finite and at least 0, one above 0; a source not named weighs nothing |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandConfig {
    /// Most different items.
    pub up_to: usize,
    /// Weight of each source.
    pub weights: BTreeMap<String, f32>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out a reference"
)]
fn is_no(completed: &bool) -> bool {
    !completed
}

fn default_rank_constant() -> f32 {
    60.0
}

impl Default for BlendConfig {
    fn default() -> Self {
        Self::reciprocal_rank(default_rank_constant())
    }
}

impl BlendConfig {
    /// Scaled scores, each source scoring what it proposes.
    #[must_use]
    pub fn weighted() -> Self {
        Self::Weighted {
            completed: false,
            bands: Vec::new(),
        }
    }

    /// Reciprocal ranks.
    #[must_use]
    pub fn reciprocal_rank(rank_constant: f32) -> Self {
        Self::ReciprocalRank {
            rank_constant,
            bands: Vec::new(),
        }
    }

    /// Standardised scores, each source scoring what it proposes.
    #[must_use]
    pub fn standardized() -> Self {
        Self::Standardized {
            completed: false,
            bands: Vec::new(),
        }
    }

    /// The same, with every source scoring what any source proposes; ranks have no such form and stay as they are.
    #[must_use]
    pub fn completing(mut self) -> Self {
        match &mut self {
            Self::Weighted { completed, .. } | Self::Standardized { completed, .. } => {
                *completed = true;
            }
            Self::ReciprocalRank { .. } => {}
        }
        self
    }

    /// The same, with these bands.
    #[must_use]
    pub fn with_bands(mut self, wanted: Vec<BandConfig>) -> Self {
        match &mut self {
            Self::Weighted { bands, .. }
            | Self::Standardized { bands, .. }
            | Self::ReciprocalRank { bands, .. } => *bands = wanted,
        }
        self
    }

    /// Whether every source scores what any source proposes.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        match self {
            Self::Weighted { completed, .. } | Self::Standardized { completed, .. } => *completed,
            Self::ReciprocalRank { .. } => false,
        }
    }

    /// The bands, shortest histories first.
    #[must_use]
    pub fn bands(&self) -> &[BandConfig] {
        match self {
            Self::Weighted { bands, .. }
            | Self::Standardized { bands, .. }
            | Self::ReciprocalRank { bands, .. } => bands,
        }
    }

    /// Checks the ranges; `sources` are the names that bands may speak of.
    ///
    /// # Errors
    /// [`Error::Config`] if the rank constant is negative or not finite, or a band is not as [`BandConfig`] says.
    pub fn validate(&self, sources: &[&str]) -> Result<()> {
        if let Self::ReciprocalRank { rank_constant, .. } = *self
            && !(rank_constant.is_finite() && rank_constant >= 0.0)
        {
            return Err(Error::config(
                "blend.rank_constant",
                "a finite number of at least 0",
                rank_constant,
            ));
        }
        let mut below: Option<usize> = None;
        for band in self.bands() {
            if below.is_some_and(|below| band.up_to <= below) {
                let expected = "more items than the band before";
                return Err(Error::config("blend.bands.up_to", expected, band.up_to));
            }
            below = Some(band.up_to);
            band.validate(sources)?;
        }
        Ok(())
    }
}

impl BandConfig {
    fn validate(&self, sources: &[&str]) -> Result<()> {
        for (name, &weight) in &self.weights {
            if !sources.contains(&&**name) {
                let expected = format!("names of sources: {}", sources.join(", "));
                let found = format!("\"{name}\"");
                return Err(Error::config("blend.bands.weights", expected, found));
            }
            if !(weight.is_finite() && weight >= 0.0) {
                let field = format!("blend.bands.weights.{name}");
                return Err(Error::config(
                    field,
                    "a finite number of at least 0",
                    weight,
                ));
            }
        }
        if self.weights.values().all(|&weight| weight == 0.0) {
            let expected = "a weight above 0 for at least one source";
            return Err(Error::config("blend.bands.weights", expected, "none"));
        }
        Ok(())
    }
}
