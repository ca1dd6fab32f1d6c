//! The tree-structured Parzen estimator.
//!
//! The trials so far are parted into the best quarter and the rest. Each part is a density over the space, `l` of the
//! good and `g` of the others: a kernel at each trial, the product over the settings (Falkner, Klein & Hutter, *BOHB*,
//! ICML 2018, §3.2, who keep the joint density, where the first paper treats settings one by one), and one flat kernel
//! for all that was never tried. Of some points drawn from `l` the one with the greatest `l / g` is tried: that is the
//! one of greatest expected improvement (Bergstra et al. 2011, eq. 11). A setting that a trial did not look at has a
//! flat kernel in it.

use crate::tuning::sampler::Observation;
use crate::tuning::sampler::random::{self, Draws};
use crate::tuning::space::{ModelSpace, Parameter, Point};

/// Trials that are drawn at random before the estimator is asked, the defaults among them.
const STARTUP: usize = 8;
/// One of so many trials is good.
const GOOD_ONE_OF: usize = 4;
/// Most good trials.
const MOST_GOOD: usize = 25;
/// One of so many trials is drawn at random, so that no choice is written off for good (BOHB, §3.2).
const RANDOM_ONE_OF: usize = 4;
/// Points drawn from the density of the good.
const CANDIDATES: usize = 64;
/// Deviation of a kernel over a range from 0 to 1, before it shrinks with the trials. It does not follow the spread of
/// the trials, which would draw the search together wherever it happened to begin.
const WIDTH: f64 = 0.16;

/// What the estimator tries next.
pub(super) fn point(space: &ModelSpace, before: &[Observation], draws: &mut Draws) -> Point {
    let explores = before.len() < STARTUP || before.len().is_multiple_of(RANDOM_ONE_OF);
    if explores || before.iter().all(|it| it.score.is_none()) {
        return random::point(space, draws);
    }
    let mut order: Vec<&Observation> = before.iter().collect();
    // Stable, so equal scores stay in the order of their trials; failures come last.
    order.sort_by(|a, b| {
        let score = |it: &Observation| it.score.unwrap_or(f64::NEG_INFINITY);
        score(b).total_cmp(&score(a))
    });
    let good = before.len().div_ceil(GOOD_ONE_OF).min(MOST_GOOD);
    let (good, rest) = order.split_at(good);
    let (good, rest) = (Density::new(space, good), Density::new(space, rest));
    let mut best: Option<(f64, Point)> = None;
    for _ in 0..CANDIDATES {
        let candidate = good.draw(draws);
        let units = units(space, &candidate);
        let gain = good.log_density(&units) - rest.log_density(&units);
        if best.as_ref().is_none_or(|(most, _)| gain > *most) {
            best = Some((gain, candidate));
        }
    }
    best.map_or_else(Point::new, |(_, point)| point)
}

/// Where each setting of `point` lies, none where it is not set.
fn units(space: &ModelSpace, point: &Point) -> Vec<Option<f64>> {
    let unit = |it: &Parameter| point.get(&it.name).and_then(|value| it.domain.unit(value));
    space.parameters().iter().map(unit).collect()
}

/// A mixture of one kernel for each trial and a flat one.
#[derive(Debug)]
struct Density<'a> {
    space: &'a ModelSpace,
    centres: Vec<Vec<Option<f64>>>,
    /// For each setting, the deviation of a range's kernels, or the share of a choice's kernels that goes astray.
    widths: Vec<f64>,
}

impl<'a> Density<'a> {
    fn new(space: &'a ModelSpace, trials: &[&Observation]) -> Self {
        let centres: Vec<_> = trials.iter().map(|it| units(space, &it.point)).collect();
        let shrink =
            (trials.len().max(1) as f64).powf(-1.0 / (4.0 + space.parameters().len() as f64));
        let width = |parameter: &Parameter| match parameter.domain.choices() {
            Some(_) => 0.5 * shrink,
            None => WIDTH * shrink,
        };
        let widths = space.parameters().iter().map(width).collect();
        Self {
            space,
            centres,
            widths,
        }
    }

    fn draw(&self, draws: &mut Draws) -> Point {
        // One more than there are trials: the flat kernel.
        let kernel = self.centres.get(draws.below(self.centres.len() + 1));
        let mut point = Point::new();
        for (place, parameter) in self.space.parameters().iter().enumerate() {
            if !parameter.is_active(&point) {
                continue;
            }
            let centre = kernel.and_then(|centres| centres[place]);
            let width = self.widths[place];
            let unit = match (centre, parameter.domain.choices()) {
                (None, _) => draws.uniform(),
                (Some(centre), None) => within_range(centre, width, draws),
                (Some(_), Some(_)) if draws.uniform() < width => draws.uniform(),
                (Some(centre), Some(_)) => centre,
            };
            point.insert(parameter.name.clone(), parameter.domain.value(unit));
        }
        point
    }

    fn log_density(&self, units: &[Option<f64>]) -> f64 {
        let kernels = self.centres.iter().map(|centre| self.kernel(centre, units));
        // The flat kernel is 1 everywhere: choices are counted as parts of the range from 0 to 1.
        let total: f64 = 1.0 + kernels.sum::<f64>();
        (total / (self.centres.len() + 1) as f64).ln()
    }

    fn kernel(&self, centre: &[Option<f64>], units: &[Option<f64>]) -> f64 {
        let parameters = self.space.parameters().iter().enumerate();
        let factor = |(place, parameter): (usize, &Parameter)| {
            let (Some(centre), Some(unit)) = (centre[place], units[place]) else {
                return 1.0;
            };
            let width = self.widths[place];
            match parameter.domain.choices() {
                Some(choices) if (centre - unit).abs() * (choices as f64) < 0.5 => {
                    (1.0 - width) * choices as f64 + width
                }
                Some(_) => width,
                None => normal((unit - centre) / width) / width,
            }
        };
        parameters.map(factor).product()
    }
}

fn normal(z: f64) -> f64 {
    (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()
}

/// A normal draw, drawn again while it leaves the range from 0 to 1.
fn within_range(centre: f64, width: f64, draws: &mut Draws) -> f64 {
    for _ in 0..20 {
        let unit = centre + width * draws.normal();
        if (0.0..=1.0).contains(&unit) {
            return unit;
        }
    }
    centre
}
