//! How fit and answer time grow with the interactions.

mod resample;
mod run;

pub use resample::{Pairs, most_popular, resampled};
pub use run::{Growth, GrowthPoint, Run};

/// The exponent b of `y = a x^b` that fits the points best, by least squares on logarithms; none without two different
/// x, or with a figure that has no logarithm.
#[must_use]
pub fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    if points.iter().any(|&(x, y)| x.min(y) <= 0.0) {
        return None;
    }
    let logarithms: Vec<(f64, f64)> = points.iter().map(|&(x, y)| (x.ln(), y.ln())).collect();
    let count = logarithms.len() as f64;
    let (sum_x, sum_y) = logarithms
        .iter()
        .fold((0.0, 0.0), |(sum_x, sum_y), (x, y)| (sum_x + x, sum_y + y));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (mut together, mut spread) = (0.0, 0.0);
    for (x, y) in logarithms {
        together += (x - mean_x) * (y - mean_y);
        spread += (x - mean_x).powi(2);
    }
    (spread > 0.0).then(|| together / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_of_a_power_is_found() {
        let points = [1.0, 2.0, 4.0, 8.0].map(|x: f64| (x, 3.0 * x.powf(1.5)));
        assert!((exponent(&points).unwrap() - 1.5).abs() < 1e-12);
        assert!(exponent(&[(1.0, 5.0), (2.0, 5.0)]).unwrap().abs() < 1e-12);
    }

    #[test]
    fn points_without_a_slope_have_no_exponent() {
        assert_eq!(exponent(&[]), None);
        assert_eq!(exponent(&[(2.0, 1.0), (2.0, 3.0)]), None);
        assert_eq!(exponent(&[(1.0, 0.0), (2.0, 3.0)]), None);
    }
}
