//! One shopper's events, weighed: the same code makes a row of the training matrix and the history of a query.

use crate::error::{Error, Result};
use crate::events::{Channel, EventKind, EventRow, Stance, refused};
use crate::ids::ItemIx;
use crate::interactions::{Combine, InteractionConfig, InteractionReport};
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

impl HistoryEvent {
    /// What it says for or against its product, and when.
    pub(crate) fn said(&self) -> Option<(ItemIx, Timestamp, Stance)> {
        let stance = Stance::of(&self.kind, self.rating)?;
        Some((self.item, self.time, stance))
    }
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

/// An event and where it stands among those given.
type Placed<'a> = (usize, &'a HistoryEvent);

/// A shopper's weighed history and what was odd about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct WeighedHistory {
    /// One entry per item with a positive weight, items ascending.
    pub(crate) items: Vec<HistoryItem>,
    /// What each event adds on its own, in the order the events were given; zero for one that adds nothing.
    pub(crate) gains: Vec<f32>,
    /// The items that the shopper refuses, ascending: nothing she did with them counts.
    pub(crate) refused: Vec<ItemIx>,
    /// What became of the events.
    pub(crate) report: InteractionReport,
}

impl WeighedHistory {
    /// What is left of `events`, the very ones that were weighed, one by one: oldest first, those of one moment in the
    /// order given.
    pub(crate) fn timeline(&self, events: &[HistoryEvent]) -> Vec<HistoryItem> {
        let gained = |(event, &weight): (&HistoryEvent, &f32)| {
            let HistoryEvent { item, time, .. } = *event;
            (weight > 0.0).then_some(HistoryItem { item, weight, time })
        };
        let mut timeline: Vec<HistoryItem> =
            events.iter().zip(&self.gains).filter_map(gained).collect();
        if !timeline.is_sorted_by_key(|event| event.time) {
            timeline.sort_by_key(|event| event.time);
        }
        timeline
    }
}

impl InteractionConfig {
    /// Weighs one shopper's events as of `now`.
    ///
    /// Events of one item are taken in time order, at the same moment returns and removals last. A return takes its
    /// pieces back from the latest purchases before it, a removal from the latest additions to the cart; what is left is
    /// weighed and combined. What she did with an item that she [refuses](refused) adds nothing.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for a custom kind without a weight; [`crate::Error::Data`] if the weights of one item
    /// add up to more than an `f32` holds.
    pub(crate) fn weigh(&self, events: &[HistoryEvent], now: Timestamp) -> Result<WeighedHistory> {
        let mut order: Vec<Placed<'_>> = events.iter().enumerate().collect();
        order.sort_by_key(|(_, event)| (event.item, event.time, event.kind.takes_back().is_some()));
        let mut history = WeighedHistory {
            gains: vec![0.0; events.len()],
            refused: refused_of(events),
            ..WeighedHistory::default()
        };
        history.report.events = events.len() as u64;
        let mut left: Vec<f32> = Vec::new();
        for group in order.chunk_by(|(_, a), (_, b)| a.item == b.item) {
            left.clear();
            left.extend(group.iter().map(|(_, event)| event.quantity));
            take_back(group, &mut left, &mut history.report);
            let item = self.combine_group(group, &left, now, &mut history)?;
            history.items.extend(item);
        }
        Ok(history)
    }

    /// The weight of one item's events, of which `left` pieces each are left.
    fn combine_group(
        &self,
        group: &[Placed<'_>],
        left: &[f32],
        now: Timestamp,
        history: &mut WeighedHistory,
    ) -> Result<Option<HistoryItem>> {
        let mut weight = 0.0f32;
        let mut time = Timestamp(i64::MIN);
        let item = group[0].1.item;
        let counts = history.refused.binary_search(&item).is_err();
        for (&(position, event), &quantity) in group.iter().zip(left) {
            if quantity <= 0.0 {
                continue;
            }
            let gain = self.weight(event, quantity, now)?;
            if gain > 0.0 && counts {
                weight = self.combine.add(weight, gain);
                time = time.max(event.time);
                history.gains[position] = gain.min(f32::MAX);
                history.report.weighed += 1;
            } else {
                history.report.weightless += 1;
            }
        }
        if !weight.is_finite() {
            let reason = "the weights of one user and item add up to more than a number holds";
            return Err(Error::data("interactions", reason));
        }
        Ok((weight > 0.0).then_some(HistoryItem { item, weight, time }))
    }
}

/// The items that a shopper who did `events` refuses, ascending.
fn refused_of(events: &[HistoryEvent]) -> Vec<ItemIx> {
    if !events.iter().any(|event| event.kind.refuses()) {
        return Vec::new();
    }
    refused(events.iter().filter_map(HistoryEvent::said).collect())
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

/// Takes the pieces of returns and removals off `left`, the pieces of each event of one item in time order.
fn take_back(group: &[Placed<'_>], left: &mut [f32], report: &mut InteractionReport) {
    let undoes = |(_, event): &Placed<'_>| event.kind.takes_back().is_some();
    if !group.iter().any(undoes) {
        return;
    }
    // Positions of purchases and of additions to the cart with pieces left, latest on top.
    let (mut purchases, mut additions) = (Vec::new(), Vec::new());
    for (position, (_, event)) in group.iter().enumerate() {
        let open = match event.kind.takes_back() {
            Some(EventKind::Purchase) => &mut purchases,
            Some(_) => &mut additions,
            None if event.kind == EventKind::Purchase => {
                purchases.push(position);
                continue;
            }
            None if event.kind == EventKind::AddToCart => {
                additions.push(position);
                continue;
            }
            None => continue,
        };
        let wanted = std::mem::take(&mut left[position]);
        let missing = take_pieces(wanted, open, left, report);
        if missing <= 0.0 {
            report.returns += 1;
        } else if missing < wanted {
            report.partly_matched_returns += 1;
        } else {
            report.unmatched_returns += 1;
        }
    }
}

/// Takes `wanted` pieces off the events in `open`, from the top; gives how many were not found.
fn take_pieces(
    mut wanted: f32,
    open: &mut Vec<usize>,
    left: &mut [f32],
    report: &mut InteractionReport,
) -> f32 {
    while wanted > 0.0
        && let Some(&earlier) = open.last()
    {
        let taken = wanted.min(left[earlier]);
        left[earlier] -= taken;
        wanted -= taken;
        if left[earlier] <= 0.0 {
            open.pop();
            report.taken_back += 1;
        }
    }
    wanted
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
        assert_eq!((early.report.unmatched_returns, early.items.len()), (1, 1));
        assert_eq!(early.report.weighed, 1);
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
    fn a_return_of_the_same_moment_comes_after_its_purchase() {
        let config = InteractionConfig::default();
        let same_day = [
            event(EventKind::Return, 3.0, 1),
            event(EventKind::Purchase, 2.0, 1),
        ];
        let history = config.weigh(&same_day, Timestamp(0)).unwrap();
        assert!(history.items.is_empty());
        let report = history.report;
        assert_eq!(
            (
                report.events,
                report.taken_back,
                report.partly_matched_returns
            ),
            (2, 1, 1)
        );
    }

    #[test]
    fn a_timeline_holds_what_is_left_of_each_event_in_the_order_of_time() {
        let config = InteractionConfig {
            quantity: crate::interactions::Quantity::Linear,
            combine: Combine::Max,
            ..InteractionConfig::default()
        };
        let events = [
            event(EventKind::Purchase, 2.0, 5),
            event(EventKind::Return, 3.0, 6),
            event(EventKind::View, 1.0, 9),
            event(EventKind::Search, 1.0, 9),
            event(EventKind::Purchase, 4.0, 1),
        ];
        let history = config.weigh(&events, Timestamp(0)).unwrap();
        let timeline = history.timeline(&events);
        let found: Vec<(i64, f32)> = timeline
            .iter()
            .map(|event| (event.time.0 / 86_400_000, event.weight))
            .collect();
        assert_eq!(found, [(1, 3.0), (9, 0.1)]);
        assert_eq!(history.items[0].weight, 3.0);
    }

    #[test]
    fn what_she_did_with_a_refused_item_adds_nothing_until_she_takes_it_up_again() {
        let config = InteractionConfig::default();
        let bought = event(EventKind::Purchase, 1.0, 1);
        for kind in [EventKind::Hide, EventKind::Dislike] {
            let events = [
                bought.clone(),
                event(kind.clone(), 1.0, 3),
                event(EventKind::View, 1.0, 5),
            ];
            let history = config.weigh(&events, Timestamp(0)).unwrap();
            assert!(history.items.is_empty() && history.timeline(&events).is_empty());
            assert_eq!(history.refused, [ItemIx(0)]);
            assert_eq!(history.report.weightless, 3);
            let again = event(EventKind::AddToCart, 1.0, 6);
            let events = [&events[..], &[again]].concat();
            let history = config.weigh(&events, Timestamp(0)).unwrap();
            assert_eq!(history.items[0].weight, 1.0 + 0.1 + 0.5);
            assert!(history.refused.is_empty());
            assert_eq!(history.timeline(&events).len(), 3);
            let earlier = [event(kind, 1.0, 0), bought.clone()];
            assert_eq!(weight(&config, &earlier), Some(1.0));
        }
    }

    #[test]
    fn a_refusal_can_be_given_no_weight() {
        for (kind, weight, right) in [
            (EventKind::Hide, 0.5, false),
            (EventKind::Dislike, 0.1, false),
            (EventKind::Hide, 0.0, true),
        ] {
            let config = InteractionConfig {
                kinds: [(kind, weight)].into(),
                ..InteractionConfig::default()
            };
            assert_eq!(config.validate().is_ok(), right);
        }
    }

    #[test]
    fn weights_beyond_all_numbers_are_an_error() {
        let config = InteractionConfig {
            quantity: crate::interactions::Quantity::Linear,
            ..InteractionConfig::default()
        };
        let much = event(EventKind::Purchase, f32::MAX, 1);
        let error = config.weigh(&[much.clone(), much], Timestamp(0));
        assert!(matches!(error, Err(Error::Data { .. })));
    }

    #[test]
    fn a_custom_kind_needs_a_weight() {
        let config = InteractionConfig::default();
        let events = [event(EventKind::Custom("dwell".into()), 1.0, 1)];
        let error = config.weigh(&events, Timestamp(0)).unwrap_err();
        assert!(error.to_string().contains("custom:dwell"), "{error}");
    }
}
