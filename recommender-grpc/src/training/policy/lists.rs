//! The lists that one person was shown, and what followed each.

use std::collections::HashMap;

use recommender_core::Timestamp;
use recommender_core::events::{Channel, Event, EventKind};
use recommender_store::record::StoredEvent;

use crate::answering::whole_id;
use crate::training::policy::{PolicyOrder, ToldOfList};

/// A list that was shown.
#[derive(Debug)]
pub(super) struct ShownList<'e> {
    /// The visitor, as the store has her.
    pub(super) visitor: &'e str,
    pub(super) time: Timestamp,
    pub(super) channel: Option<Channel>,
    pub(super) place: Option<&'e str>,
    pub(super) session: Option<&'e str>,
    /// What its events say alike: the token, what was searched for, categories.
    pub(super) told: ToldOfList,
    pub(super) slots: Vec<ShownSlot<'e>>,
    /// Id of the event that it came as.
    id: &'e str,
}

/// A product of a list that was shown.
#[derive(Debug, PartialEq)]
pub(super) struct ShownSlot<'e> {
    pub(super) item: &'e str,
    /// Its place in the list, from 0.
    pub(super) position: usize,
    /// The probability with which it was shown there, if anybody knows.
    pub(super) propensity: Option<f64>,
    pub(super) rewarded: bool,
}

/// What may reward a product: when it was, and the token of the answer that it follows from.
type Rewards<'e> = HashMap<&'e str, Vec<(Timestamp, String)>>;

/// The lists of one person that are asked for, out of what she did in the order of time.
pub(super) fn lists<'e>(events: &'e [StoredEvent], order: &PolicyOrder) -> Vec<ShownList<'e>> {
    let mut lists: Vec<ShownList<'e>> = Vec::new();
    for stored in events {
        if let Some((list, slot)) = shown(&stored.event, order) {
            let same = |known: &&mut ShownList<'_>| {
                (known.id, known.visitor, known.time) == (list.id, list.visitor, list.time)
            };
            // Its parts were written at once, so none of another time stands between them.
            let mut latest = lists.iter_mut().rev();
            let mut latest = latest.by_ref().take_while(|known| known.time == list.time);
            match latest.find(same) {
                Some(known) => known.slots.push(slot),
                None => lists.push(ShownList {
                    slots: vec![slot],
                    ..list
                }),
            }
        }
    }
    if !lists.is_empty() {
        let rewards = rewards(events, order);
        for list in &mut lists {
            list.reward(&rewards, order);
        }
    }
    lists
}

/// The list that an event is of, without its slots, and the event's own slot; none if it is of none that is asked for.
fn shown<'e>(event: &'e Event, order: &PolicyOrder) -> Option<(ShownList<'e>, ShownSlot<'e>)> {
    let time = event.time?;
    let item = event.item.as_deref()?;
    if event.kind != EventKind::Impression || time < order.from || time >= order.to {
        return None;
    }
    let told = (order.told)(event);
    let slot = ShownSlot {
        item,
        position: told.position?.checked_sub(1)?,
        propensity: told.propensity,
        rewarded: false,
    };
    let list = ShownList {
        visitor: &event.visitor,
        time,
        channel: event.channel,
        place: event.place.as_deref(),
        session: event.session.as_deref(),
        told,
        slots: Vec::new(),
        id: whole_id(event.id.as_deref()?),
    };
    Some((list, slot))
}

fn rewards<'e>(events: &'e [StoredEvent], order: &PolicyOrder) -> Rewards<'e> {
    let mut rewards = Rewards::new();
    for StoredEvent { event, .. } in events {
        if let (Some(item), Some(time)) = (&event.item, event.time)
            && order.rewards.contains(&event.kind)
        {
            let token = (order.told)(event).token;
            rewards.entry(item).or_default().push((time, token));
        }
    }
    rewards
}

impl ShownList<'_> {
    /// Notes which of its products were rewarded.
    fn reward(&mut self, rewards: &Rewards<'_>, order: &PolicyOrder) {
        let window = i64::try_from(order.window.as_millis()).unwrap_or(i64::MAX);
        let until = Timestamp(self.time.0.saturating_add(window));
        let (time, own) = (self.time, &self.told.token);
        let counts = |(at, token): &(Timestamp, String)| {
            (time..=until).contains(at) && (token.is_empty() || token == own)
        };
        for slot in &mut self.slots {
            let followed = rewards.get(slot.item);
            slot.rewarded = followed.is_some_and(|followed| followed.iter().any(counts));
        }
    }

    /// How long the list was, as far as is known: its last position.
    pub(super) fn length(&self) -> usize {
        let ends = self.slots.iter().map(|slot| slot.position + 1);
        ends.max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use recommender_core::evaluation::Estimator;
    use recommender_store::record::Position;

    use super::*;

    /// What an event says, written in its attributes for these tests.
    fn told(event: &Event) -> ToldOfList {
        let text = |name: &str| event.attributes.get(name).cloned();
        ToldOfList {
            position: text("position").and_then(|text| text.parse().ok()),
            propensity: text("propensity").and_then(|text| text.parse().ok()),
            token: text("token").unwrap_or_default(),
            ..ToldOfList::default()
        }
    }

    fn order() -> PolicyOrder {
        PolicyOrder {
            id: "it".into(),
            serving_config: "home".into(),
            estimator: Estimator::Ips,
            clip: None,
            from: Timestamp(100),
            to: Timestamp(200),
            rewards: vec![EventKind::Click, EventKind::Purchase],
            window: Duration::from_millis(50),
            limit: 0,
            seed: 0,
            told,
        }
    }

    fn event(id: &str, time: i64, (kind, item): (EventKind, &str)) -> StoredEvent {
        StoredEvent {
            position: Position(0),
            event: Event {
                id: Some(id.into()),
                visitor: "ann".into(),
                item: Some(item.into()),
                kind,
                time: Some(Timestamp(time)),
                ..Event::default()
            },
        }
    }

    fn with(mut stored: StoredEvent, attributes: &[(&str, &str)]) -> StoredEvent {
        let attributes = attributes
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        stored.event.attributes = attributes.collect();
        stored
    }

    /// A product shown at a position.
    fn part(id: &str, time: i64, (item, position): (&str, &str)) -> StoredEvent {
        let event = event(id, time, (EventKind::Impression, item));
        with(event, &[("position", position), ("token", "t")])
    }

    fn rewarded(lists: &[ShownList<'_>]) -> Vec<(i64, Vec<bool>)> {
        let slots = |list: &ShownList<'_>| list.slots.iter().map(|slot| slot.rewarded).collect();
        lists
            .iter()
            .map(|list| (list.time.0, slots(list)))
            .collect()
    }

    #[test]
    fn parts_of_one_event_are_one_list() {
        let mut known = part("a", 120, ("cup", "1"));
        known
            .event
            .attributes
            .insert("propensity".into(), "0.25".into());
        let events = [
            part("early", 99, ("cup", "1")),
            known,
            part("b", 120, ("cup", "1")),
            part("a#1", 120, ("pot", "4")),
            event("c", 130, (EventKind::Impression, "cup")),
            part("d", 130, ("cup", "0")),
            part("late", 200, ("cup", "1")),
        ];
        let order = order();
        let found = lists(&events, &order);
        let sizes: Vec<usize> = found.iter().map(|list| list.slots.len()).collect();
        assert_eq!(sizes, [2, 1]);
        let slot = |item, position, propensity| ShownSlot {
            item,
            position,
            propensity,
            rewarded: false,
        };
        assert_eq!(
            found[0].slots,
            [slot("cup", 0, Some(0.25)), slot("pot", 3, None)]
        );
        assert_eq!((found[0].length(), found[1].length()), (4, 1));
    }

    #[test]
    fn what_follows_within_the_window_rewards() {
        let click = |time, item| event("click", time, (EventKind::Click, item));
        let list = |time| part("list", time, ("cup", "1"));
        for (time, expected) in [(99, false), (100, true), (150, true), (151, false)] {
            let mut events = vec![list(100), click(time, "cup")];
            events.sort_by_key(|stored| stored.event.time);
            assert_eq!(
                rewarded(&lists(&events, &order())),
                [(100, vec![expected])],
                "{time}"
            );
        }
        let other = [list(100), click(110, "pot")];
        assert_eq!(rewarded(&lists(&other, &order())), [(100, vec![false])]);
        let view = [list(100), event("view", 110, (EventKind::View, "cup"))];
        assert_eq!(rewarded(&lists(&view, &order())), [(100, vec![false])]);
        let twice = [list(100), list(120), click(130, "cup")];
        assert_eq!(
            rewarded(&lists(&twice, &order())),
            [(100, vec![true]), (120, vec![true])]
        );
    }

    #[test]
    fn an_event_with_a_token_rewards_the_list_of_the_token_alone() {
        let click = |token| {
            let click = event("click", 130, (EventKind::Click, "cup"));
            with(click, &[("token", token)])
        };
        let other = part("other", 120, ("cup", "1"));
        let other = with(other, &[("position", "1"), ("token", "u")]);
        let events = |token| [part("list", 110, ("cup", "1")), other.clone(), click(token)];
        for (token, expected) in [
            ("t", (true, false)),
            ("u", (false, true)),
            ("", (true, true)),
        ] {
            let events = events(token);
            let found = rewarded(&lists(&events, &order()));
            assert_eq!(
                found,
                [(110, vec![expected.0]), (120, vec![expected.1])],
                "{token}"
            );
        }
    }
}
