//! Whether work waits too long, so that some of it is better turned away.
//!
//! A queue that is short of time for a moment empties by itself. One that stays too long only makes everybody wait:
//! while not one piece of work was taken up in time for a while, those that waited too long are not done at all. It is
//! the idea of controlled delay (Nichols and Jacobson, 2012): look at the shortest wait, not at the length of the queue.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many times the bound a queue may be late before work is turned away.
const PATIENCE: u32 = 2;

/// Watches how long work waits.
#[derive(Debug)]
pub(crate) struct QueueDelay {
    bound: Duration,
    began: Instant,
    /// When work was last taken up in time, or found nobody before it, in microseconds after the beginning.
    in_time: AtomicU64,
}

impl QueueDelay {
    /// A wait of up to `bound` is in time.
    pub(crate) fn new(bound: Duration) -> Self {
        Self {
            bound,
            began: Instant::now(),
            in_time: AtomicU64::new(0),
        }
    }

    /// Work came at `now` and found nobody before it.
    pub(crate) fn found_empty(&self, now: Instant) {
        self.in_time.fetch_max(self.micros(now), Ordering::Relaxed);
    }

    /// Work that came in at `queued` is taken up at `now`: whether it should rather be turned away.
    pub(crate) fn is_too_late(&self, queued: Instant, now: Instant) -> bool {
        if now.saturating_duration_since(queued) <= self.bound {
            self.found_empty(now);
            return false;
        }
        let in_time = Duration::from_micros(self.in_time.load(Ordering::Relaxed));
        now.saturating_duration_since(self.began + in_time) > self.bound * PATIENCE
    }

    fn micros(&self, time: Instant) -> u64 {
        let since = time.saturating_duration_since(self.began).as_micros();
        u64::try_from(since).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Work comes every `gap` milliseconds and takes `work` each, one after the other: how long each piece waited, or
    /// nothing if it was turned away.
    fn run(pieces: u64, gap: u64, work: u64) -> Vec<Option<u64>> {
        let delay = QueueDelay::new(Duration::from_millis(10));
        let at = |millis: u64| delay.began + Duration::from_millis(millis);
        let mut free = 0;
        let done = (0..pieces).map(|piece| {
            let queued = piece * gap;
            if free <= queued {
                delay.found_empty(at(queued));
            }
            let start = free.max(queued);
            let done = !delay.is_too_late(at(queued), at(start));
            free = if done { start + work } else { start };
            done.then_some(start - queued)
        });
        done.collect()
    }

    #[test]
    fn work_in_time_is_done_and_a_short_burst_too() {
        assert!(run(1000, 4, 4).iter().all(Option::is_some));
        assert!(run(5, 0, 5).iter().all(Option::is_some));
    }

    #[test]
    fn of_twice_what_can_be_done_half_is_turned_away_and_nobody_waits_long() {
        let done = run(10_000, 2, 4);
        let waits: Vec<u64> = done.iter().copied().flatten().collect();
        assert!((4800..=5200).contains(&waits.len()), "{}", waits.len());
        let longest = waits.iter().max().unwrap();
        assert!(*longest <= 40, "{longest}");
        assert!(done[..10].iter().all(Option::is_some));
    }

    #[test]
    fn what_comes_after_a_rest_is_done() {
        let delay = QueueDelay::new(Duration::from_millis(10));
        let later = delay.began + Duration::from_secs(3600);
        delay.found_empty(later);
        let after = |millis| later + Duration::from_millis(millis);
        assert!(!delay.is_too_late(later, after(20)));
        assert!(delay.is_too_late(later, after(21)));
        assert!(!delay.is_too_late(after(20), after(30)));
    }
}
