//! What each known shopper did: the only part of an artefact that speaks of persons.

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::events::{Channel, EventKind};
use crate::ids::{DenseIndex, ItemIx, UserIx};
use crate::interactions::HistoryEvent;
use crate::time::Timestamp;

/// Events by user, oldest first, in columns. Models hold items only, so forgetting a person is dropping her rows here.
#[derive(Debug, Clone, PartialEq)]
pub struct Histories {
    /// Kinds by code; the first are [`EventKind::NAMED`].
    kinds: Vec<EventKind>,
    offsets: Buffer<u64>,
    item: Buffer<u32>,
    /// Kind code in the low half, channel code + 1 in the high half (0: no channel).
    what: Buffer<u32>,
    quantity: Buffer<f32>,
    /// NaN where nothing was rated.
    rating: Buffer<f32>,
    /// Milliseconds since 1970, two's complement.
    time: Buffer<u64>,
}

/// Bits of a kind code within `what`.
const KIND_BITS: u32 = 16;

impl Histories {
    /// The histories of all of a dataset's users.
    ///
    /// # Errors
    /// [`Error::Data`] past 65,536 kinds of events.
    pub fn of(dataset: &Dataset) -> Result<Self> {
        let mut kinds = EventKind::NAMED.to_vec();
        let mut offsets = vec![0u64];
        let (mut item, mut what) = (Vec::new(), Vec::new());
        let (mut quantity, mut rating, mut time) = (Vec::new(), Vec::new(), Vec::new());
        for (user, _) in dataset.users().iter() {
            for event in dataset.history_of(user) {
                item.push(event.item.0);
                what.push(
                    u32::from(event.kind.code(&mut kinds)?)
                        | channel_code(event.channel) << KIND_BITS,
                );
                quantity.push(event.quantity);
                rating.push(event.rating.unwrap_or(f32::NAN));
                time.push(event.time.0.cast_unsigned());
            }
            offsets.push(item.len() as u64);
        }
        Ok(Self {
            kinds,
            offsets: offsets.into(),
            item: item.into(),
            what: what.into(),
            quantity: quantity.into(),
            rating: rating.into(),
            time: time.into(),
        })
    }

    /// How many users there are.
    #[must_use]
    pub fn users(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Kinds by code, to be kept beside the tensors.
    #[must_use]
    pub fn kinds(&self) -> &[EventKind] {
        &self.kinds
    }

    /// What `user` did, oldest first; nothing for a user these histories do not reach.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "offsets index arrays in memory"
    )]
    pub fn get(&self, user: UserIx) -> Vec<HistoryEvent> {
        let position = user.position();
        if position >= self.users() {
            return Vec::new();
        }
        let range = self.offsets[position] as usize..self.offsets[position + 1] as usize;
        range.map(|row| self.event(row)).collect()
    }

    /// The histories of some of the users, numbered anew in their order.
    #[must_use]
    pub(crate) fn retained(&self, stays: impl Fn(UserIx) -> bool) -> Self {
        let users = (0..self.users()).filter(|&user| stays(UserIx::at(user)));
        let ranges: Vec<(u64, u64)> = users
            .map(|user| (self.offsets[user], self.offsets[user + 1]))
            .collect();
        let mut offsets = vec![0u64];
        for (from, to) in &ranges {
            offsets.push(offsets[offsets.len() - 1] + (to - from));
        }
        Self {
            kinds: self.kinds.clone(),
            offsets: offsets.into(),
            item: picked(&self.item, &ranges).into(),
            what: picked(&self.what, &ranges).into(),
            quantity: picked(&self.quantity, &ranges).into(),
            rating: picked(&self.rating, &ranges).into(),
            time: picked(&self.time, &ranges).into(),
        }
    }

    /// Whether all happened at the beginning of time, as in data without times.
    #[must_use]
    pub(crate) fn are_untimed(&self) -> bool {
        self.time.iter().all(|&time| time == 0)
    }

    fn event(&self, row: usize) -> HistoryEvent {
        let (kind, channel) = (self.what[row] & 0xffff, self.what[row] >> KIND_BITS);
        let channel = (channel as usize).checked_sub(1);
        HistoryEvent {
            item: ItemIx(self.item[row]),
            kind: self.kinds[kind as usize].clone(),
            channel: channel.map(|code| Channel::ALL[code]),
            quantity: self.quantity[row],
            rating: Some(self.rating[row]).filter(|rating| !rating.is_nan()),
            time: Timestamp(self.time[row].cast_signed()),
        }
    }

    /// Puts the columns into `tensors`.
    pub fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put("offsets", &[self.offsets.len()], &self.offsets);
        tensors.put("item", &[self.item.len()], &self.item);
        tensors.put("what", &[self.what.len()], &self.what);
        tensors.put("quantity", &[self.quantity.len()], &self.quantity);
        tensors.put("rating", &[self.rating.len()], &self.rating);
        tensors.put("time", &[self.time.len()], &self.time);
    }

    /// Takes the columns up again, checked against the number of `items` and the `kinds` kept beside them.
    ///
    /// # Errors
    /// [`Error::Data`] if a column is missing, of another length, or names an item, kind or channel that is not there.
    pub fn load(tensors: &Tensors, kinds: Vec<EventKind>, items: usize) -> Result<Self> {
        let (_, offsets) = tensors.get::<u64>("offsets")?;
        let (_, item) = tensors.get::<u32>("item")?;
        let rows = item.len();
        let histories = Self {
            what: tensors.vector("what", rows)?,
            quantity: tensors.vector("quantity", rows)?,
            rating: tensors.vector("rating", rows)?,
            time: tensors.vector("time", rows)?,
            kinds,
            offsets,
            item,
        };
        histories.check(items)?;
        Ok(histories)
    }

    fn check(&self, items: usize) -> Result<()> {
        let wrong = |reason: &str| Err(Error::data("histories", reason));
        if self.offsets.first() != Some(&0)
            || self.offsets.last() != Some(&(self.item.len() as u64))
        {
            return wrong("the offsets do not span the events");
        }
        if self.offsets.windows(2).any(|pair| pair[0] > pair[1]) {
            return wrong("the offsets decrease");
        }
        if self.item.iter().any(|&item| item as usize >= items) {
            return wrong("an event names an item that is not in the vocabulary");
        }
        let known = |&what: &u32| {
            ((what & 0xffff) as usize) < self.kinds.len()
                && (what >> KIND_BITS) as usize <= Channel::ALL.len()
        };
        if !self.what.iter().all(known) {
            return wrong("an event names a kind or channel that is not there");
        }
        Ok(())
    }
}

/// The values of some ranges, one behind the other.
#[expect(
    clippy::cast_possible_truncation,
    reason = "offsets index arrays in memory"
)]
fn picked<T: Copy>(values: &[T], ranges: &[(u64, u64)]) -> Vec<T> {
    let parts = ranges
        .iter()
        .map(|&(from, to)| &values[from as usize..to as usize]);
    parts.flatten().copied().collect()
}

fn channel_code(channel: Option<Channel>) -> u32 {
    channel.map_or(0, |channel| channel as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Event, EventTable};
    use crate::interactions::InteractionConfig;

    #[test]
    fn histories_come_back_as_the_dataset_has_them() {
        let mut table = EventTable::new();
        for (number, kind) in [EventKind::View, EventKind::Custom("dwell".into())]
            .into_iter()
            .enumerate()
        {
            let event = Event {
                visitor: "ann".into(),
                item: Some(format!("item {number}")),
                kind,
                channel: (number == 0).then_some(Channel::Social),
                rating: (number == 1).then_some(4.0),
                quantity: 2.0,
                time: Some(Timestamp(-5)),
                ..Event::default()
            };
            table.push(&event).unwrap();
        }
        let config = InteractionConfig {
            kinds: [(EventKind::Custom("dwell".into()), 1.0)].into(),
            ..InteractionConfig::default()
        };
        let dataset = Dataset::new(table, vec![], config).unwrap();
        let histories = Histories::of(&dataset).unwrap();
        assert_eq!(histories.get(UserIx(0)), dataset.history_of(UserIx(0)));
        assert!(histories.get(UserIx(9)).is_empty());

        let mut sink = TensorSink::default();
        histories.save(&mut sink);
        let mut bytes = Vec::new();
        sink.write(&mut bytes).unwrap();
        let tensors = Tensors::open("histories", bytes.into()).unwrap();
        let kinds = histories.kinds().to_vec();
        let loaded = Histories::load(&tensors, kinds.clone(), 2).unwrap();
        assert_eq!(loaded.get(UserIx(0)), histories.get(UserIx(0)));
        assert!(Histories::load(&tensors, kinds, 1).is_err());
        assert!(Histories::load(&tensors, vec![EventKind::View], 2).is_err());
    }
}
