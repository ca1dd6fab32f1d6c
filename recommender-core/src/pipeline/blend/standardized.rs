//! Weighted sum of standardised scores.

use crate::ranked::Ranked;

/// `weight · (score − lowest) / deviation` for each entry, with the standard deviation of the list's scores: 0 for the
/// last of the list. One item far ahead of the rest does not press the others together, as it does where a list is
/// scaled by its range. A list whose scores are all equal counts 1 throughout.
pub(super) fn scores(list: &Ranked, weight: f32) -> Vec<f32> {
    let scores = || list.entries().iter().map(|entry| f64::from(entry.score));
    let count = list.len() as f64;
    let mean = scores().sum::<f64>() / count;
    let variance = scores().map(|score| (score - mean).powi(2)).sum::<f64>() / count;
    let deviation = variance.sqrt();
    let lowest = scores().fold(f64::INFINITY, f64::min);
    // Below this the scores differ by rounding alone.
    if deviation <= mean.abs() * 1e-9 || deviation < f64::MIN_POSITIVE {
        return vec![weight; list.len()];
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most the square root of twice the length of the list"
    )]
    scores()
        .map(|score| weight * ((score - lowest) / deviation) as f32)
        .collect()
}
