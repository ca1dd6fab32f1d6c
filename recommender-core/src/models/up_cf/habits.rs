//! A shopper as her neighbours see her: what she ever had, and what she takes of late.

use crate::baskets::Baskets;
use crate::models::shoppers::summed;
use crate::models::up_cf::UpCfConfig;

/// What is known of one shopper, items ascending.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Habits {
    /// Every item she ever had, with the share of her late baskets that hold it; 0 if none does.
    pub(super) shares: Vec<(u32, f32)>,
}

impl UpCfConfig {
    /// What baskets tell of a shopper.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are f32 throughout"
    )]
    pub(super) fn habits(&self, baskets: &Baskets) -> Habits {
        let late = baskets.latest(Some(self.window_baskets));
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
