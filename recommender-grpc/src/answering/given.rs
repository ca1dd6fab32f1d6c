//! The answers given lately: what was asked and what was answered, so that an answer can be explained by its token.
//!
//! They are kept in memory alone, within bounds of number, size and age, the oldest forgotten first. What is not to be
//! remembered is never brought here: ephemeral contexts, and persons who did not agree.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use recommender_core::Timestamp;
use recommender_store::Store;
use recommender_store::identity::Identifier;
use recommender_store::store::ErasureWatcher;
use rustc_hash::FxBuildHasher;

use crate::answering::tokens::{Tokens, Unread};
use crate::answering::{Freshness, Listed};
use crate::status::Lost;

/// What is kept of answers, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    /// Most answers.
    answers: usize,
    /// Most bytes of all of them.
    bytes: usize,
    /// How old they may become.
    age: Duration,
}

/// Most answers that are kept.
const MOST: usize = 100_000;

/// How long an answer is kept at most.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);

/// One answer may take so much of the room for all: who asks a question of megabytes must not drive out the others.
const LARGEST_SHARE: usize = 64;

/// What an answer takes besides what it holds: itself, its place in the list and what allocations round up to.
const ITSELF: usize = 360;

/// Answers looked at for a person before others may come in again.
const AT_ONCE: usize = 4096;

/// An answer that was given.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) asked: Asked,
    /// Products that were left out because others of the same batch show them.
    pub(crate) left_out: Vec<String>,
    pub(crate) shown: Shown,
    /// Version of the model that answered.
    pub(crate) model: String,
    /// The latest write that it had seen.
    pub(crate) seen: Option<Freshness>,
    pub(crate) time: Timestamp,
    pub(crate) persons: Persons,
}

/// What was asked, as the wire had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `RecommendRequest`.
    Recommend(Vec<u8>),
    /// `RankRequest`.
    Rank(Vec<u8>),
}

/// The products of an answer, as hashes of their keys: 64 bits each, so that of a thousand products one that was not
/// shown is taken for one of them once in 10^16 times.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Products before the first.
    offset: usize,
    keys: Vec<u64>,
}

/// Whom an answer is of, as hashes of her identifiers.
#[derive(Debug, Default)]
pub(crate) struct Persons(Vec<u64>);

/// The answers given lately. A handle: clones share them.
#[derive(Debug, Clone)]
pub(crate) struct GivenAnswers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bounds: Bounds,
    tokens: Tokens,
    lately: Mutex<Lately>,
}

#[derive(Debug, Default)]
struct Lately {
    /// Number of the first answer that is here.
    first: u64,
    /// By number; none where an answer was not kept, or was forgotten before its time.
    answers: VecDeque<Option<Kept>>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    given: Arc<Given>,
    bytes: usize,
    since: Instant,
}

impl GivenAnswers {
    /// None yet; there will be as many as take no more than `bytes`.
    pub(crate) fn within(bytes: usize) -> Self {
        Self::new(Bounds {
            answers: MOST,
            bytes,
            age: KEPT_FOR,
        })
    }

    fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared {
            bounds,
            tokens: Tokens::default(),
            lately: Mutex::default(),
        }))
    }

    /// How many bytes they take at most.
    pub(crate) fn most_bytes(&self) -> usize {
        self.0.bounds.bytes
    }

    /// Whether a question of so many bytes may be kept.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        bytes + ITSELF <= self.0.bounds.bytes / LARGEST_SHARE
    }

    /// Keeps an answer, and gives its token. One that is none takes a token all the same.
    pub(crate) fn keep(&self, given: Option<Given>) -> String {
        let now = Instant::now();
        let kept = given.map(|given| Kept {
            bytes: given.bytes(),
            given: Arc::new(given),
            since: now,
        });
        let kept = kept.filter(|kept| self.has_room_for(kept.bytes - ITSELF));
        let mut lately = self.lately();
        let number = lately.first + lately.answers.len() as u64;
        lately.bytes += kept.as_ref().map_or(0, |kept| kept.bytes);
        lately.answers.push_back(kept);
        let dropped = lately.forget_surplus(&self.0.bounds, now);
        drop(lately);
        // Only now, so that nobody waits for memory to be given back.
        drop(dropped);
        self.0.tokens.write(number)
    }

    /// The answer of a token.
    ///
    /// # Errors
    /// [`Lost`], which says why it is not here.
    pub(crate) fn find(&self, token: &str) -> Result<Arc<Given>, Lost> {
        let number = self.0.tokens.read(token).map_err(|unread| match unread {
            Unread::Malformed => Lost::Malformed,
            Unread::Foreign => Lost::Foreign,
        })?;
        let mut lately = self.lately();
        let dropped = lately.forget_surplus(&self.0.bounds, Instant::now());
        let place = number.checked_sub(lately.first);
        let place = place.and_then(|place| usize::try_from(place).ok());
        let kept = place.and_then(|place| lately.answers.get(place));
        let found = kept.and_then(|kept| kept.as_ref().map(|kept| Arc::clone(&kept.given)));
        drop(lately);
        drop(dropped);
        found.ok_or(Lost::Forgotten)
    }

    /// Forgets persons whom `store` hears to be erased, here or by another server, with all their answers.
    pub(crate) fn forget_with(&self, store: &Store) {
        let watcher: Weak<Shared> = Arc::downgrade(&self.0);
        store.watch_erasures(watcher);
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.0.lately()
    }
}

impl ErasureWatcher for Shared {
    fn erased(&self, hers: Option<&[Identifier]>) {
        match hers.map(Persons::new) {
            Some(person) => self.forget_where(&|given| given.persons.meet(&person)),
            None => self.forget_where(&|_| true),
        }
    }
}

impl Shared {
    fn forget_where(&self, hers: &dyn Fn(&Given) -> bool) {
        let mut number = 0;
        loop {
            let mut lately = self.lately();
            number = lately.first.max(number);
            let end = lately.first + lately.answers.len() as u64;
            if number >= end {
                return;
            }
            let until = end.min(number + AT_ONCE as u64);
            let dropped = lately.take(number..until, hers);
            drop(lately);
            drop(dropped);
            number = until;
        }
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lately {
    /// Takes out the oldest, until what is left is within `bounds`.
    fn forget_surplus(&mut self, bounds: &Bounds, now: Instant) -> Vec<Kept> {
        let mut dropped = Vec::new();
        while let Some(oldest) = self.answers.front() {
            let too_old = |kept: &Kept| now.saturating_duration_since(kept.since) > bounds.age;
            let too_many = self.answers.len() > bounds.answers || self.bytes > bounds.bytes;
            if !too_many && !oldest.as_ref().is_none_or(too_old) {
                break;
            }
            let oldest = self.answers.pop_front().flatten();
            self.first += 1;
            self.bytes -= oldest.as_ref().map_or(0, |kept| kept.bytes);
            dropped.extend(oldest);
        }
        dropped
    }

    /// Takes out those of some numbers that are `wanted`.
    fn take(
        &mut self,
        numbers: std::ops::Range<u64>,
        wanted: &dyn Fn(&Given) -> bool,
    ) -> Vec<Kept> {
        let mut taken = Vec::new();
        for number in numbers {
            let place = usize::try_from(number - self.first).ok();
            let Some(slot) = place.and_then(|place| self.answers.get_mut(place)) else {
                break;
            };
            if slot.as_ref().is_some_and(|kept| wanted(&kept.given)) {
                taken.extend(slot.take());
            }
        }
        self.bytes -= taken.iter().map(|kept| kept.bytes).sum::<usize>();
        taken
    }
}

impl Given {
    fn bytes(&self) -> usize {
        let (Asked::Recommend(asked) | Asked::Rank(asked)) = &self.asked;
        let left_out = self.left_out.iter();
        let left_out: usize = left_out.map(|key| key.len() + size_of::<String>()).sum();
        let hashes = self.shown.keys.len() + self.persons.0.len();
        ITSELF + asked.len() + left_out + self.model.len() + hashes * size_of::<u64>()
    }
}

impl Shown {
    /// The products of a page that begins `offset` products into the list.
    pub(crate) fn new(offset: usize, results: &[Listed]) -> Self {
        let keys = results.iter().map(|listed| hash(&listed.key));
        Self {
            offset,
            keys: keys.collect(),
        }
    }

    /// At which place of the list a product was shown, from 1.
    pub(crate) fn place_of(&self, key: &str) -> Option<usize> {
        let hash = hash(key);
        let place = self.keys.iter().position(|&other| other == hash)?;
        Some(self.offset + place + 1)
    }
}

impl Persons {
    /// Whoever has one of these.
    pub(crate) fn new(identifiers: &[Identifier]) -> Self {
        let hashes = identifiers.iter().map(|it| FxBuildHasher.hash_one(it));
        Self(hashes.collect())
    }

    fn meet(&self, other: &Self) -> bool {
        self.0.iter().any(|hash| other.0.contains(hash))
    }
}

fn hash(key: &str) -> u64 {
    FxBuildHasher.hash_one(key)
}

#[cfg(test)]
mod tests;
