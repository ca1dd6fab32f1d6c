//! What a serving config would have shown in place of lists that were shown, weighed person by person.

use std::hash::BuildHasher;

use rayon::prelude::*;
use recommender_core::evaluation::{
    Estimator, LoggedSlot, PolicyJudge, PolicyValue, RewardModel, RewardModelBuilder,
};
use recommender_core::events::EventKind;
use recommender_core::{Error, FitOptions, ItemIx};
use recommender_store::Store;
use recommender_store::record::{Span, StoredEvent};
use rustc_hash::FxBuildHasher;

use crate::answering::{PastQuestion, Retrospect};
use crate::operations::Progress;
use crate::status::Refusal;
use crate::training::policy::PolicyOrder;
use crate::training::policy::lists::{ShownList, ShownSlot, lists};

/// Most visitors whose lists are read.
const MOST_VISITORS: usize = 1_000_000;

/// Most events that are read of a person: the latest.
const MOST_EVENTS: usize = 100_000;

/// Longest answer that is asked for.
pub(crate) const MOST_SLOTS: usize = 1000;

/// Visitors whose lists are read at once.
const CHUNK: usize = 64;

/// Events between two looks at whether to stop.
const EVENTS_PER_LOOK: u64 = 1 << 14;

/// A serving config being judged.
///
/// What is held at once: the keys of the visitors with lists, the sums of a [`PolicyJudge`], for
/// [`Estimator::DoublyRobust`] a count for each product and position, and on each thread the events of one person.
pub(super) struct Judging<'a> {
    pub(super) order: &'a PolicyOrder,
    pub(super) retrospect: &'a Retrospect,
    pub(super) store: &'a Store,
    pub(super) progress: &'a Progress,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) value: PolicyValue,
    pub(super) persons: u64,
    pub(super) counts: Counts,
}

/// What is counted besides.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Slots without a propensity.
    pub(super) unknown: u64,
    /// Slots beyond the length of the answers.
    pub(super) left_out: u64,
    /// The chances that anything was shown, over the slots.
    pub(super) filled: f64,
}

/// The lists of a person as a judge takes them.
#[derive(Default)]
struct Weighed {
    lists: Vec<Vec<LoggedSlot>>,
    counts: Counts,
}

/// A product at a position, counted from 0, as a model of rewards knows it.
type Place = (Option<ItemIx>, usize);

/// What is worked out of a person: by one of her visitors, from what she did, and the lists among it.
type OfPerson<'w, T> =
    dyn Fn(&str, &[StoredEvent], &[ShownList<'_>]) -> Result<T, Refusal> + Sync + 'w;

impl Judging<'_> {
    /// Reads all lists that are asked for and weighs them, on the threads at hand.
    ///
    /// # Errors
    /// [`Error::Data`] if there is no list or there are too many visitors; as the store and the engine;
    /// [`Error::Cancelled`].
    pub(super) fn found(&self, options: &FitOptions) -> Result<Found, Refusal> {
        let visitors = self.visitors()?;
        let rewards = match self.order.estimator {
            Estimator::DoublyRobust => Some(self.rewards(&visitors)?),
            Estimator::Ips | Estimator::Snips => None,
        };
        let mut judge = PolicyJudge::new(self.order.estimator, self.order.clip)?;
        let (mut persons, mut counts) = (0, Counts::default());
        self.progress.stage("weighing lists");
        let weigh = |visitor: &str, events: &[StoredEvent], lists: &[ShownList<'_>]| {
            self.weighed(events, lists, (fold(visitor), rewards.as_ref()))
        };
        self.each_person(&visitors, &weigh, |weighed| {
            for list in &weighed.lists {
                judge.add(persons, list)?;
            }
            persons += 1;
            counts.unknown += weighed.counts.unknown;
            counts.left_out += weighed.counts.left_out;
            counts.filled += weighed.counts.filled;
            Ok(())
        })?;
        // Here are the threads already.
        let options = FitOptions {
            threads: None,
            ..options.clone()
        };
        Ok(Found {
            value: judge.value(&options)?,
            persons: persons as u64,
            counts,
        })
    }

    fn check(&self) -> Result<(), Refusal> {
        match self.progress.is_cancelled() {
            true => Err(Error::Cancelled.into()),
            false => Ok(()),
        }
    }

    /// The visitors with lists that are asked for, in byte order.
    fn visitors(&self) -> Result<Vec<String>, Refusal> {
        let span = Span {
            from: Some(self.order.from),
            until: Some(self.order.to),
        };
        let mut visitors: Vec<String> = Vec::new();
        for (read, stored) in (0..).zip(self.store.engine().events(span)?) {
            if read % EVENTS_PER_LOOK == 0 {
                self.progress.succeeded(read);
                self.check()?;
            }
            let event = stored?.event;
            let known = visitors.last() == Some(&event.visitor);
            if known || event.kind != EventKind::Impression || !self.store.may_train(&event) {
                continue;
            }
            if (self.order.told)(&event).position.is_none() {
                continue;
            }
            if visitors.len() == MOST_VISITORS {
                let reason = format!(
                    "more than {MOST_VISITORS} visitors were shown lists: ask for a shorter time"
                );
                return Err(Error::data("off-policy evaluation", reason).into());
            }
            visitors.push(event.visitor);
        }
        Ok(visitors)
    }

    /// Works something out of each person with lists, some persons at a time, and takes it in the order of visitors.
    fn each_person<T: Send>(
        &self,
        visitors: &[String],
        work: &OfPerson<'_, T>,
        mut take: impl FnMut(T) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let mut done = 0;
        for chunk in visitors.chunks(CHUNK) {
            self.check()?;
            let worked = chunk
                .par_iter()
                .map(|visitor| self.of_person(visitor, work));
            let worked: Vec<Result<Option<T>, Refusal>> = worked.collect();
            for it in worked {
                if let Some(it) = it? {
                    take(it)?;
                }
            }
            done += chunk.len();
            let share = done as f64 / visitors.len() as f64;
            self.progress.fraction(Some(share));
        }
        Ok(())
    }

    /// What comes of the person of a visitor; none if she comes with another of her visitors.
    fn of_person<T>(&self, visitor: &str, work: &OfPerson<'_, T>) -> Result<Option<T>, Refusal> {
        let events = self.store.learned_history(visitor, MOST_EVENTS)?;
        let lists = lists(&events, self.order);
        // Each person once: with the first of her visitors that was shown a list.
        let first = lists.iter().map(|list| list.visitor).min();
        if first != Some(visitor) {
            return Ok(None);
        }
        work(visitor, &events, &lists).map(Some)
    }

    /// A model of rewards, of the lists themselves.
    fn rewards(&self, visitors: &[String]) -> Result<RewardModel, Refusal> {
        self.progress.stage("learning rewards");
        let mut builder = RewardModelBuilder::default();
        let observe = |visitor: &str, _: &[StoredEvent], lists: &[ShownList<'_>]| {
            let slots = lists.iter().flat_map(|list| &list.slots);
            let seen = slots.map(|slot| (self.place(slot), reward(slot)));
            Ok((fold(visitor), seen.collect::<Vec<_>>()))
        };
        self.each_person(visitors, &observe, |(fold, seen)| {
            for (place, reward) in seen {
                builder.observe(fold, place, reward);
            }
            Ok(())
        })?;
        Ok(builder.fit())
    }

    fn place(&self, slot: &ShownSlot<'_>) -> Place {
        (self.item(slot.item), slot.position)
    }

    fn item(&self, key: &str) -> Option<ItemIx> {
        self.retrospect.model().engine().items().get(key)
    }

    fn weighed(
        &self,
        events: &[StoredEvent],
        lists: &[ShownList<'_>],
        rewards: (usize, Option<&RewardModel>),
    ) -> Result<Weighed, Refusal> {
        let mut weighed = Weighed::default();
        for list in lists {
            self.check()?;
            let limit = match self.order.limit {
                0 => list.length().min(MOST_SLOTS),
                limit => limit,
            };
            let chances = self.chances(events, list, limit)?;
            let mut slots = Vec::with_capacity(list.slots.len());
            for slot in &list.slots {
                if slot.position >= limit {
                    weighed.counts.left_out += 1;
                    continue;
                }
                let shown = chances
                    .get(slot.position)
                    .map_or(&[][..], |chances| chances);
                weighed.counts.unknown += u64::from(slot.propensity.is_none());
                weighed.counts.filled += shown.iter().map(|(_, chance)| chance).sum::<f64>();
                slots.push(self.logged(slot, shown, rewards));
            }
            weighed.lists.push(slots);
        }
        Ok(weighed)
    }

    /// What the serving config would have shown.
    fn chances(
        &self,
        events: &[StoredEvent],
        list: &ShownList<'_>,
        limit: usize,
    ) -> Result<Vec<Vec<(String, f64)>>, Refusal> {
        let most = self.retrospect.history_limit();
        self.retrospect.chances(PastQuestion {
            history: Store::history_at(events, list.time, most),
            time: list.time,
            channel: list.channel,
            place: list.place,
            session: list.session,
            search: &list.told.search,
            categories: &list.told.categories,
            to_be_had: list.slots.iter().map(|slot| slot.item).collect(),
            limit,
        })
    }

    fn logged(
        &self,
        slot: &ShownSlot<'_>,
        shown: &[(String, f64)],
        (fold, rewards): (usize, Option<&RewardModel>),
    ) -> LoggedSlot {
        let chance = shown.iter().find(|(key, _)| key == slot.item);
        // Chances are sums of numbers that were rounded.
        let chance = chance.map_or(0.0, |(_, chance)| chance.clamp(0.0, 1.0));
        let mut logged = LoggedSlot::new(slot.propensity.unwrap_or(1.0), chance);
        logged.reward = reward(slot);
        if let Some(rewards) = rewards {
            let foretold = |item| rewards.predict(fold, (item, slot.position));
            logged.predicted = foretold(self.item(slot.item));
            let all = shown.iter();
            logged.expected = all
                .map(|(key, chance)| chance * foretold(self.item(key)))
                .sum();
        }
        logged
    }
}

/// To which half of the persons hers belongs: the same whenever it is asked.
fn fold(visitor: &str) -> usize {
    // Single bits of this hash may follow single letters of a key, so all of them count.
    (FxBuildHasher.hash_one(visitor).count_ones() % 2) as usize
}

fn reward(slot: &ShownSlot<'_>) -> f64 {
    f64::from(u8::from(slot.rewarded))
}
