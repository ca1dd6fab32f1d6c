//! A shopper's vector: her baskets averaged, the older ones for less.

use crate::baskets::Baskets;
use crate::models::shoppers::summed;
use crate::models::tifu_knn::TifuKnnConfig;

impl TifuKnnConfig {
    /// The vector of a shopper with these baskets, items ascending. Baskets are dealt to the groups from the newest
    /// back, so that only the oldest group may hold fewer than the others.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are f32 throughout"
    )]
    pub(super) fn vector(&self, baskets: &Baskets) -> Vec<(u32, f32)> {
        let size = baskets.len().div_ceil(self.groups).max(1);
        let groups = baskets.len().div_ceil(size);
        let mut entries = Vec::new();
        for (age, basket) in baskets.iter().rev().enumerate() {
            let group = age / size;
            let members = size.min(baskets.len() - group * size);
            let weight = faded(self.basket_decay.into(), age % size) / members as f64
                * faded(self.group_decay.into(), group)
                / groups as f64;
            let held = basket.entries();
            entries.extend(held.map(|(item, presence)| (item.0, weight as f32 * presence)));
        }
        // So old a basket that nothing is left of it holds nothing.
        entries.retain(|&(_, weight)| weight > 0.0);
        summed(entries)
    }
}

/// What is left of one after `steps` steps.
fn faded(decay: f64, steps: usize) -> f64 {
    decay.powi(i32::try_from(steps).unwrap_or(i32::MAX))
}

/// The squared length of a vector.
pub(super) fn squared_length(vector: &[(u32, f32)]) -> f32 {
    vector.iter().map(|&(_, x)| x * x).sum()
}
