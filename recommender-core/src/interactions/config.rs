//! How an event is weighed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::events::{Channel, EventKind};
use crate::interactions::HistoryEvent;
use crate::time::Timestamp;

/// How events become weights: kind × channel × quantity × decay, combined per user and item.
///
/// | field | default | range |
/// |---|---|---|
/// | `kinds` | see [`InteractionConfig::kind_weight`] | ≥ 0 each; 0 for `dislike` and `hide` |
/// | `channels` | 1 | ≥ 0 each |
/// | `quantity` | `log` | `ignore`, `log`, `linear` |
/// | `half_life_days` | none: no decay | > 0 |
/// | `combine` | `sum` | `sum`, `max`, `binary` |
/// | `min_rating` | none | finite |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct InteractionConfig {
    /// Weight of each kind, over the defaults. A custom kind has no default and must stand here.
    pub kinds: BTreeMap<EventKind, f32>,
    /// Weight of each channel; 1 where none is given.
    pub channels: BTreeMap<Channel, f32>,
    /// What a quantity of several pieces counts.
    pub quantity: Quantity,
    /// Days after which an event counts half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_life_days: Option<f64>,
    /// How several events of one user with one item become one weight.
    pub combine: Combine,
    /// Ratings below this are no sign of liking and are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_rating: Option<f32>,
}

/// What `quantity` pieces count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// As one piece.
    Ignore,
    /// `1 + ln(quantity)`, and the quantity itself below one piece.
    #[default]
    Log,
    /// `quantity`.
    Linear,
}

/// How several events of one user with one item become one weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Combine {
    /// Their sum.
    #[default]
    Sum,
    /// The largest.
    Max,
    /// One, if any counts at all.
    Binary,
}

impl InteractionConfig {
    /// Every pair that happened weighs one: the usual choice for published benchmarks.
    #[must_use]
    pub fn binary() -> Self {
        Self {
            combine: Combine::Binary,
            ..Self::default()
        }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        let weight = |name: String, value: f32| {
            if value.is_finite() && value >= 0.0 {
                return Ok(());
            }
            Err(Error::config(name, "a finite number of at least 0", value))
        };
        for (kind, &value) in &self.kinds {
            let name = format!("interactions.kinds.{kind}");
            if kind.refuses() && value != 0.0 {
                let expected = "no weight but 0, as a refusal is no sign of interest";
                return Err(Error::config(name, expected, value));
            }
            weight(name, value)?;
        }
        for (channel, &value) in &self.channels {
            weight(format!("interactions.channels.{channel}"), value)?;
        }
        if let Some(days) = self
            .half_life_days
            .filter(|days| !(days.is_finite() && *days > 0.0))
        {
            return Err(Error::config(
                "interactions.half_life_days",
                "a number of days above 0",
                days,
            ));
        }
        if let Some(rating) = self.min_rating.filter(|rating| !rating.is_finite()) {
            return Err(Error::config(
                "interactions.min_rating",
                "a finite number",
                rating,
            ));
        }
        Ok(())
    }

    /// The weight of a kind. Defaults: purchase and rating 1, add to cart, wish list and try-on 0.5, scan 0.25,
    /// click 0.2, view 0.1, search and impression 0. Return and removal take back instead of
    /// adding; dislike and hide weigh nothing, and can't be given a weight.
    ///
    /// # Errors
    /// [`Error::Config`] for a custom kind without a weight.
    pub fn kind_weight(&self, kind: &EventKind) -> Result<f32> {
        if let Some(&weight) = self.kinds.get(kind) {
            return Ok(weight);
        }
        Ok(match kind {
            EventKind::Purchase | EventKind::Rating => 1.0,
            EventKind::AddToCart | EventKind::Wishlist | EventKind::TryOn => 0.5,
            EventKind::Scan => 0.25,
            EventKind::Click => 0.2,
            EventKind::View => 0.1,
            EventKind::Search
            | EventKind::Impression
            | EventKind::Return
            | EventKind::RemoveFromCart
            | EventKind::Dislike
            | EventKind::Hide => 0.0,
            EventKind::Custom(name) => {
                return Err(Error::config(
                    format!("interactions.kinds.custom:{name}"),
                    "a weight for this kind, which the events use",
                    "none",
                ));
            }
        })
    }

    /// The weight of `quantity` pieces of one event as of `now`.
    pub(crate) fn weight(
        &self,
        event: &HistoryEvent,
        quantity: f32,
        now: Timestamp,
    ) -> Result<f32> {
        if let (Some(least), Some(rating)) = (self.min_rating, event.rating)
            && rating < least
        {
            return Ok(0.0);
        }
        let channel = event
            .channel
            .and_then(|channel| self.channels.get(&channel));
        let pieces = match self.quantity {
            Quantity::Ignore => 1.0,
            Quantity::Log if quantity > 1.0 => 1.0 + quantity.ln(),
            Quantity::Log | Quantity::Linear => quantity,
        };
        Ok(self.kind_weight(&event.kind)?
            * channel.unwrap_or(&1.0)
            * pieces
            * self.decay(event.time, now))
    }

    /// `2^(−age / half-life)`; an event after `now` counts as of now.
    #[expect(clippy::cast_possible_truncation, reason = "a factor between 0 and 1")]
    fn decay(&self, time: Timestamp, now: Timestamp) -> f32 {
        let Some(half_life) = self.half_life_days else {
            return 1.0;
        };
        (-now.days_since(time).max(0.0) / half_life).exp2() as f32
    }
}
