//! A shopper as her neighbours see her: what she ever had, and what she takes of late.

use crate::baskets::{BasketConfig, Baskets};
use crate::models::shoppers::summed;
use crate::models::up_cf::UpCfConfig;

/// The numbers of the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Settings {
    pub(super) window: usize,
    pub(super) neighbours: usize,
    pub(super) asymmetry: f32,
    pub(super) locality: f32,
    pub(super) shrinkage: f32,
    pub(super) baskets: BasketConfig,
}

/// What is known of one shopper, items ascending.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Habits {
    /// Every item she ever had, with the share of her late baskets that hold it; 0 if none does.
    pub(super) shares: Vec<(u32, f32)>,
}

impl Settings {
    /// How many numbers they are stored as.
    pub(super) const LEN: usize = 6;

    pub(super) fn of(config: &UpCfConfig) -> Self {
        Self {
            window: config.window_baskets,
            neighbours: config.neighbours,
            asymmetry: config.asymmetry,
            locality: config.locality,
            shrinkage: config.shrinkage,
            baskets: config.baskets(),
        }
    }

    /// Numbers as the bits of an `f64`, so that nothing is rounded.
    pub(super) fn to_bits(self) -> Vec<u64> {
        [
            self.window as f64,
            self.neighbours as f64,
            f64::from(self.asymmetry),
            f64::from(self.locality),
            f64::from(self.shrinkage),
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
        let [window, neighbours, asymmetry, locality, shrinkage, gap] = numbers[..] else {
            return None;
        };
        let config = UpCfConfig {
            window_baskets: window as usize,
            neighbours: neighbours as usize,
            asymmetry: asymmetry as f32,
            locality: locality as f32,
            shrinkage: shrinkage as f32,
            gap_minutes: gap,
        };
        config.validate().ok().map(|()| Self::of(&config))
    }

    /// What baskets tell of a shopper.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are f32 throughout"
    )]
    pub(super) fn habits(&self, baskets: &Baskets) -> Habits {
        let late = baskets.latest(Some(self.window));
        let first_late = baskets.len() - late.len();
        let share = 1.0 / late.len().max(1) as f64;
        let mut entries = Vec::new();
        for (place, basket) in baskets.iter().enumerate() {
            let weight = if place < first_late {
                0.0
            } else {
                share as f32
            };
            entries.extend(
                basket
                    .entries()
                    .map(|(item, there)| (item.0, weight * there)),
            );
        }
        Habits {
            shares: summed(entries),
        }
    }

    /// How like the shopper with `mine` items is to one with `theirs`, of which `shared` are hers too.
    pub(super) fn similarity(&self, shared: f32, (mine, theirs): (usize, usize)) -> f32 {
        let power = |items: usize, power: f32| (items as f32).powf(power);
        let bottom = power(mine, self.asymmetry) * power(theirs, 1.0 - self.asymmetry);
        let similarity = shared / (bottom + self.shrinkage);
        similarity.powf(self.locality)
    }
}
