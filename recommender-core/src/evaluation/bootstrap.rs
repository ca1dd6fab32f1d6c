//! Bootstrap intervals of means over queries.

use std::collections::BTreeSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The 2.5 % quantile of the resampled means.
    pub low: f64,
    /// The 97.5 % quantile of the resampled means.
    pub high: f64,
}

impl Interval {
    /// The interval of the mean of `values`, by 1,000 resamples; none if there is no value.
    #[must_use]
    pub fn of_mean(values: &[f64], seed: u64) -> Option<Self> {
        let bootstrap = Bootstrap {
            seed,
            resamples: 1000,
        };
        bootstrap.intervals(&[values.to_vec()]).pop().flatten()
    }

    /// Whether zero lies outside: for a difference, whether it is significant at the 5 % level.
    #[must_use]
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// The percentile bootstrap (Efron and Tibshirani 1993, "An introduction to the bootstrap", section 13.3):
/// as many queries as there are, drawn with replacement, `resamples` times.
///
/// Draws depend on seed, resample and number of queries alone, so intervals are the same at any thread count, and
/// figures of several models over the same queries see the same draws.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bootstrap {
    pub(super) seed: u64,
    pub(super) resamples: usize,
}

impl Bootstrap {
    /// The interval of each column's mean; none for an empty column or without resamples.
    /// Columns of one length are resampled together.
    pub(super) fn intervals(&self, columns: &[Vec<f64>]) -> Vec<Option<Interval>> {
        let mut intervals = vec![None; columns.len()];
        if self.resamples == 0 {
            return intervals;
        }
        let lengths: BTreeSet<usize> = columns.iter().map(Vec::len).filter(|&n| n > 0).collect();
        for length in lengths {
            let group: Vec<usize> = (0..columns.len())
                .filter(|&column| columns[column].len() == length)
                .collect();
            let values: Vec<&[f64]> = group.iter().map(|&column| &*columns[column]).collect();
            for (column, means) in group.iter().zip(self.resampled_means(&values, length)) {
                intervals[*column] = Some(interval(means));
            }
        }
        intervals
    }

    /// For each column, its mean in every resample.
    fn resampled_means(&self, columns: &[&[f64]], length: usize) -> Vec<Vec<f64>> {
        let resamples: Vec<Vec<f64>> = (0..self.resamples as u64)
            .into_par_iter()
            .map_init(
                || vec![0u32; length],
                |times_drawn, resample| {
                    self.draw(resample, times_drawn);
                    let mean = |values: &&[f64]| weighted_sum(values, times_drawn) / length as f64;
                    columns.iter().map(mean).collect()
                },
            )
            .collect();
        (0..columns.len())
            .map(|column| resamples.iter().map(|means| means[column]).collect())
            .collect()
    }

    /// How often each query comes in one resample.
    fn draw(&self, resample: u64, times_drawn: &mut [u32]) {
        times_drawn.fill(0);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(resample);
        let length = times_drawn.len() as u64;
        for _ in 0..length {
            // The high half of a 32 × 32 bit product; its bias is length / 2^32.
            let position = (u64::from(rng.next_u32()) * length) >> 32;
            let position = usize::try_from(position).expect("a position in memory");
            times_drawn[position] += 1;
        }
    }
}

/// `Σ value · weight`, in eight interleaved sums whose order is fixed.
fn weighted_sum(values: &[f64], weights: &[u32]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0f64; LANES];
    let (values, last_values) = values.as_chunks::<LANES>();
    let (weights, last_weights) = weights.as_chunks::<LANES>();
    for (values, weights) in values.iter().zip(weights) {
        for lane in 0..LANES {
            sums[lane] += values[lane] * f64::from(weights[lane]);
        }
    }
    for (lane, (value, &weight)) in last_values.iter().zip(last_weights).enumerate() {
        sums[lane] += value * f64::from(weight);
    }
    sums.iter().sum()
}

fn interval(mut means: Vec<f64>) -> Interval {
    means.sort_unstable_by(f64::total_cmp);
    Interval {
        low: quantile(&means, 0.025),
        high: quantile(&means, 0.975),
    }
}

/// The quantile of sorted values, interpolated linearly between neighbours.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a length is a length"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let between = place - below as f64;
    sorted[below] + (sorted[above] - sorted[below]) * between
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOTSTRAP: Bootstrap = Bootstrap {
        seed: 1,
        resamples: 1000,
    };

    #[test]
    fn the_interval_is_close_to_the_normal_one_for_many_queries() {
        // A coin: mean 0.5, standard error 0.5 / √10,000 = 0.005, so ±0.0098.
        let coin: Vec<f64> = (0..10_000).map(|query| f64::from(query % 2)).collect();
        let interval = BOOTSTRAP.intervals(&[coin])[0].unwrap();
        assert!((interval.low - 0.4902).abs() < 0.001, "{interval:?}");
        assert!((interval.high - 0.5098).abs() < 0.001, "{interval:?}");
    }

    #[test]
    fn columns_of_all_lengths_are_served_and_empty_ones_have_none() {
        let columns = [vec![2.0; 5], vec![], vec![7.0], vec![3.0; 5]];
        let intervals = BOOTSTRAP.intervals(&columns);
        let point = |value| {
            Some(Interval {
                low: value,
                high: value,
            })
        };
        assert_eq!(intervals, [point(2.0), None, point(7.0), point(3.0)]);
        let none = Bootstrap {
            seed: 1,
            resamples: 0,
        };
        assert_eq!(none.intervals(&columns), [None; 4]);
    }

    #[test]
    fn thread_counts_do_not_matter_and_seeds_do() {
        let values: Vec<f64> = (0..500u32).map(|query| f64::from(query).sin()).collect();
        let run = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let bootstrap = Bootstrap { seed, ..BOOTSTRAP };
            pool.unwrap()
                .install(|| bootstrap.intervals(std::slice::from_ref(&values)))
        };
        assert_eq!(run(1, 3), run(3, 3));
        assert_ne!(run(1, 3), run(1, 4));
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[5.0], 0.975), 5.0);
    }
}
