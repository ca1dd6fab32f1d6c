//! Items that are for sale from some time on, or until some time.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use recommender_core::{ItemIx, Timestamp};
use rustc_hash::FxHashMap;

use crate::catalog::eligibility::bits::{AtomicBits, is_set, put};
use crate::record::Span;

/// Which items are within their windows, as time goes on.
///
/// The bits are those of the latest question: a question moves them on over the changes since the one before, and one
/// that is asked of an earlier time puts right in its own answer what has changed since then.
#[derive(Debug)]
pub(super) struct Windows {
    open: AtomicBits,
    /// Time of the latest change that the bits show.
    shown: AtomicI64,
    /// Time of the first change that they do not.
    next: AtomicI64,
    changes: Mutex<Changes>,
}

#[derive(Debug, Default)]
struct Changes {
    /// When an item opens or closes.
    order: BTreeSet<(i64, ItemIx)>,
    spans: FxHashMap<ItemIx, Span>,
}

impl Changes {
    fn is_open(&self, item: ItemIx, now: i64) -> bool {
        let span = self.spans.get(&item).copied().unwrap_or_default();
        span.contains(Timestamp(now))
    }

    fn between(&self, after: i64, upto: i64) -> impl Iterator<Item = (i64, ItemIx)> + '_ {
        let from = Bound::Excluded((after, ItemIx(u32::MAX)));
        let to = Bound::Included((upto, ItemIx(u32::MAX)));
        let range = (upto > after).then(|| self.order.range((from, to)));
        range.into_iter().flatten().copied()
    }
}

impl Windows {
    /// All of `items` items closed, and none with a window.
    pub(super) fn new(items: usize) -> Self {
        Self {
            open: AtomicBits::new(items),
            shown: AtomicI64::new(i64::MIN),
            next: AtomicI64::new(i64::MAX),
            changes: Mutex::default(),
        }
    }

    /// Gives an item its window.
    pub(super) fn set(&self, item: ItemIx, span: Span) {
        let mut changes = self.changes();
        let times = |span: Span| [span.from, span.until].into_iter().flatten();
        if let Some(before) = changes.spans.remove(&item) {
            for time in times(before) {
                changes.order.remove(&(time.0, item));
            }
        }
        if span != Span::default() {
            changes.spans.insert(item, span);
            changes.order.extend(times(span).map(|time| (time.0, item)));
        }
        let shown = self.shown.load(Ordering::Relaxed);
        self.open.set(item, changes.is_open(item, shown));
        self.note_next(&changes, shown);
    }

    /// Clears in `words` the items that are outside their windows at `now`.
    pub(super) fn cut(&self, words: &mut [u64], now: Timestamp) {
        if now.0 >= self.next.load(Ordering::Acquire) {
            self.advance(now.0);
        }
        let before = words.to_vec();
        self.open.cut(words);
        // What another question has moved on meanwhile it has announced before it moved the bits.
        let shown = self.shown.load(Ordering::Acquire);
        if shown > now.0 {
            self.put_right(words, &before, now.0);
        }
    }

    fn put_right(&self, words: &mut [u64], before: &[u64], now: i64) {
        let changes = self.changes();
        words.copy_from_slice(before);
        self.open.cut(words);
        let shown = self.shown.load(Ordering::Relaxed);
        for (_, item) in changes.between(now, shown) {
            put(
                words,
                item,
                is_set(before, item) && changes.is_open(item, now),
            );
        }
    }

    fn advance(&self, now: i64) {
        let changes = self.changes();
        let shown = self.shown.load(Ordering::Relaxed);
        let due: Vec<(i64, ItemIx)> = changes.between(shown, now).collect();
        let Some(&(last, _)) = due.last() else {
            return;
        };
        self.shown.store(last, Ordering::Release);
        for (_, item) in due {
            self.open.set(item, changes.is_open(item, last));
        }
        self.note_next(&changes, last);
    }

    fn note_next(&self, changes: &Changes, shown: i64) {
        let next = changes.between(shown, i64::MAX).next();
        let next = next.map_or(i64::MAX, |(time, _)| time);
        self.next.store(next, Ordering::Release);
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEMS: u32 = 70;

    fn open_at(windows: &Windows, now: i64) -> Vec<u32> {
        let mut words = vec![u64::MAX, (1 << 6) - 1];
        words[0] &= !1;
        windows.cut(&mut words, Timestamp(now));
        (0..ITEMS)
            .filter(|&item| is_set(&words, ItemIx(item)))
            .collect()
    }

    fn span(item: u32) -> Span {
        let edge = |divisor: u32, shift: i64| {
            let known = item.is_multiple_of(divisor);
            known.then(|| Timestamp(i64::from(item) * 7 % 50 + shift))
        };
        Span {
            from: edge(2, 0),
            until: edge(3, 20),
        }
    }

    #[test]
    fn questions_in_any_order_of_time_are_answered_as_of_their_time() {
        let windows = Windows::new(ITEMS as usize);
        (0..ITEMS).for_each(|item| windows.set(ItemIx(item), span(item)));
        let expected = |now: i64, of: &dyn Fn(u32) -> Span| -> Vec<u32> {
            let within = |&item: &u32| of(item).contains(Timestamp(now));
            (1..ITEMS).filter(within).collect()
        };
        for now in [0, 30, 12, 90, -5, 49, 50, 51, i64::MAX, i64::MIN, 33] {
            assert_eq!(open_at(&windows, now), expected(now, &span), "at {now}");
        }
        let moved = |item: u32| span((item + 1) % ITEMS);
        (0..ITEMS).for_each(|item| windows.set(ItemIx(item), moved(item)));
        for now in [40, 20, 60, 0] {
            assert_eq!(open_at(&windows, now), expected(now, &moved), "at {now}");
        }
    }

    #[test]
    fn a_window_given_later_opens_though_its_time_has_passed() {
        let windows = Windows::new(70);
        (0..ITEMS).for_each(|item| windows.set(ItemIx(item), Span::default()));
        assert_eq!(open_at(&windows, 1_000).len(), 69);
        let from = |time| Span {
            from: Some(Timestamp(time)),
            until: None,
        };
        windows.set(ItemIx(5), from(500));
        windows.set(ItemIx(6), from(2_000));
        let open = open_at(&windows, 1_000);
        assert!(open.contains(&5) && !open.contains(&6));
        assert!(!open_at(&windows, 499).contains(&5));
    }
}
