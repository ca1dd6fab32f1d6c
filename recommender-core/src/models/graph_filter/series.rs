//! Functions of the spectrum as Chebyshev series: `f(λ) = Σ_k c_k T_k(2λ − 1)` for λ from 0 to 1.

use std::f64::consts::PI;

use crate::models::graph_filter::{GraphFilterConfig, Response};

/// A polynomial over 0..=1 by its coefficients c_k; never empty.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series(pub(super) Vec<f64>);

impl Series {
    /// The polynomial of `degree` that equals `f` at the Chebyshev nodes of 0..=`end`, which a polynomial of that
    /// degree does everywhere.
    pub(super) fn interpolating(degree: usize, end: f64, f: impl Fn(f64) -> f64) -> Self {
        let over = |end: f64| move |node: f64| end * f64::midpoint(node, 1.0);
        let values: Vec<f64> = nodes(degree).map(over(end)).map(f).collect();
        let narrow = Self::through(&values);
        if (end - 1.0).abs() < f64::EPSILON {
            return narrow;
        }
        let wide = nodes(degree).map(over(1.0)).map(|x| narrow.at(x / end));
        Self::through(&wide.collect::<Vec<f64>>())
    }

    /// The series that takes `values` at the Chebyshev nodes, in their order.
    fn through(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let coefficient = |k: usize| {
            let terms = nodes(values.len() - 1).zip(values);
            let sum: f64 = terms
                .map(|(node, value)| value * (k as f64 * node.acos()).cos())
                .sum();
            sum * if k == 0 { 1.0 } else { 2.0 } / count
        };
        Self((0..values.len()).map(coefficient).collect())
    }

    /// f(λ), by Clenshaw's recurrence.
    pub(super) fn at(&self, eigenvalue: f64) -> f64 {
        let x = 2.0 * eigenvalue - 1.0;
        let (mut next, mut after) = (0.0, 0.0);
        for coefficient in self.0[1..].iter().rev() {
            (next, after) = (coefficient + 2.0 * x * next - after, next);
        }
        self.0[0] + x * next - after
    }

    /// The response of the polynomial filter of `config`.
    pub(super) fn of_response(config: &GraphFilterConfig) -> Self {
        match config.response {
            Response::Linear => Self(vec![0.5, 0.5]),
            Response::Plateau => plateau(config.order, config.flatness),
            Response::Polynomial => {
                let degree = config.coefficients.len() - 1;
                Self::interpolating(degree, 1.0, |eigenvalue| {
                    let horner = |sum: f64, c: &f64| sum * eigenvalue + c;
                    config.coefficients.iter().rev().fold(0.0, horner)
                })
            }
        }
    }

    /// What one step of the classical Runge-Kutta method over `time` makes of `y' = −λy`: `Σ_{k≤4} (−λ·time)^k / k!`.
    pub(super) fn of_sharpening(time: f64) -> Self {
        Self::interpolating(4, 1.0, |eigenvalue| {
            let z = -time * eigenvalue;
            1.0 + z * (1.0 + z / 2.0 * (1.0 + z / 3.0 * (1.0 + z / 4.0)))
        })
    }
}

/// The `degree + 1` Chebyshev nodes of the first kind, −1..=1, ascending.
fn nodes(degree: usize) -> impl Iterator<Item = f64> {
    let count = (degree + 1) as f64;
    (0..=degree).map(move |at| -((at as f64 + 0.5) / count * PI).cos())
}

/// As published, the curve is taken at the extreme points of the Chebyshev polynomial, which are spread from end to
/// end, and put at its nodes, which are not: the filter's ends are 0 and 1 exactly there.
fn plateau(order: usize, flatness: f64) -> Series {
    let values: Vec<f64> = (0..=order)
        .map(|at| {
            let x = -(at as f64 / order as f64 * PI).cos();
            0.5 + 0.5 * x.signum() * x.abs().powf(flatness)
        })
        .collect();
    Series::through(&values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polynomial_is_met_everywhere() {
        let cubic = |x: f64| 0.3 - x + 2.0 * x * x - 0.5 * x * x * x;
        for end in [1.0, 0.1] {
            let series = Series::interpolating(3, end, cubic);
            for at in 0..=20 {
                let x = f64::from(at) / 20.0;
                assert!((series.at(x) - cubic(x)).abs() < 1e-9, "{end} {x}");
            }
        }
        assert!((Series(vec![0.5, 0.5]).at(0.3) - 0.3).abs() < 1e-12);
        let constant = Series::interpolating(0, 1.0, |_| 2.0);
        assert!((constant.at(0.9) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn the_plateau_rises_from_nothing_to_one_and_is_odd_about_the_middle() {
        let series = plateau(8, 1.5);
        assert_eq!(series.0.len(), 9);
        assert!((series.at(0.5) - 0.5).abs() < 1e-9);
        for x in [0.0, 0.1, 0.25] {
            assert!((series.at(x) + series.at(1.0 - x) - 1.0).abs() < 1e-9);
        }
        assert!(series.at(0.0).abs() < 0.05 && series.at(0.2) < series.at(0.8));
    }

    #[test]
    fn sharpening_is_the_exponential_to_fourth_order() {
        let series = Series::of_sharpening(0.1);
        assert!((series.at(1.0) - (-0.1f64).exp()).abs() < 1e-6);
        assert!((series.at(0.0) - 1.0).abs() < 1e-12);
    }
}
