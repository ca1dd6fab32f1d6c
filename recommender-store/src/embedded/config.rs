//! Settings of the embedded engine.

use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};

/// How a directory is kept.
///
/// | Setting | Default | Range |
/// |---|---|---|
/// | `memory_events` | 250,000 | 1 to 10,000,000 |
/// | `journal_bytes` | 64 MiB | 4 KiB to 4 GiB |
/// | `tail_bytes` | 256 MiB | 0 to 64 GiB |
/// | `max_waiting` | 4,096 | 1 to 1,000,000 |
/// | `max_segment_events` | 16,000,000 | `memory_events` to 100,000,000 |
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddedConfig {
    /// Events held in memory before they are sorted into a file; some 300 bytes each, up to four times as many while
    /// the disk does not keep up.
    pub memory_events: usize,
    /// Bytes of a journal before the next one begins: what is read back when the store is opened after a kill.
    pub journal_bytes: u64,
    /// Memory for the latest events of visitors who were asked for; some two kilobytes each.
    pub tail_bytes: u64,
    /// Writes that may wait; one more is refused as [`StoreError::Busy`].
    pub max_waiting: usize,
    /// Events in the largest file of sorted events; merging takes some ten bytes of memory for each.
    pub max_segment_events: u64,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self {
            memory_events: 250_000,
            journal_bytes: 64 << 20,
            tail_bytes: 256 << 20,
            max_waiting: 4_096,
            max_segment_events: 16_000_000,
        }
    }
}

impl EmbeddedConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] naming the setting.
    pub fn validate(&self) -> Result<()> {
        within("memory_events", self.memory_events as u64, 1, 10_000_000)?;
        within("journal_bytes", self.journal_bytes, 4 << 10, 4 << 30)?;
        within("tail_bytes", self.tail_bytes, 0, 64 << 30)?;
        within("max_waiting", self.max_waiting as u64, 1, 1_000_000)?;
        let fewest = self.memory_events as u64;
        within(
            "max_segment_events",
            self.max_segment_events,
            fewest,
            100_000_000,
        )
    }
}

fn within(setting: &str, found: u64, low: u64, high: u64) -> Result<()> {
    if (low..=high).contains(&found) {
        return Ok(());
    }
    Err(StoreError::invalid(
        format!("setting \"{setting}\""),
        format!("a number from {low} to {high}"),
        found,
    ))
}
