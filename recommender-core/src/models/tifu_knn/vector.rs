//! A shopper's vector: her baskets averaged, the older ones for less.

use crate::baskets::{BasketConfig, Baskets};
use crate::models::shoppers::summed;
use crate::models::tifu_knn::{Nearness, TifuKnnConfig};

/// The numbers of the model, in the order they are stored in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Settings {
    pub(super) neighbours: usize,
    pub(super) groups: usize,
    pub(super) basket_decay: f64,
    pub(super) group_decay: f64,
    pub(super) own_weight: f32,
    pub(super) nearness: Nearness,
    pub(super) baskets: BasketConfig,
}

impl Settings {
    /// How many numbers they are stored as.
    pub(super) const LEN: usize = 7;

    pub(super) fn of(config: &TifuKnnConfig) -> Self {
        Self {
            neighbours: config.neighbours,
            groups: config.groups,
            basket_decay: f64::from(config.basket_decay),
            group_decay: f64::from(config.group_decay),
            own_weight: config.own_weight,
            nearness: config.nearness,
            baskets: config.baskets(),
        }
    }

    /// Numbers as the bits of an `f64`, so that nothing is rounded.
    pub(super) fn to_bits(self) -> Vec<u64> {
        let nearness = match self.nearness {
            Nearness::Cosine => 0.0,
            Nearness::Euclidean => 1.0,
        };
        [
            self.neighbours as f64,
            self.groups as f64,
            self.basket_decay,
            self.group_decay,
            f64::from(self.own_weight),
            nearness,
            self.baskets.gap_minutes,
        ]
        .map(f64::to_bits)
        .to_vec()
    }

    /// None if no settings are stored as these numbers.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer saturates, and the settings are validated"
    )]
    pub(super) fn from_bits(bits: &[u64]) -> Option<Self> {
        let numbers: Vec<f64> = bits.iter().map(|&bits| f64::from_bits(bits)).collect();
        let [neighbours, groups, basket, group, own, nearness, gap] = numbers[..] else {
            return None;
        };
        let nearness = match nearness {
            0.0 => Nearness::Cosine,
            1.0 => Nearness::Euclidean,
            _ => return None,
        };
        let config = TifuKnnConfig {
            neighbours: neighbours as usize,
            groups: groups as usize,
            basket_decay: basket as f32,
            group_decay: group as f32,
            own_weight: own as f32,
            nearness,
            gap_minutes: gap,
        };
        config.validate().ok().map(|()| Self::of(&config))
    }

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
            let weight = faded(self.basket_decay, age % size) / members as f64
                * faded(self.group_decay, group)
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
