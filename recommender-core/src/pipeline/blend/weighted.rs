//! Weighted sum of calibrated scores.

use crate::ranked::Ranked;

/// `weight · (score − lowest) / (highest − lowest)` for each entry: 1 for the best of the list, 0 for the last.
/// A list whose scores are all equal counts 1 throughout.
pub(super) fn scores(list: &Ranked, weight: f32) -> Vec<f32> {
    let scores = || list.entries().iter().map(|entry| entry.score);
    let highest = scores().fold(f32::NEG_INFINITY, f32::max);
    let lowest = scores().fold(f32::INFINITY, f32::min);
    let span = highest - lowest;
    if span <= 0.0 {
        return vec![weight; list.len()];
    }
    scores()
        .map(|score| weight * ((score - lowest) / span))
        .collect()
}
