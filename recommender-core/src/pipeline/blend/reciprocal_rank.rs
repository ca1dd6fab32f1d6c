//! Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009).

use crate::ranked::Ranked;

/// `weight / (rank_constant + rank)` for each entry, ranks counted from 1.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rank needs no more than 24 bits"
)]
pub(super) fn scores(list: &Ranked, weight: f32, rank_constant: f32) -> Vec<f32> {
    (1..=list.len())
        .map(|rank| weight / (rank_constant + rank as f32))
        .collect()
}
