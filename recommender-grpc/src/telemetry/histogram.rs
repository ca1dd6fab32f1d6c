//! Times, counted by how long they were: a fixed number of cells, however much is counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper ends of the buckets, in microseconds: from what a lookup takes to what a storefront gives up on.
pub(crate) const BOUNDS_MICROS: [u64; 17] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000,
    1_000_000, 5_000_000, 30_000_000,
];

/// How many times took how long. What is read while others count may be some counts behind in one of its parts.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// One cell for each bound, and one for what is beyond them all.
    cells: [AtomicU64; BOUNDS_MICROS.len() + 1],
    nanos: AtomicU64,
}

impl Histogram {
    pub(crate) fn record(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let cell = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        self.cells[cell].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// How many times were no longer than each bound; the last entry is how many there were at all.
    pub(crate) fn cumulative(&self) -> [u64; BOUNDS_MICROS.len() + 1] {
        let mut sum = 0;
        std::array::from_fn(|cell| {
            sum += self.cells[cell].load(Ordering::Relaxed);
            sum
        })
    }

    /// All times together.
    pub(crate) fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for micros in [1, 10, 11, 100, 999_999_999] {
            histogram.record(Duration::from_micros(micros));
        }
        let counts = histogram.cumulative();
        assert_eq!(counts[..4], [2, 3, 3, 4]);
        assert_eq!(counts[BOUNDS_MICROS.len() - 1], 4);
        assert_eq!(counts[BOUNDS_MICROS.len()], 5);
        assert_eq!(histogram.sum(), Duration::from_micros(1_000_000_121));
    }
}
