//! How many sessions are looked at, and what makes one near.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::models::visit::VisitConfig;
use crate::sessions::{IndexConfig, SessionConfig};

/// Settings of [`VmisKnn`](super::VmisKnn).
///
/// | field | default | range |
/// |---|---|---|
/// | `recent_sessions` | 1000 | ≥ 1 |
/// | `neighbours` | 200 | 1 to 10,000 |
/// | `last_items` | 5 | 1 to 9 |
/// | `position_weight` | `linear` | `same`, `linear`, `quadratic` |
/// | `match_decay` | 0.1 | 0 to 1, in thousandths |
/// | `idf` | `log` | `none`, `log`, `one_plus_log` |
/// | `current_item` | true | |
/// | `extend_to` | 0 | 0 to `last_items` |
/// | `own_boost` | 0 | 0 to 10 |
/// | `reminders` | 0 | 0 to 10 |
/// | `gap_minutes` | 30 | ≥ 1 |
/// | `least_items` | 1 | 1 to `most_items` |
/// | `most_items` | 100 | ≥ `least_items` |
///
/// ```
/// use recommender_core::models::VmisKnnConfig;
/// let config = VmisKnnConfig { last_items: 10, ..VmisKnnConfig::default() };
/// assert!(config.validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VmisKnnConfig {
    /// `m`: of the sessions that share an item with the visit, so many of the latest are looked at.
    pub recent_sessions: usize,
    /// `k`: how many of these, the nearest, have a say.
    pub neighbours: usize,
    /// How many of the latest items of the visit are looked at.
    pub last_items: usize,
    /// What an item of the visit counts by its place.
    pub position_weight: PositionWeight,
    /// What a neighbour loses for each step that its latest shared item lies before the end of the visit, the first
    /// included: it counts `1 − match_decay · p`, and nothing where that is negative.
    pub match_decay: f32,
    /// How much more rare items count.
    pub idf: Idf,
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

/// What an item of a visit counts, by its place from the oldest of the items looked at, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum PositionWeight {
    /// All count the same.
    Same,
    /// The place.
    #[default]
    Linear,
    /// The square of the place.
    Quadratic,
}

/// How much more rare items count: what an item's score is multiplied by, with N the entries of all sessions, each
/// item of a session one, and n those of the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Idf {
    /// 1.
    None,
    /// `ln(N/n)`; 1 for the only item of all sessions. What Serenade does with any `idf_weighting` above 0.
    #[default]
    Log,
    /// `1 + ln(N/n)`.
    OnePlusLog,
}

impl Default for VmisKnnConfig {
    fn default() -> Self {
        let index = IndexConfig::default();
        Self {
            recent_sessions: index.recent_sessions,
            neighbours: 200,
            last_items: 5,
            position_weight: PositionWeight::Linear,
            match_decay: 0.1,
            idf: Idf::Log,
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

/// Most items of a visit: at the tenth step the published decay leaves nothing.
pub(super) const LONGEST_VISIT: usize = 9;

/// More neighbours could overflow a sum.
const MOST_NEIGHBOURS: usize = 10_000;

impl VmisKnnConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        self.index().validate_in("vmis_knn")?;
        if !(1..=MOST_NEIGHBOURS).contains(&self.neighbours) {
            let expected = format!("a whole number from 1 to {MOST_NEIGHBOURS}");
            let found = self.neighbours;
            return Err(Error::config("vmis_knn.neighbours", expected, found));
        }
        if !(0.0..=1.0).contains(&self.match_decay) {
            let found = self.match_decay;
            return Err(Error::config(
                "vmis_knn.match_decay",
                "a number from 0 to 1",
                found,
            ));
        }
        self.sessions().validate_in("vmis_knn")?;
        self.visit().validate_in("vmis_knn", LONGEST_VISIT)
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
