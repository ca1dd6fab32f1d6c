//! The latest sessions that share an item with a visit.

use crate::sessions::SessionIndex;
use crate::sessions::part::Part;

/// An item looked for, and the bits it sets in the matches that hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) item: u32,
    pub(crate) bit: u32,
}

/// A session with the bits of the wanted items it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Match {
    pub(crate) session: u32,
    pub(crate) mask: u32,
}

/// Most items that can be wanted at once.
pub(crate) const MOST_WANTED: usize = 32;

impl SessionIndex {
    /// Puts into `matches` the latest sessions that hold any of `wanted`, at most [`IndexConfig::recent_sessions`] of
    /// them, latest first. Wanted items must be different, no more than [`MOST_WANTED`], and have bits of their own.
    ///
    /// Lists fall by recency, so this is a merge that stops as soon as it has enough.
    ///
    /// [`IndexConfig::recent_sessions`]: crate::sessions::IndexConfig::recent_sessions
    pub(crate) fn latest(&self, wanted: &[Wanted], matches: &mut Vec<Match>) {
        matches.clear();
        let [old, new] = self.parts();
        let room = self.config().recent_sessions;
        let first_new = self.dropped().saturating_sub(old.ends_at());
        merge(new, first_new, (wanted, room), matches);
        matches
            .iter_mut()
            .for_each(|found| found.session += old.ends_at());
        merge(old, self.dropped(), (wanted, room), matches);
    }
}

/// Goes on with the sessions of `part` from `first`, until `matches` has as many as there is room for.
fn merge(part: &Part, first: u32, (wanted, room): (&[Wanted], usize), matches: &mut Vec<Match>) {
    let mut lists: [&[u32]; MOST_WANTED] = [&[]; MOST_WANTED];
    let mut bits = [0; MOST_WANTED];
    let mut open = 0;
    for wanted in wanted {
        let mut list = part.list(wanted.item);
        if first > 0 {
            list = &list[..list.partition_point(|&session| session >= first)];
        }
        if !list.is_empty() {
            (lists[open], bits[open]) = (list, wanted.bit);
            open += 1;
        }
    }
    let room = room.saturating_sub(matches.len());
    // Of a few lists known in number, the compiler keeps the heads in registers.
    match open {
        0 => {}
        1 => alone(lists[0], (bits[0], room), matches),
        2 => together(&lists[..2], (&bits[..2], room), matches),
        3 => together(&lists[..3], (&bits[..3], room), matches),
        4 => together(&lists[..4], (&bits[..4], room), matches),
        5 => together(&lists[..5], (&bits[..5], room), matches),
        _ => together(&lists[..open], (&bits[..open], room), matches),
    }
}

/// One list needs no merge.
fn alone(list: &[u32], (mask, room): (u32, usize), matches: &mut Vec<Match>) {
    let latest = list.iter().take(room);
    matches.extend(latest.map(|&session| Match { session, mask }));
}

/// Takes the latest session of all lists, again and again. Which list it stands in is anybody's guess, so nothing
/// branches on it.
#[inline(always)]
fn together(lists: &[&[u32]], (bits, room): (&[u32], usize), matches: &mut Vec<Match>) {
    let mut places = [0usize; MOST_WANTED];
    // One more than the session at each list's place; zero at the end.
    let mut heads = [0u32; MOST_WANTED];
    for (head, list) in heads.iter_mut().zip(lists) {
        *head = list.first().map_or(0, |session| session + 1);
    }
    for _ in 0..room {
        let mut latest = 0;
        for head in &heads[..lists.len()] {
            latest = latest.max(*head);
        }
        if latest == 0 {
            return;
        }
        let mut mask = 0;
        for at in 0..lists.len() {
            let held = heads[at] == latest;
            mask |= bits[at] * u32::from(held);
            places[at] += usize::from(held);
            heads[at] = lists[at].get(places[at]).map_or(0, |session| session + 1);
        }
        let session = latest - 1;
        matches.push(Match { session, mask });
    }
}
