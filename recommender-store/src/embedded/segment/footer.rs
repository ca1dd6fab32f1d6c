//! What a segment says of itself, and where its sections are.

use recommender_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{Position, StoredEvent};

/// How many events a segment has, and between which bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Extent {
    /// Events.
    pub(in super::super) events: u64,
    /// The earliest time.
    pub(in super::super) first_time: Timestamp,
    /// The latest time.
    pub(in super::super) last_time: Timestamp,
    /// The first position.
    pub(in super::super) first_position: Position,
    /// The last position.
    pub(in super::super) last_position: Position,
}

impl Default for Extent {
    fn default() -> Self {
        Self {
            events: 0,
            first_time: Timestamp(i64::MAX),
            last_time: Timestamp(i64::MIN),
            first_position: Position(u64::MAX),
            last_position: Position(0),
        }
    }
}

impl Extent {
    pub(super) fn take_in(&mut self, stored: &StoredEvent) {
        let time = stored.event.time.unwrap_or_default();
        self.events += 1;
        self.first_time = self.first_time.min(time);
        self.last_time = self.last_time.max(time);
        self.first_position = self.first_position.min(stored.position);
        self.last_position = self.last_position.max(stored.position);
    }
}

/// A stretch of the file with its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) checksum: u32,
}

/// The footer. The pages of fingerprints stand between `index` and `pages`; each has its checksum in the latter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Footer {
    pub(super) extent: Extent,
    pub(super) words: Section,
    pub(super) index: Section,
    pub(super) pages: Section,
    pub(super) ids: Section,
    pub(super) visitors: Section,
    /// Which visitors refused something; none if nobody did, as in files of before there were refusals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refusers: Option<Section>,
}
