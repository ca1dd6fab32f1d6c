//! Sessions on their way into an index.

use crate::error::{Error, Result};
use crate::sessions::{IndexConfig, Sessions};

/// Sessions that are still being gathered, oldest first.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) offsets: Vec<u32>,
    pub(super) items: Vec<u32>,
    pub(super) ends: Vec<i64>,
    pub(super) users: Vec<u32>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            items: Vec::new(),
            ends: Vec::new(),
            users: Vec::new(),
        }
    }
}

impl Draft {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Puts a session behind the others.
    ///
    /// # Errors
    /// [`Error::Data`] past 2³² items.
    pub(super) fn push(
        &mut self,
        items: impl IntoIterator<Item = u32>,
        end: i64,
        user: u32,
    ) -> Result<()> {
        self.items.extend(items);
        let offset = u32::try_from(self.items.len())
            .map_err(|_| Error::data("session index", "more than 2^32 - 1 items in sessions"))?;
        self.offsets.push(offset);
        self.ends.push(end);
        self.users.push(user);
        Ok(())
    }
}

/// Both runs of sessions as one, by their ends; of one moment, those of `first` come first.
pub(super) fn merged(first: &Draft, second: &Draft) -> Result<Draft> {
    let mut all = Draft::default();
    let (mut a, mut b) = (0, 0);
    while a < first.len() || b < second.len() {
        let from_first =
            b == second.len() || (a < first.len() && order(first, a) <= order(second, b));
        let (draft, at) = if from_first {
            (first, &mut a)
        } else {
            (second, &mut b)
        };
        copy(draft, *at, &mut all)?;
        *at += 1;
    }
    Ok(all)
}

/// What sessions are numbered by.
pub(super) fn order(draft: &Draft, session: usize) -> (i64, u32) {
    (draft.ends[session], draft.users[session])
}

fn copy(from: &Draft, session: usize, to: &mut Draft) -> Result<()> {
    let range = from.offsets[session] as usize..from.offsets[session + 1] as usize;
    let items = from.items[range].iter().copied();
    to.push(items, from.ends[session], from.users[session])
}

/// The sessions below `place` and the others.
pub(super) fn split(all: &Draft, place: usize) -> Result<[Draft; 2]> {
    let mut parts = [Draft::default(), Draft::default()];
    for session in 0..all.len() {
        copy(all, session, &mut parts[usize::from(session >= place)])?;
    }
    Ok(parts)
}

/// Finds the different items of sessions.
pub(super) struct Distinct {
    /// Per item: the number of the last session that held it, from 1.
    seen: Vec<u32>,
    session: u32,
    items: Vec<u32>,
}

impl Distinct {
    pub(super) fn new(items: usize) -> Self {
        Self {
            seen: vec![0; items],
            session: 0,
            items: Vec::new(),
        }
    }

    /// Puts `session` into `draft`, if it is neither too short nor too long.
    pub(super) fn put(
        &mut self,
        sessions: &Sessions,
        session: usize,
        config: &IndexConfig,
        draft: &mut Draft,
    ) -> Result<()> {
        self.session += 1;
        self.items.clear();
        for &item in sessions.items(session).iter().rev() {
            let seen = &mut self.seen[item.0 as usize];
            if *seen != self.session {
                *seen = self.session;
                self.items.push(item.0);
            }
        }
        if !(config.least_items..=config.most_items).contains(&self.items.len()) {
            return Ok(());
        }
        let items = self.items.iter().rev().copied();
        draft.push(items, sessions.end(session).0, sessions.user(session).0)
    }
}
