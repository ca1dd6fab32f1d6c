//! How long it takes until something is bought again, and whether it is at all.

/// What was seen of repurchases: the logarithms of gaps in days, and purchases that nothing followed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) gaps: f64,
    pub(super) sum: f64,
    pub(super) squares: f64,
    /// Purchases with no later one.
    pub(super) open: f64,
}

impl Seen {
    /// One more gap of this many days.
    pub(super) fn add_gap(&mut self, days: f64) {
        let log = log_days(days);
        self.gaps += 1.0;
        self.sum += log;
        self.squares += log * log;
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.gaps += other.gaps;
        self.sum += other.sum;
        self.squares += other.squares;
        self.open += other.open;
    }
}

/// The logarithm of a number of days, no less than a second: a clock that runs backwards is taken for no time at all.
pub(super) fn log_days(days: f64) -> f64 {
    days.max(1.0 / 86_400.0).ln()
}

/// When a purchase follows another: with `probability` at all, and if so after a gap whose logarithm in days is normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gap {
    pub(super) mean: f64,
    pub(super) variance: f64,
    pub(super) probability: f64,
}

/// What is believed before anything is seen: half of all purchases are followed by another, most within one to three
/// months.
pub(super) const UNSEEN: Gap = Gap {
    mean: 3.401_197_381_662_155_5,
    variance: 1.0,
    probability: 0.5,
};

/// A variance below this is none that data could show.
const LEAST_VARIANCE: f64 = 1e-3;

impl Gap {
    /// What is believed of a part of what `self` describes once `seen` is known of the part, `self` being worth `strength`
    /// gaps: the posterior means of a normal distribution with unknown mean and variance and of a share.
    pub(super) fn updated(&self, seen: &Seen, strength: f64) -> Self {
        let weight = seen.gaps + strength;
        let mean = (seen.sum + strength * self.mean) / weight;
        // The spread of what was seen around its own mean, and of both means around the new one.
        let own_mean = seen.sum / seen.gaps.max(1.0);
        let within = (seen.squares - seen.gaps * own_mean * own_mean).max(0.0);
        let between = seen.gaps * strength / weight * (own_mean - self.mean).powi(2);
        let variance = (within + between + strength * self.variance) / weight;
        let trials = seen.gaps + seen.open + strength;
        Self {
            mean,
            variance: variance.max(LEAST_VARIANCE),
            probability: (seen.gaps + strength * self.probability) / trials,
        }
    }

    /// The logarithm of the intensity, per day, of a purchase `days` after the last, given that there was none since:
    /// `p · f(t) / (1 − p · F(t))`, finite for any time.
    pub(super) fn log_intensity(&self, days: f64) -> f64 {
        let log = log_days(days);
        let deviation = self.variance.sqrt();
        let z = (log - self.mean) / deviation;
        let log_density = -log - deviation.ln() - 0.5 * (z * z + std::f64::consts::TAU.ln());
        let left = 1.0 - self.probability * normal_share(z);
        self.probability.ln() + log_density - left.max(f64::MIN_POSITIVE).ln()
    }
}

/// The share of a standard normal distribution below `z`, to about 1e-7 (Abramowitz & Stegun, *Handbook of mathematical
/// functions*, 26.2.17).
fn normal_share(z: f64) -> f64 {
    const COEFFICIENTS: [f64; 5] = [
        1.330_274_429,
        -1.821_255_978,
        1.781_477_937,
        -0.356_563_782,
        0.319_381_530,
    ];
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = COEFFICIENTS.iter().fold(0.0, |sum, c| (sum + c) * t);
    let tail = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt() * series;
    if z > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_share_is_that_of_the_tables() {
        for (z, share) in [(0.0, 0.5), (1.0, 0.841_344_746), (-1.96, 0.024_997_895)] {
            assert!((normal_share(z) - share).abs() < 2e-7, "{z}");
        }
        assert_eq!((normal_share(-400.0), normal_share(400.0)), (0.0, 1.0));
    }

    #[test]
    fn nothing_seen_leaves_the_belief_and_much_seen_overrules_it() {
        let nothing = UNSEEN.updated(&Seen::default(), 5.0);
        assert!((nothing.mean - UNSEEN.mean).abs() < 1e-12);
        assert!((nothing.variance - 1.0).abs() < 1e-12);
        assert!((nothing.probability - 0.5).abs() < 1e-12);
        let mut weekly = Seen::default();
        for days in [6.0, 7.0, 8.0].repeat(400) {
            weekly.add_gap(days);
        }
        weekly.open = 10.0;
        let gap = UNSEEN.updated(&weekly, 5.0);
        assert!((gap.mean - 7f64.ln()).abs() < 0.02, "{gap:?}");
        assert!(gap.variance < 0.04 && gap.probability > 0.98, "{gap:?}");
    }

    #[test]
    fn the_intensity_peaks_about_the_gap_and_is_finite_at_all_times() {
        let weekly = Gap {
            mean: 7f64.ln(),
            variance: 0.04,
            probability: 0.9,
        };
        let at = |days| weekly.log_intensity(days);
        assert!(at(7.0) > at(2.0) && at(8.0) > at(40.0) && at(40.0) > at(4_000.0));
        for days in [-1e9, 0.0, 1e-9, 1e9, f64::MAX] {
            assert!(at(days).is_finite(), "{days}");
        }
        // Half of the purchases are followed by one, all after a day or so: F is ½ at the median, so p·f / (1 − ½·p).
        let even = Gap {
            mean: 0.0,
            variance: 1.0,
            probability: 0.5,
        };
        let expected: f64 = 0.5 / std::f64::consts::TAU.sqrt() / 0.75;
        assert!((even.log_intensity(1.0) - expected.ln()).abs() < 1e-6);
    }
}
