//! Draws, and the sampler that only draws.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

use crate::tuning::space::{ModelSpace, Point};

/// Random numbers of one trial: no trial's draws depend on how many another took.
#[derive(Debug)]
pub(in crate::tuning) struct Draws(ChaCha8Rng);

impl Draws {
    pub(in crate::tuning) fn new(seed: u64, name: &str, trial: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update(trial.to_le_bytes());
        hash.update(name);
        Self(ChaCha8Rng::from_seed(hash.finalize().into()))
    }

    /// From 0 to below 1.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number below `bound`, which is at least 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a place in it"
    )]
    pub(in crate::tuning) fn below(&mut self, bound: usize) -> usize {
        ((self.uniform() * bound as f64) as usize).min(bound - 1)
    }

    /// Normally distributed with mean 0 and deviation 1, by Box and Muller.
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// A point of `space`, every place as likely as any other.
pub(super) fn point(space: &ModelSpace, draws: &mut Draws) -> Point {
    let mut point = Point::new();
    for parameter in space.parameters() {
        // Drawn even if not looked at, so that a choice changes nothing but itself.
        let unit = draws.uniform();
        if parameter.is_active(&point) {
            point.insert(parameter.name.clone(), parameter.domain.value(unit));
        }
    }
    point
}
