//! What fades, and how fast.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::models::visit::VisitConfig;
use crate::sessions::{IndexConfig, MOST_WANTED, SessionConfig};

/// Settings of [`Vstan`](super::Vstan).
///
/// | field | default | range |
/// |---|---|---|
/// | `recent_sessions` | 1000 | ≥ 1 |
/// | `neighbours` | 500 | ≥ 1 |
/// | `last_items` | 20 | 1 to 32 |
/// | `position_decay` | 3.6 | > 0 |
/// | `age_decay_days` | 100 | > 0 |
/// | `distance_decay` | 8 | > 0 |
/// | `match_decay` | 3.6 | > 0 |
/// | `idf_weight` | 1 | 0 to 1000 |
/// | `revisits` | true | |
/// | `current_item` | true | |
/// | `extend_to` | 0 | 0 to `last_items` |
/// | `own_boost` | 0 | 0 to 10 |
/// | `reminders` | 0 | 0 to 10 |
/// | `gap_minutes` | 30 | ≥ 1 |
/// | `least_items` | 1 | 1 to `most_items` |
/// | `most_items` | 100 | ≥ `least_items` |
///
/// ```
/// use recommender_core::models::VstanConfig;
/// let config = VstanConfig { position_decay: 0.0, ..VstanConfig::default() };
/// assert!(config.validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VstanConfig {
    /// Of the sessions that share an item with the visit, so many of the latest are looked at.
    pub recent_sessions: usize,
    /// How many of these, the nearest, have a say.
    pub neighbours: usize,
    /// How many of the latest items of the visit are looked at.
    pub last_items: usize,
    /// λ_spw: an item p steps before the end of the visit counts `exp(−p / position_decay)`.
    pub position_decay: f32,
    /// λ_snh: a session that ended d days ago counts `exp(−d / age_decay_days)`.
    pub age_decay_days: f32,
    /// λ_inh: an item of a neighbour, d different items from the last that it shares, counts `exp(−d / distance_decay)`.
    pub distance_decay: f32,
    /// λ_ipw: a neighbour whose latest shared item is p steps before the end of the visit counts
    /// `exp(−p / match_decay)`.
    pub match_decay: f32,
    /// λ_idf: an item counts `1 + idf_weight · idf`.
    pub idf_weight: f32,
    /// Whether items of the visit have the chance of a return, learned from how visits stand, and all others share the
    /// rest by their scores. Otherwise items of the visit are scored as all others are, as published.
    pub revisits: bool,
    /// Whether the item the visit ended with may be answered.
    pub current_item: bool,
    /// A visit of fewer items is extended to so many by the latest items of the shopper's history; one of none is always
    /// replaced by them.
    pub extend_to: usize,
    /// How much more a session of the shopper's own counts than another's: nothing at 0, twice at 1.
    pub own_boost: f32,
    /// What the latest item of her history gains, as a share of the best score; the r-th before it gains 1/(1+r) of that.
    pub reminders: f32,
    /// After so many minutes without an event a new session begins; for events without a session key.
    pub gap_minutes: u32,
    /// Sessions of fewer different items are not learned from.
    pub least_items: usize,
    /// Sessions of more different items are not learned from: they are no person's.
    pub most_items: usize,
}

impl Default for VstanConfig {
    fn default() -> Self {
        let index = IndexConfig::default();
        Self {
            recent_sessions: index.recent_sessions,
            neighbours: 500,
            last_items: 20,
            position_decay: 3.6,
            age_decay_days: 100.0,
            distance_decay: 8.0,
            match_decay: 3.6,
            idf_weight: 1.0,
            revisits: true,
            current_item: true,
            extend_to: 0,
            own_boost: 0.0,
            reminders: 0.0,
            gap_minutes: SessionConfig::default().gap_minutes,
            least_items: index.least_items,
            most_items: index.most_items,
        }
    }
}

impl VstanConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        self.index().validate_in("vstan")?;
        if self.neighbours == 0 {
            return Err(Error::config("vstan.neighbours", "at least 1", 0));
        }
        let decays = [
            ("position_decay", self.position_decay),
            ("age_decay_days", self.age_decay_days),
            ("distance_decay", self.distance_decay),
            ("match_decay", self.match_decay),
        ];
        for (name, decay) in decays {
            if !(decay.is_finite() && decay > 0.0) {
                let field = format!("vstan.{name}");
                return Err(Error::config(field, "a finite number above 0", decay));
            }
        }
        if !(0.0..=1000.0).contains(&self.idf_weight) {
            let found = self.idf_weight;
            return Err(Error::config(
                "vstan.idf_weight",
                "a number from 0 to 1000",
                found,
            ));
        }
        self.sessions().validate_in("vstan")?;
        self.visit().validate_in("vstan", MOST_WANTED)
    }

    /// Which sessions are indexed.
    #[must_use]
    pub fn index(&self) -> IndexConfig {
        IndexConfig {
            recent_sessions: self.recent_sessions,
            least_items: self.least_items,
            most_items: self.most_items,
        }
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
            own_boost: self.own_boost,
            reminders: self.reminders,
            current_item: self.current_item,
        }
    }
}
