//! Bootstrap intervals of means over queries, or over clusters of queries that belong together.

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
        let sample = Sample::of(values.iter().copied().enumerate());
        bootstrap.intervals(&[sample]).pop().flatten()
    }

    /// The interval of the means of resamples, of which there is at least one.
    pub(super) fn of_resampled(means: Vec<f64>) -> Self {
        interval(means)
    }

    /// Whether zero lies outside: for a difference, whether it is significant at the 5 % level.
    #[must_use]
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// The numbers of one figure: those of one cluster added up.
///
/// Prefixes of one session are alike, so they are drawn together: a resample of sessions, not of prefixes, has the spread
/// that other sessions would show (Davison and Hinkley 1997, "Bootstrap methods and their application", section 3.8).
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    sums: Vec<f64>,
    /// How many numbers each cluster holds; empty where all hold one.
    counts: Vec<f64>,
    values: usize,
}

impl Sample {
    /// The numbers that are some, each with its cluster; numbers of one cluster stand together.
    pub(super) fn of(values: impl Iterator<Item = (usize, f64)>) -> Self {
        let mut sample = Self::default();
        let mut last = None;
        for (cluster, value) in values.filter(|(_, value)| !value.is_nan()) {
            if last == Some(cluster) {
                // Up to here every cluster had one number.
                sample.counts.resize(sample.sums.len(), 1.0);
                *sample.sums.last_mut().expect("a cluster was begun") += value;
                *sample.counts.last_mut().expect("a cluster was begun") += 1.0;
            } else {
                sample.sums.push(value);
            }
            last = Some(cluster);
            sample.values += 1;
        }
        if !sample.counts.is_empty() {
            sample.counts.resize(sample.sums.len(), 1.0);
        }
        sample
    }

    /// The sums over and under the line of a ratio, for each cluster.
    pub(super) fn of_clusters(sums: impl Iterator<Item = (f64, f64)>) -> Self {
        let (sums, counts): (Vec<f64>, Vec<f64>) = sums.unzip();
        Self {
            values: sums.len(),
            sums,
            counts,
        }
    }

    /// The ratio of the sums; not a number where there is nothing under the line.
    pub(super) fn ratio(&self) -> f64 {
        self.resampled_mean(&vec![1; self.sums.len()])
    }

    /// How many numbers there are.
    pub(super) fn values(&self) -> usize {
        self.values
    }

    /// The mean of the numbers, none of nothing.
    pub(super) fn mean(&self) -> Option<f64> {
        // An empty float sum is -0, and so is a figure over queries without a hit: adding zero takes the sign off.
        (self.values > 0).then(|| self.sums.iter().sum::<f64>() / self.values as f64 + 0.0)
    }

    /// The mean of a resample in which each cluster comes this often.
    fn resampled_mean(&self, times_drawn: &[u32]) -> f64 {
        let values = if self.counts.is_empty() {
            self.sums.len() as f64
        } else {
            weighted_sum(&self.counts, times_drawn)
        };
        weighted_sum(&self.sums, times_drawn) / values
    }
}

/// The percentile bootstrap (Efron and Tibshirani 1993, "An introduction to the bootstrap", section 13.3):
/// as many clusters of queries as there are, drawn with replacement, `resamples` times.
///
/// Draws depend on seed, resample and number of clusters alone, so intervals are the same at any thread count, and
/// figures of several models over the same queries see the same draws.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bootstrap {
    pub(super) seed: u64,
    pub(super) resamples: usize,
}

impl Bootstrap {
    /// The interval of each sample's mean; none for an empty sample or without resamples.
    /// Samples of as many clusters are resampled together.
    pub(super) fn intervals(&self, samples: &[Sample]) -> Vec<Option<Interval>> {
        let mut intervals = vec![None; samples.len()];
        if self.resamples == 0 {
            return intervals;
        }
        let clusters = |sample: &Sample| sample.sums.len();
        let lengths: BTreeSet<usize> = samples.iter().map(clusters).filter(|&n| n > 0).collect();
        for length in lengths {
            let group: Vec<usize> = (0..samples.len())
                .filter(|&sample| clusters(&samples[sample]) == length)
                .collect();
            let members: Vec<&Sample> = group.iter().map(|&sample| &samples[sample]).collect();
            for (sample, means) in group.iter().zip(self.resampled_means(&members, length)) {
                intervals[*sample] = Some(interval(means));
            }
        }
        intervals
    }

    /// For each sample of `length` clusters, its mean in every resample.
    pub(super) fn resampled_means(&self, samples: &[&Sample], length: usize) -> Vec<Vec<f64>> {
        let resamples: Vec<Vec<f64>> = (0..self.resamples as u64)
            .into_par_iter()
            .map_init(
                || vec![0u32; length],
                |times_drawn, resample| {
                    self.draw(resample, times_drawn);
                    let mean = |sample: &&Sample| sample.resampled_mean(times_drawn);
                    samples.iter().map(mean).collect()
                },
            )
            .collect();
        (0..samples.len())
            .map(|sample| resamples.iter().map(|means| means[sample]).collect())
            .collect()
    }

    /// How often each cluster comes in one resample.
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

    fn sample(values: &[f64]) -> Sample {
        Sample::of(values.iter().copied().enumerate())
    }

    #[test]
    fn numbers_of_a_cluster_are_drawn_together() {
        // Ten sessions of a hundred equal prefixes each say no more than ten numbers.
        let values = (0..1000).map(|prefix| (prefix / 100, (prefix / 100 % 2) as f64));
        let clustered = Sample::of(values.clone());
        let single = sample(&(0..10).map(|it| f64::from(it % 2)).collect::<Vec<_>>());
        let apart = Sample::of(values.map(|(_, value)| value).enumerate());
        let found = BOOTSTRAP.intervals(&[clustered.clone(), single, apart]);
        assert_eq!(found[0], found[1]);
        let wide = |interval: Option<Interval>| interval.map_or(0.0, |it| it.high - it.low);
        assert!(wide(found[0]) > 5.0 * wide(found[2]), "{found:?}");
        assert_eq!((clustered.values(), clustered.mean()), (1000, Some(0.5)));
    }

    #[test]
    fn a_long_session_weighs_as_many_prefixes_as_it_has() {
        let values = [
            (0, 1.0),
            (1, 0.0),
            (1, 0.0),
            (1, f64::NAN),
            (1, 0.0),
            (2, 1.0),
        ];
        let sample = Sample::of(values.into_iter());
        assert_eq!((sample.values(), sample.mean()), (5, Some(0.4)));
        assert_eq!(sample.resampled_mean(&[1, 1, 1]), 0.4);
        assert_eq!(sample.resampled_mean(&[2, 1, 0]), 0.4);
        assert_eq!(sample.resampled_mean(&[0, 3, 0]), 0.0);
        assert_eq!(Sample::of(std::iter::empty()).mean(), None);
    }

    #[test]
    fn the_interval_is_close_to_the_normal_one_for_many_queries() {
        // A coin: mean 0.5, standard error 0.5 / √10,000 = 0.005, so ±0.0098.
        let coin: Vec<f64> = (0..10_000).map(|query| f64::from(query % 2)).collect();
        let interval = BOOTSTRAP.intervals(&[sample(&coin)])[0].unwrap();
        assert!((interval.low - 0.4902).abs() < 0.001, "{interval:?}");
        assert!((interval.high - 0.5098).abs() < 0.001, "{interval:?}");
    }

    #[test]
    fn columns_of_all_lengths_are_served_and_empty_ones_have_none() {
        let columns = [vec![2.0; 5], vec![], vec![7.0], vec![3.0; 5]];
        let columns = columns.map(|column| sample(&column));
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
                .install(|| bootstrap.intervals(&[sample(&values)]))
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
