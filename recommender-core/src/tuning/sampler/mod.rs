//! Which settings to try next.

mod random;
mod tpe;

pub(super) use random::Draws;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::tuning::space::{ModelSpace, Point};

/// Draws before a space counts as used up: all it gives has been tried.
const DRAWS: u64 = 200;

/// How settings are chosen. Which ones come depends on the space, the trials before, the seed and the number of the
/// trial alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// Every value as likely as any other of its range, whatever came before
    /// (Bergstra & Bengio, *Random search for hyper-parameter optimization*, JMLR 2012).
    Random,
    /// The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio & Kégl, *Algorithms for hyper-parameter
    /// optimization*, NIPS 2011, §4): after a few random trials, settings that are likely among the best quarter of
    /// the trials and unlikely among the others.
    #[default]
    Tpe,
}

/// A trial as a sampler sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// What was set.
    pub point: Point,
    /// What it gave, higher is better; none if it failed.
    pub score: Option<f64>,
}

impl Sampler {
    /// The settings to try as trial number `trial` of `space`, after the trials `before`.
    #[must_use]
    pub fn suggest(
        self,
        space: &ModelSpace,
        before: &[Observation],
        seed: u64,
        trial: u64,
    ) -> Point {
        let mut draws = random::Draws::new(seed, space.name(), trial);
        match self {
            Self::Random => random::point(space, &mut draws),
            Self::Tpe => tpe::point(space, before, &mut draws),
        }
    }

    /// As [`Sampler::suggest`], but something not tried before; none if nothing else comes up.
    #[must_use]
    pub fn suggest_new(
        self,
        space: &ModelSpace,
        before: &[Observation],
        seed: u64,
    ) -> Option<Point> {
        let trial = before.len() as u64;
        let tried = |point: &Point| before.iter().any(|it| it.point == *point);
        let point = self.suggest(space, before, seed, trial);
        if !tried(&point) {
            return Some(point);
        }
        let mut draws = random::Draws::new(seed.wrapping_add(1), space.name(), trial);
        let mut others = (0..DRAWS).map(|_| random::point(space, &mut draws));
        others.find(|point| !tried(point))
    }
}

impl FromStr for Sampler {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "random" => Ok(Self::Random),
            "tpe" => Ok(Self::Tpe),
            _ => Err(Error::config(
                "sampler",
                "random or tpe",
                format!("\"{name}\""),
            )),
        }
    }
}

impl fmt::Display for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Random => "random",
            Self::Tpe => "tpe",
        })
    }
}

#[cfg(test)]
mod tests;
