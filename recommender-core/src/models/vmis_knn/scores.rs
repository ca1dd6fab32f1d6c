//! What a match scores, looked up by the bits of what it shares.

use crate::models::vmis_knn::config::LONGEST_VISIT;
use crate::models::vmis_knn::{PositionWeight, VmisKnnConfig};

/// One of the neighbours' shares, λ, is counted in parts of this.
const PARTS: f32 = 1000.0;

/// Scores of all sets of places, for visits of each length.
#[derive(Debug, Clone)]
pub(super) struct Scores {
    /// The scores of the 2ⁿ sets of the places of a visit of n items begin at 2ⁿ.
    sets: Vec<u32>,
    /// The same for a session of the shopper's own.
    own_sets: Vec<u32>,
    /// Thousandths of λ by the place of the latest item shared, counted from the end, from 0.
    shares: [u32; LONGEST_VISIT],
    weight: PositionWeight,
}

impl Scores {
    pub(super) fn new(config: &VmisKnnConfig) -> Self {
        let mut sets = vec![0; 1 << (config.last_items + 1)];
        for places in 1..=config.last_items {
            for set in 0..1u32 << places {
                let of_place = |place: usize| {
                    let held = set >> place & 1;
                    held * weight(config.position_weight, places - place)
                };
                sets[(1 << places) + set as usize] = (0..places).map(of_place).sum();
            }
        }
        let boosted = |&score: &u32| whole(score as f32 * (1.0 + config.own_boost));
        let own_sets = sets.iter().map(boosted).collect();
        let mut shares = [0; LONGEST_VISIT];
        for (place, share) in shares.iter_mut().enumerate() {
            *share = whole((1.0 - config.match_decay * (place + 1) as f32).max(0.0) * PARTS);
        }
        Self {
            sets,
            own_sets,
            shares,
            weight: config.position_weight,
        }
    }

    /// The score of a match that shares the places `mask` of a visit of `places` items.
    #[inline]
    pub(super) fn of(&self, places: usize, mask: u32, own: bool) -> u32 {
        let sets = if own { &self.own_sets } else { &self.sets };
        sets[(1 << places) + mask as usize]
    }

    /// λ, in thousandths, of a match that shares `mask`.
    #[inline]
    pub(super) fn share(&self, mask: u32) -> u32 {
        self.shares[mask.trailing_zeros() as usize]
    }

    /// What one of a sum of scores times shares is worth after a visit of `places` items.
    pub(super) fn unit(&self, places: usize) -> f32 {
        1.0 / (PARTS * weight(self.weight, places) as f32)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares and scores lie between 0 and some thousands"
)]
fn whole(number: f32) -> u32 {
    number.round() as u32
}

/// What an item counts at `place`, from 1 for the oldest.
fn weight(weight: PositionWeight, place: usize) -> u32 {
    let place = u32::try_from(place).unwrap_or(u32::MAX);
    match weight {
        PositionWeight::Same => 1,
        PositionWeight::Linear => place,
        PositionWeight::Quadratic => place * place,
    }
}
