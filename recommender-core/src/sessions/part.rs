//! A run of sessions that no longer changes.

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, UserIx};
use crate::sessions::draft::Draft;
use crate::time::Timestamp;

/// Sessions in flat arrays, oldest first, and for each item the latest of them that hold it.
///
/// 4 bytes an item of a session, 4 an entry of a list and 16 a session.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    /// Where each session begins in `items`; one more than there are sessions.
    offsets: Buffer<u32>,
    /// The distinct items of each session, in the order in which they last came.
    items: Buffer<u32>,
    /// Milliseconds of each session's end, ascending.
    ends: Buffer<i64>,
    users: Buffer<u32>,
    /// Where each item's list begins in `lists`; one more than there are items.
    list_offsets: Buffer<u32>,
    /// Numbers of sessions within this part, latest first.
    lists: Buffer<u32>,
}

impl Draft {
    /// The part, with lists of at most `longest` sessions for items below `bound`.
    pub(super) fn freeze(mut self, bound: usize, longest: usize) -> Part {
        self.offsets.shrink_to_fit();
        self.items.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.users.shrink_to_fit();
        let (list_offsets, lists) = self.lists(bound, longest);
        Part {
            offsets: self.offsets.into(),
            items: self.items.into(),
            ends: self.ends.into(),
            users: self.users.into(),
            list_offsets: list_offsets.into(),
            lists: lists.into(),
        }
    }

    /// Deals the sessions out to their items, latest first, and passes over items whose lists are full.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "fewer sessions and entries than items in sessions, which a draft counts in u32"
    )]
    fn lists(&self, bound: usize, longest: usize) -> (Vec<u32>, Vec<u32>) {
        let longest = u32::try_from(longest).unwrap_or(u32::MAX);
        let mut counts = vec![0u32; bound];
        for &item in &self.items {
            counts[item as usize] += 1;
        }
        let mut offsets = Vec::with_capacity(bound + 1);
        offsets.push(0);
        let mut entries = 0;
        for count in &counts {
            entries += count.min(&longest);
            offsets.push(entries);
        }
        let mut next = offsets[..bound].to_vec();
        let mut lists = vec![0; entries as usize];
        for session in (0..self.len()).rev() {
            let range = self.offsets[session] as usize..self.offsets[session + 1] as usize;
            for &item in &self.items[range] {
                let place = &mut next[item as usize];
                if *place < offsets[item as usize + 1] {
                    lists[*place as usize] = session as u32;
                    *place += 1;
                }
            }
        }
        (offsets, lists)
    }
}

impl Part {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The distinct items of `session`, in the order in which they last came.
    #[inline]
    pub(super) fn items(&self, session: u32) -> &[u32] {
        let session = session as usize;
        &self.items[self.offsets[session] as usize..self.offsets[session + 1] as usize]
    }

    pub(super) fn end(&self, session: u32) -> Timestamp {
        Timestamp(self.ends[session as usize])
    }

    pub(super) fn user(&self, session: u32) -> UserIx {
        UserIx(self.users[session as usize])
    }

    /// How many sessions ended before `time`: the first so many.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "sessions are numbered by u32"
    )]
    pub(super) fn ended_before(&self, time: Timestamp) -> u32 {
        self.ends.partition_point(|&end| end < time.0) as u32
    }

    /// The latest sessions with `item`, latest first.
    #[inline]
    pub(super) fn list(&self, item: u32) -> &[u32] {
        let item = item as usize;
        if item + 1 >= self.list_offsets.len() {
            return &[];
        }
        &self.lists[self.list_offsets[item] as usize..self.list_offsets[item + 1] as usize]
    }

    /// Puts the sessions numbered from `first` behind those of `draft`, but for those of `gone`, which is sorted.
    ///
    /// # Errors
    /// As [`Draft::push`].
    pub(super) fn copy_into(&self, draft: &mut Draft, first: u32, gone: &[UserIx]) -> Result<()> {
        for session in first as usize..self.len() {
            let (number, user) = (UserIx::at(session).0, UserIx(self.users[session]));
            if gone.binary_search(&user).is_err() {
                let items = self.items(number).iter().copied();
                draft.push(items, self.ends[session], user.0)?;
            }
        }
        Ok(())
    }

    /// Whether a session is of one of `users`, which is sorted.
    pub(super) fn holds_any(&self, users: &[UserIx]) -> bool {
        let hers = |&user: &u32| users.binary_search(&UserIx(user)).is_ok();
        self.users.iter().any(hers)
    }

    pub(super) fn save<'a>(&'a self, name: &str, tensors: &mut TensorSink<'a>) {
        let mut put = |field: &str, numbers: &'a [u32]| {
            tensors.put(&format!("{name}.{field}"), &[numbers.len()], numbers);
        };
        put("offsets", &self.offsets);
        put("items", &self.items);
        put("users", &self.users);
        put("list_offsets", &self.list_offsets);
        put("lists", &self.lists);
        tensors.put(&format!("{name}.ends"), &[self.ends.len()], &self.ends);
    }

    /// Takes up what [`Part::save`] put down; items must lie below `bound`.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or they do not fit each other.
    pub(super) fn load(name: &str, tensors: &Tensors, bound: usize) -> Result<Self> {
        let numbers = |field: &str| -> Result<Buffer<u32>> {
            Ok(tensors.get::<u32>(&format!("{name}.{field}"))?.1)
        };
        let part = Self {
            offsets: numbers("offsets")?,
            items: numbers("items")?,
            users: numbers("users")?,
            list_offsets: numbers("list_offsets")?,
            lists: numbers("lists")?,
            ends: tensors.get::<i64>(&format!("{name}.ends"))?.1,
        };
        let rises = |offsets: &[u32], end: usize| {
            offsets.first() == Some(&0)
                && offsets.last().is_some_and(|&last| last as usize == end)
                && offsets.is_sorted()
        };
        let sessions = part.ends.len();
        let fits = part.offsets.len() == sessions + 1
            && part.users.len() == sessions
            && part.list_offsets.len() <= bound + 1
            && rises(&part.offsets, part.items.len())
            && rises(&part.list_offsets, part.lists.len())
            && part.ends.is_sorted()
            && part.items.iter().all(|&item| (item as usize) < bound)
            && part.lists_fit();
        if !fits {
            let reason = format!("the sessions of \"{name}\" do not fit each other");
            return Err(Error::data("session index", reason));
        }
        Ok(part)
    }

    /// Whether every list falls strictly and names sessions there are.
    fn lists_fit(&self) -> bool {
        let falls = |range: &[u32]| {
            let list = &self.lists[range[0] as usize..range[1] as usize];
            list.is_sorted_by(|later, earlier| later > earlier)
                && list
                    .first()
                    .is_none_or(|&latest| (latest as usize) < self.len())
        };
        self.list_offsets.windows(2).all(falls)
    }
}
