//! The index that session models answer from, one generation after the other.

use std::sync::Arc;

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::UserIx;
use crate::sessions::Sessions;
use crate::sessions::draft::{Distinct, Draft, merged, order, split};
use crate::sessions::part::Part;
use crate::time::Timestamp;

/// Which sessions a [`SessionIndex`] takes, and how many it knows of each item.
///
/// | field | default | range |
/// |---|---|---|
/// | `recent_sessions` | 1000 | ≥ 1 |
/// | `least_items` | 1 | 1 to `most_items` |
/// | `most_items` | 100 | ≥ `least_items` |
///
/// ```
/// use recommender_core::sessions::IndexConfig;
/// assert!(IndexConfig { recent_sessions: 0, ..IndexConfig::default() }.validate().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexConfig {
    /// How many sessions an item leads to: the latest.
    pub recent_sessions: usize,
    /// Sessions of fewer different items are left out.
    pub least_items: usize,
    /// Sessions of more different items are left out: they are no person's.
    pub most_items: usize,
}

impl Default for IndexConfig {
    fn default() -> Self {
        Self {
            recent_sessions: 1000,
            least_items: 1,
            most_items: 100,
        }
    }
}

impl IndexConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        self.validate_in("sessions")
    }

    /// As [`IndexConfig::validate`], for settings that stand in `section`.
    pub(crate) fn validate_in(&self, section: &str) -> Result<()> {
        let field = |name: &str| format!("{section}.{name}");
        if self.recent_sessions == 0 {
            return Err(Error::config(field("recent_sessions"), "at least 1", 0));
        }
        if self.least_items == 0 {
            return Err(Error::config(field("least_items"), "at least 1", 0));
        }
        if self.most_items < self.least_items {
            let expected = format!("at least {}, as least_items", self.least_items);
            return Err(Error::config(
                field("most_items"),
                expected,
                self.most_items,
            ));
        }
        Ok(())
    }
}

/// A part is merged into the larger one once it is more than one over this of it.
const MERGE_SHARE: usize = 8;

/// After a merge one over this of the sessions, the latest, stay apart: what comes a little late finds its place there.
const APART_SHARE: usize = 16;

/// Sessions by recency, and for each item the latest that hold it: one generation, which never changes.
///
/// A new generation comes of an old one by [`SessionIndex::with`] and [`SessionIndex::without`], and shares with it what
/// did not change: the sessions stand in a large part and a small one of the latest, and mostly only the small one is
/// made anew. Whoever serves holds a generation in an `Arc` and puts another in its place; readers never wait.
///
/// **It keeps the sessions of persons**, by their numbers: whoever erases a person must put
/// [`SessionIndex::without`] her in its place.
///
/// It takes 4 bytes a different item of a session, 4 an entry of a list, and 16 a session.
#[derive(Debug, Clone)]
pub struct SessionIndex {
    config: IndexConfig,
    /// The older sessions, and those that came since.
    parts: [Arc<Part>; 2],
    /// One number: sessions below it, counted through both parts, are dropped.
    dropped: Buffer<u32>,
    /// Per item: the sessions that hold it.
    counts: Buffer<u32>,
}

impl SessionIndex {
    /// The index of `sessions` over `items` items.
    ///
    /// Time is proportional to the number of events.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is out of range.
    ///
    /// # Panics
    /// If a session holds an item of `items` or above.
    pub fn new(sessions: &Sessions, items: usize, config: IndexConfig) -> Result<Self> {
        config.validate()?;
        let mut draft = Draft::default();
        let mut distinct = Distinct::new(items);
        for session in 0..sessions.len() {
            distinct.put(sessions, session, &config, &mut draft)?;
        }
        Ok(Self::of_parts(config, [draft, Draft::default()], items))
    }

    fn of_parts(config: IndexConfig, drafts: [Draft; 2], items: usize) -> Self {
        let mut counts = vec![0u32; items];
        for draft in &drafts {
            for &item in &draft.items {
                counts[item as usize] += 1;
            }
        }
        let longest = config.recent_sessions;
        Self {
            config,
            parts: drafts.map(|draft| Arc::new(draft.freeze(items, longest))),
            dropped: vec![0].into(),
            counts: counts.into(),
        }
    }

    /// How many sessions it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum::<usize>() - self.dropped() as usize
    }

    /// Whether it knows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which sessions it takes.
    #[must_use]
    pub fn config(&self) -> &IndexConfig {
        &self.config
    }

    /// Checks that it was made as the settings of `section` say.
    ///
    /// # Errors
    /// [`Error::Config`] if not.
    pub(crate) fn check_config(&self, section: &str, config: &IndexConfig) -> Result<()> {
        if self.config == *config {
            return Ok(());
        }
        let expected = format!("{:?}, as the index", self.config);
        Err(Error::config(section, expected, format!("{config:?}")))
    }

    /// Per item: the sessions that hold it.
    #[must_use]
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// The older and the later part.
    pub(super) fn parts(&self) -> [&Part; 2] {
        [&self.parts[0], &self.parts[1]]
    }

    /// Sessions below this, counted through both parts, are dropped.
    pub(crate) fn dropped(&self) -> u32 {
        self.dropped[0]
    }

    /// The part of `session` and its number there.
    #[inline]
    pub(super) fn find(&self, session: u32) -> (&Part, u32) {
        let [old, new] = self.parts();
        match session.checked_sub(old.ends_at()) {
            None => (old, session),
            Some(later) => (new, later),
        }
    }

    /// The end of `session`.
    #[inline]
    pub(crate) fn end(&self, session: u32) -> Timestamp {
        let (part, session) = self.find(session);
        part.end(session)
    }

    /// The different items of `session`, in the order in which they last came.
    #[inline]
    pub(crate) fn items(&self, session: u32) -> &[u32] {
        let (part, session) = self.find(session);
        part.items(session)
    }

    /// The end that all but one in a thousand sessions do not go past: the end of the data, whatever clock was years
    /// ahead. None without sessions.
    pub(crate) fn usual_end(&self) -> Option<Timestamp> {
        let last = self.len().checked_sub(1)?;
        let place = self.dropped() as usize + last - last / 1000;
        let place = u32::try_from(place).ok()?;
        Some(self.end(place))
    }

    /// The next generation: this one and `sessions`, which are finished and not yet in it, without what ended before
    /// `keep_from`; `items` is the number of items there are now. Its answers equal those of an index made anew of the
    /// same sessions, if `sessions` come after those known in the numbering of [`Sessions`] wherever they ended at the
    /// same moment.
    ///
    /// Time is proportional to the later part and the number of items, and every now and then, when the parts are
    /// merged or a session comes very late, to the whole.
    ///
    /// # Errors
    /// [`Error::Data`] past 2³² items in sessions.
    ///
    /// # Panics
    /// If a session holds an item of `items` or above.
    pub fn with(
        &self,
        sessions: &Sessions,
        items: usize,
        keep_from: Option<Timestamp>,
    ) -> Result<Self> {
        let items = items.max(self.counts.len());
        let keep_from = keep_from.unwrap_or(Timestamp(i64::MIN));
        let mut fresh = Draft::default();
        let mut distinct = Distinct::new(items);
        for session in 0..sessions.len() {
            if sessions.end(session) >= keep_from {
                distinct.put(sessions, session, &self.config, &mut fresh)?;
            }
        }
        let [old, new] = self.parts();
        let dropped_old = self
            .dropped()
            .max(old.ended_before(keep_from))
            .min(old.ends_at());
        let dropped_new = self.dropped().saturating_sub(old.ends_at());
        let dropped_new = dropped_new.max(new.ended_before(keep_from));
        let mut later = Draft::default();
        new.copy_into(&mut later, dropped_new, &[])?;
        let later = merged(&later, &fresh)?;
        let in_place = later.len() == 0 || old.last_order() <= Some(order(&later, 0));
        let small = later.len() * MERGE_SHARE <= old.len();
        let few_dropped = dropped_old as usize * MERGE_SHARE <= old.len();
        if in_place && small && few_dropped {
            return Ok(self.renewed(later, dropped_old, items));
        }
        let mut all = Draft::default();
        old.copy_into(&mut all, dropped_old, &[])?;
        let all = merged(&all, &later)?;
        let apart = all.len() - all.len() / APART_SHARE;
        Ok(Self::of_parts(self.config, split(&all, apart)?, items))
    }

    /// The same older part, from `dropped` on, with `later` behind it.
    fn renewed(&self, later: Draft, dropped: u32, items: usize) -> Self {
        let mut counts = self.counts.to_vec();
        counts.resize(items, 0);
        let [old, new] = self.parts();
        let known_new = self.dropped().saturating_sub(old.ends_at());
        for session in known_new..new.ends_at() {
            new.items(session)
                .iter()
                .for_each(|&item| counts[item as usize] -= 1);
        }
        for session in self.dropped().min(old.ends_at())..dropped {
            old.items(session)
                .iter()
                .for_each(|&item| counts[item as usize] -= 1);
        }
        for &item in &later.items {
            counts[item as usize] += 1;
        }
        let longest = self.config.recent_sessions;
        Self {
            config: self.config,
            parts: [
                Arc::clone(&self.parts[0]),
                Arc::new(later.freeze(items, longest)),
            ],
            dropped: vec![dropped].into(),
            counts: counts.into(),
        }
    }

    /// The next generation: this one without anything `users` did. Its answers equal those of an index made anew of the
    /// sessions of all others.
    ///
    /// # Errors
    /// [`Error::Internal`] only.
    pub fn without(&self, users: &[UserIx]) -> Result<Self> {
        let mut gone = users.to_vec();
        gone.sort_unstable();
        if !self.parts.iter().any(|part| part.holds_any(&gone)) {
            return Ok(self.clone());
        }
        let [old, new] = self.parts();
        let mut drafts = [Draft::default(), Draft::default()];
        old.copy_into(&mut drafts[0], self.dropped().min(old.ends_at()), &gone)?;
        let first_new = self.dropped().saturating_sub(old.ends_at());
        new.copy_into(&mut drafts[1], first_new, &gone)?;
        Ok(Self::of_parts(self.config, drafts, self.counts.len()))
    }

    /// Puts the index into `tensors`.
    pub(crate) fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put("counts", &[self.counts.len()], &self.counts);
        tensors.put("dropped", &[1], &self.dropped);
        let [old, new] = self.parts();
        old.save("sessions", tensors);
        new.save("late_sessions", tensors);
    }

    /// Takes up what [`SessionIndex::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or they do not fit each other.
    pub(crate) fn load(tensors: &Tensors, config: IndexConfig) -> Result<Self> {
        config.validate()?;
        let dropped: Buffer<u32> = tensors.vector("dropped", 1)?;
        let (_, counts) = tensors.get::<u32>("counts")?;
        let old = Part::load("sessions", tensors, counts.len())?;
        let new = Part::load("late_sessions", tensors, counts.len())?;
        let in_order = old.len() == 0 || new.len() == 0 || old.end(old.ends_at() - 1) <= new.end(0);
        if !in_order || dropped[0] as usize > old.len() + new.len() {
            let reason = "the later sessions do not come after the others";
            return Err(Error::data("session index", reason));
        }
        Ok(Self {
            config,
            parts: [old, new].map(Arc::new),
            dropped,
            counts,
        })
    }
}

impl Part {
    /// How many sessions there are: the number after the last.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "sessions are numbered by u32"
    )]
    pub(super) fn ends_at(&self) -> u32 {
        self.len() as u32
    }

    /// What the last session is numbered by.
    fn last_order(&self) -> Option<(i64, u32)> {
        let last = self.ends_at().checked_sub(1)?;
        Some((self.end(last).0, self.user(last).0))
    }
}
