//! One shopper's events, weighed: the same code makes a row of the training matrix and the history of a query.

use crate::error::Result;
use crate::events::{Channel, EventKind, EventRow};
use crate::ids::ItemIx;
use crate::interactions::{Combine, InteractionConfig};
use crate::query::HistoryItem;
use crate::time::Timestamp;

/// One event of a shopper whose identity no longer matters.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEvent {
    /// What with.
    pub item: ItemIx,
    /// What was done.
    pub kind: EventKind,
    /// Where from.
    pub channel: Option<Channel>,
    /// How many pieces.
    pub quantity: f32,
    /// The rating given.
    pub rating: Option<f32>,
    /// When.
    pub time: Timestamp,
}

impl From<EventRow> for HistoryEvent {
    fn from(row: EventRow) -> Self {
        Self {
            item: row.item,
            kind: row.kind,
            channel: row.channel,
            quantity: row.quantity,
            rating: row.rating,
            time: row.time,
        }
    }
}

/// A shopper's weighed history and what was odd about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct WeighedHistory {
    /// One entry per item with a positive weight, items ascending.
    pub(crate) items: Vec<HistoryItem>,
    /// Returns and removals that found nothing to take back.
    pub(crate) unmatched_returns: u64,
}

impl InteractionConfig {
    /// Weighs one shopper's events as of `now`.
    ///
    /// Events of one item are taken in time order. A return takes its pieces back from the latest purchases
    /// before it, a removal from the latest additions to the cart; what is left is weighed and combined.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for a custom kind without a weight.
    pub(crate) fn weigh(&self, events: &[HistoryEvent], now: Timestamp) -> Result<WeighedHistory> {
        let mut order: Vec<&HistoryEvent> = events.iter().collect();
        order.sort_by_key(|event| (event.item, event.time));
        let mut history = WeighedHistory::default();
        for group in order.chunk_by(|a, b| a.item == b.item) {
            let kept = take_back(group, &mut history.unmatched_returns);
            let mut weight = 0.0f32;
            let mut time = Timestamp(i64::MIN);
            for (event, quantity) in kept {
                let gain = self.weight(event, quantity, now)?;
                if gain > 0.0 {
                    weight = self.combine.add(weight, gain);
                    time = time.max(event.time);
                }
            }
            if weight > 0.0 && weight.is_finite() {
                history.items.push(HistoryItem {
                    item: group[0].item,
                    weight,
                    time,
                });
            }
        }
        Ok(history)
    }
}

impl Combine {
    fn add(self, weight: f32, gain: f32) -> f32 {
        match self {
            Self::Sum => weight + gain,
            Self::Max => weight.max(gain),
            Self::Binary => 1.0,
        }
    }
}

/// The events of one item, in time order, with the pieces that were not taken back.
fn take_back<'e>(group: &[&'e HistoryEvent], unmatched: &mut u64) -> Vec<(&'e HistoryEvent, f32)> {
    let mut kept: Vec<(&HistoryEvent, f32)> = Vec::with_capacity(group.len());
    for &event in group {
        let Some(undone) = event.kind.takes_back() else {
            kept.push((event, event.quantity));
            continue;
        };
        let mut left = event.quantity;
        for (earlier, quantity) in kept.iter_mut().rev() {
            if earlier.kind == undone {
                let taken = left.min(*quantity);
                *quantity -= taken;
                left -= taken;
            }
        }
        if left == event.quantity {
            *unmatched += 1;
        }
        kept.retain(|&(_, quantity)| quantity > 0.0);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, quantity: f32, day: i64) -> HistoryEvent {
        HistoryEvent {
            item: ItemIx(0),
            kind,
            channel: None,
            quantity,
            rating: None,
            time: Timestamp::from_seconds(day * 86_400),
        }
    }

    fn weight(config: &InteractionConfig, events: &[HistoryEvent]) -> Option<f32> {
        let now = Timestamp::from_seconds(30 * 86_400);
        let history = config.weigh(events, now).unwrap();
        history.items.first().map(|entry| entry.weight)
    }

    #[test]
    fn a_return_takes_its_purchase_back_and_an_unmatched_one_is_counted() {
        let config = InteractionConfig::default();
        let bought = event(EventKind::Purchase, 2.0, 1);
        assert_eq!(
            weight(&config, &[bought.clone(), event(EventKind::Return, 2.0, 3)]),
            None
        );
        let partly = weight(&config, &[bought.clone(), event(EventKind::Return, 1.0, 3)]);
        assert_eq!(partly, Some(1.0));
        let early = config
            .weigh(&[event(EventKind::Return, 2.0, 0), bought], Timestamp(0))
            .unwrap();
        assert_eq!((early.unmatched_returns, early.items.len()), (1, 1));
    }

    #[test]
    fn weights_multiply_kind_channel_quantity_and_decay() {
        let config = InteractionConfig {
            kinds: [(EventKind::View, 0.5)].into(),
            channels: [(Channel::Kiosk, 4.0)].into(),
            half_life_days: Some(10.0),
            ..InteractionConfig::default()
        };
        let mut seen = event(EventKind::View, std::f32::consts::E, 10);
        seen.channel = Some(Channel::Kiosk);
        // 0.5 × 4 × (1 + ln e) × 2^(−20 / 10) = 1
        let found = weight(&config, &[seen]).unwrap();
        assert!((found - 1.0).abs() < 1e-6, "{found}");
    }

    #[test]
    fn low_ratings_and_searches_leave_no_history() {
        let config = InteractionConfig {
            min_rating: Some(4.0),
            ..InteractionConfig::default()
        };
        let mut rated = event(EventKind::Rating, 1.0, 1);
        rated.rating = Some(3.0);
        assert_eq!(
            weight(&config, &[rated, event(EventKind::Search, 1.0, 1)]),
            None
        );
    }

    #[test]
    fn a_custom_kind_needs_a_weight() {
        let config = InteractionConfig::default();
        let events = [event(EventKind::Custom("dwell".into()), 1.0, 1)];
        let error = config.weigh(&events, Timestamp(0)).unwrap_err();
        assert!(error.to_string().contains("custom:dwell"), "{error}");
    }
}
