//! K⁻¹ of Woodbury's identity, in double precision: rows come first, then rows go, so that every matrix on the way is
//! positive definite.

use faer::Mat;
use ndarray::{Array2, ArrayView2, Axis, concatenate};
use rayon::prelude::*;

use crate::models::ease::cholesky::SmallInverse;
use crate::models::ease::low_rank::LowRank;

/// What is left of a row's own direction once it has gone divides the rounding of all that went before: where less is
/// left than this, a new fit is the better answer.
const LEAST_PIVOT: f64 = 1e-3;

/// The inverse of `K = S + U Wᵀ` in row-major order, with `panel` the rows of W; none if it can't be had in good
/// precision.
///
/// With `K = [A Cᵀ; C D]`, `T = C A⁻¹` and `R = T Cᵀ − D`, A and R positive definite, it is
/// `[A⁻¹ − Tᵀ R⁻¹ T, Tᵀ R⁻¹; R⁻¹ T, −R⁻¹]`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the panels are f32, only this step is not"
)]
pub(super) fn core_inverse(rank: &LowRank, panel: &[f32]) -> Option<Vec<f32>> {
    let core = core(rank, panel);
    let come = rank.come.len();
    let (above, below) = core.view().split_at(Axis(0), come);
    let (kept, _) = above.split_at(Axis(1), come);
    let (cross, gone) = below.split_at(Axis(1), come);
    let (first, _) = inverse(kept)?;
    let share = cross.dot(&first);
    let left = share.dot(&cross.t()) - gone;
    let (second, least_pivot) = inverse(left.view())?;
    if least_pivot < LEAST_PIVOT {
        return None;
    }
    let corner = second.dot(&share);
    let first = first - share.t().dot(&corner);
    let above = concatenate![Axis(1), first, corner.t()];
    let below = concatenate![Axis(1), corner, -second];
    let whole = concatenate![Axis(0), above, below];
    Some(whole.iter().map(|&value| value as f32).collect())
}

/// K.
fn core(rank: &LowRank, panel: &[f32]) -> Array2<f64> {
    let (rows, size) = (rank.rows(), rank.union.len());
    let entries: Vec<f64> = rows
        .par_iter()
        .enumerate()
        .flat_map_iter(|(at, row)| {
            let sign = if at < rank.come.len() { 1.0 } else { -1.0 };
            panel
                .chunks_exact(size)
                .enumerate()
                .map(move |(other, values)| {
                    let terms = row
                        .iter()
                        .map(|&(column, x)| f64::from(x) * f64::from(values[column as usize]));
                    terms.sum::<f64>() + if at == other { sign } else { 0.0 }
                })
        })
        .collect();
    Array2::from_shape_vec((rows.len(), rows.len()), entries)
        .expect("there is an entry for every pair of rows")
}

/// The inverse, and how near to singular the matrix was.
fn inverse(matrix: ArrayView2<'_, f64>) -> Option<(Array2<f64>, f64)> {
    let size = matrix.nrows();
    let found = SmallInverse::of(Mat::from_fn(size, size, |row, column| {
        matrix[(row, column)]
    }))?;
    let whole = Array2::from_shape_fn((size, size), |(row, column)| found.at(row, column));
    Some((whole, found.least_pivot))
}
