//! From events to sessions.

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::events::{EventRow, Stance, refused};
use crate::ids::{ItemIx, UserIx};
use crate::interactions::{HistoryEvent, InteractionConfig};
use crate::time::Timestamp;

/// Milliseconds in a minute.
const MINUTE_MS: i64 = 60_000;

/// Where a session ends.
///
/// | field | default | range |
/// |---|---|---|
/// | `gap_minutes` | 30 | ≥ 1 |
///
/// ```
/// use recommender_core::sessions::SessionConfig;
/// assert!(SessionConfig { gap_minutes: 0 }.validate().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionConfig {
    /// After so many minutes without an event a new session begins; for events without a session key.
    pub gap_minutes: u32,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self { gap_minutes: 30 }
    }
}

impl SessionConfig {
    /// Checks the range.
    ///
    /// # Errors
    /// [`Error::Config`] for a gap of no minutes.
    pub fn validate(&self) -> Result<()> {
        self.validate_in("sessions")
    }

    /// As [`SessionConfig::validate`], for settings that stand in `section`.
    pub(crate) fn validate_in(&self, section: &str) -> Result<()> {
        if self.gap_minutes == 0 {
            let field = format!("{section}.gap_minutes");
            return Err(Error::config(field, "at least 1", 0));
        }
        Ok(())
    }
}

/// Sessions in one flat array, numbered by recency: a higher number ended later. Of sessions that ended at the same
/// moment those of the higher user are higher, and of one user's the one that was seen later.
///
/// A session's items stand in the order of time, events of one moment in that of their rows; an item comes as often as
/// it happened. Made from the rows of a [`Dataset`] in use: rows with a session key form the user's sessions of that
/// key, others are cut where [`SessionConfig::gap_minutes`] pass without an event. Only events that weigh something by
/// the dataset's [`InteractionConfig`] count, and none with items that the user [refuses](refused); age takes nothing
/// from them.
///
/// ```
/// use recommender_core::events::{Event, EventKind, EventTable};
/// use recommender_core::sessions::{SessionConfig, Sessions};
/// use recommender_core::{Dataset, InteractionConfig, ItemIx, Timestamp};
/// let mut table = EventTable::new();
/// for (item, minute) in [("cup", 0), ("pot", 5), ("cup", 90)] {
///     table.push(&Event { visitor: "ann".into(), item: Some(item.into()), quantity: 1.0, kind: EventKind::View,
///                         time: Some(Timestamp::from_seconds(minute * 60)), ..Event::default() })?;
/// }
/// let dataset = Dataset::new(table, vec![], InteractionConfig::default())?;
/// let sessions = Sessions::of(&dataset, &SessionConfig::default())?;
/// assert_eq!(sessions.items(0), [ItemIx(0), ItemIx(1)]);
/// assert_eq!(sessions.items(1), [ItemIx(0)]);
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sessions {
    /// Where each session begins in `items`; one more than there are sessions.
    offsets: Vec<u32>,
    items: Vec<ItemIx>,
    ends: Vec<Timestamp>,
    users: Vec<UserIx>,
}

impl Sessions {
    /// The sessions of `dataset`.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is out of range or a custom kind has no weight.
    pub fn of(dataset: &Dataset, config: &SessionConfig) -> Result<Self> {
        config.validate()?;
        let mut cutter = Cutter::new(dataset, *config);
        for row in dataset.events() {
            cutter.take(row)?;
        }
        cutter.close();
        Ok(cutter.sessions.by_recency())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The items of `session`, oldest first, as often as they happened.
    ///
    /// # Panics
    /// If there is no such session.
    #[must_use]
    pub fn items(&self, session: usize) -> &[ItemIx] {
        &self.items[self.offsets[session] as usize..self.offsets[session + 1] as usize]
    }

    /// When the last event of `session` happened.
    ///
    /// # Panics
    /// If there is no such session.
    #[must_use]
    pub fn end(&self, session: usize) -> Timestamp {
        self.ends[session]
    }

    /// Whose `session` is.
    ///
    /// # Panics
    /// If there is no such session.
    #[must_use]
    pub fn user(&self, session: usize) -> UserIx {
        self.users[session]
    }

    /// The same sessions in their order; those of one moment keep theirs, which is by user.
    fn by_recency(self) -> Self {
        if self.ends.is_sorted() {
            return self;
        }
        let mut order: Vec<u32> = (0..).take(self.len()).collect();
        order.sort_by_key(|&session| self.ends[session as usize]);
        let mut sorted = Self {
            offsets: Vec::with_capacity(self.offsets.len()),
            items: Vec::with_capacity(self.items.len()),
            ends: Vec::with_capacity(self.len()),
            users: Vec::with_capacity(self.len()),
        };
        sorted.offsets.push(0);
        for session in order {
            let session = session as usize;
            sorted.items.extend_from_slice(self.items(session));
            sorted.seal(self.ends[session], self.users[session]);
        }
        sorted
    }

    /// Ends the session whose items were last put.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a table refuses to grow past u32 rows"
    )]
    fn seal(&mut self, end: Timestamp, user: UserIx) {
        self.offsets.push(self.items.len() as u32);
        self.ends.push(end);
        self.users.push(user);
    }
}

/// An event of the user at hand, with the number of its session among hers.
struct Open {
    session: u64,
    time: Timestamp,
    item: ItemIx,
}

/// Takes events by user and time and cuts them.
struct Cutter<'a> {
    weights: &'a InteractionConfig,
    gap_ms: i64,
    user: UserIx,
    open: Vec<Open>,
    /// What she said for or against items.
    said: Vec<(ItemIx, Timestamp, Stance)>,
    /// The last event without a session key: its session and its time.
    keyless: Option<(u64, Timestamp)>,
    sessions: Sessions,
}

/// Numbers of sessions cut by time begin here, above all keys.
const FIRST_KEYLESS: u64 = 1 << 32;

impl<'a> Cutter<'a> {
    fn new(dataset: &'a Dataset, config: SessionConfig) -> Self {
        let rows = dataset.events().len();
        let sessions = Sessions {
            offsets: vec![0],
            items: Vec::with_capacity(rows),
            ends: Vec::new(),
            users: Vec::new(),
        };
        Self {
            weights: dataset.config(),
            gap_ms: i64::from(config.gap_minutes) * MINUTE_MS,
            user: UserIx(0),
            open: Vec::new(),
            said: Vec::new(),
            keyless: None,
            sessions,
        }
    }

    fn take(&mut self, row: EventRow) -> Result<()> {
        if row.user != self.user {
            self.close();
            self.user = row.user;
        }
        let (key, time, item) = (row.session, row.time, row.item);
        let event = HistoryEvent::from(row);
        self.said.extend(event.said());
        // As of its own moment, so that age takes nothing.
        if self.weights.weight(&event, event.quantity, time)? > 0.0 {
            let session = key.map_or_else(|| self.by_time(time), u64::from);
            self.open.push(Open {
                session,
                time,
                item,
            });
        }
        Ok(())
    }

    /// The session of an event without a key.
    fn by_time(&mut self, time: Timestamp) -> u64 {
        let session = match self.keyless {
            None => FIRST_KEYLESS,
            Some((session, last)) if time.0.saturating_sub(last.0) > self.gap_ms => session + 1,
            Some((session, _)) => session,
        };
        self.keyless = Some((session, time));
        session
    }

    /// Puts the sessions of the user at hand.
    fn close(&mut self) {
        let refused = refused(std::mem::take(&mut self.said));
        if !refused.is_empty() {
            let counts = |open: &Open| refused.binary_search(&open.item).is_err();
            self.open.retain(counts);
        }
        if !self.open.is_sorted_by_key(|open| open.session) {
            self.open.sort_by_key(|open| open.session);
        }
        for session in self.open.chunk_by(|a, b| a.session == b.session) {
            self.sessions
                .items
                .extend(session.iter().map(|open| open.item));
            let end = session.iter().map(|open| open.time).max();
            self.sessions.seal(end.unwrap_or_default(), self.user);
        }
        self.open.clear();
        self.keyless = None;
    }
}
