//! The inverse of a symmetric positive definite matrix, in place, on all threads.
//!
//! The sweep operator by blocks (Goodnight, *A tutorial on the SWEEP operator*, The American Statistician 1979): for each
//! block K of rows and columns
//!
//! `A_IJ ← A_IJ − A_IK A_KK⁻¹ A_KJ`, `A_IK ← A_IK A_KK⁻¹`, `A_KK ← −A_KK⁻¹`,
//!
//! after which the matrix is `−A⁻¹`. It stays symmetric throughout, so only the lower triangle is kept: n³ operations in
//! all, nearly all of them in matrix products, in one copy of the matrix and two panels of one block's width. Cholesky,
//! triangular inverse and product do the same work in three passes of less regular shape.
//! The blocks on the diagonal, where rounding would hurt the most, are inverted in double precision.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, Slice};
use rayon::prelude::*;

use crate::error::{Error, Result};

const ROWS: Axis = Axis(0);
const COLUMNS: Axis = Axis(1);

/// Rows and columns swept at once: wide enough for the products to run at full speed, narrow enough for the blocks on
/// the diagonal to cost little.
pub(super) fn block_width(size: usize) -> usize {
    match size {
        0..4_096 => 128,
        4_096..16_384 => 256,
        _ => 512,
    }
}

/// Replaces the lower triangle of `matrix`, `size × size` in row-major order, by that of its negated inverse.
/// What stands above the diagonal is not read, and not kept.
///
/// # Errors
/// [`Error::Data`] if the matrix is not positive definite, or what `step`, told the share done, gives.
pub(super) fn negated_inverse(
    matrix: &mut [f32],
    size: usize,
    step: impl Fn(f64) -> Result<()>,
) -> Result<()> {
    assert_eq!(matrix.len(), size * size, "a square matrix");
    let block = block_width(size);
    for start in (0..size).step_by(block) {
        step(start as f64 / size as f64)?;
        let width = block.min(size - start);
        let panel = panel(matrix, size, (start, width));
        let pivot = inverse_of_block(panel.slice_axis(ROWS, Slice::from(start..start + width)))?;
        let scaled = product(&panel, &pivot, block);
        let swept = Swept {
            start,
            panel,
            pivot,
            scaled,
        };
        matrix
            .par_chunks_mut(block * size)
            .with_max_len(1)
            .enumerate()
            .for_each(|(chunk, rows)| swept.update(rows, chunk * block, size));
    }
    Ok(())
}

/// What is known of the columns being swept.
struct Swept {
    start: usize,
    /// The columns as they were, of all rows.
    panel: Array2<f32>,
    /// The inverse of the block on the diagonal.
    pivot: Array2<f32>,
    /// The columns times the inverse.
    scaled: Array2<f32>,
}

impl Swept {
    /// Sweeps `rows`, whole rows of the matrix from row `first` on.
    fn update(&self, rows: &mut [f32], first: usize, size: usize) {
        let (start, end) = (self.start, self.start + self.panel.ncols());
        let count = rows.len() / size;
        let mut rows = ArrayViewMut2::from_shape((count, size), rows)
            .expect("a chunk of a square matrix is whole rows");
        if first == start {
            let left = self.scaled.slice_axis(ROWS, Slice::from(..start));
            rows.slice_axis_mut(COLUMNS, Slice::from(..start))
                .assign(&left.t());
            rows.slice_axis_mut(COLUMNS, Slice::from(start..end))
                .assign(&self.pivot.map(|value| -value));
            return;
        }
        let last = first + count;
        let scaled = self.scaled.slice_axis(ROWS, Slice::from(first..last));
        let panel = self.panel.slice_axis(ROWS, Slice::from(..last));
        let mut lower = rows.slice_axis_mut(COLUMNS, Slice::from(..last));
        general_mat_mul(-1.0, &scaled, &panel.t(), 1.0, &mut lower);
        if first > start {
            rows.slice_axis_mut(COLUMNS, Slice::from(start..end))
                .assign(&scaled);
        }
    }
}

/// Columns `start..start + width` of the whole symmetric matrix, read from its lower triangle.
fn panel(matrix: &[f32], size: usize, (start, width): (usize, usize)) -> Array2<f32> {
    let mut panel = Array2::<f32>::zeros((size, width));
    let values = panel
        .as_slice_mut()
        .expect("a new array is in row-major order");
    values
        .par_chunks_mut(width)
        .with_min_len(64)
        .enumerate()
        .for_each(|(row, values)| {
            let known = (row + 1).saturating_sub(start).min(width);
            let from = row * size + start;
            values[..known].copy_from_slice(&matrix[from..from + known]);
            for (column, value) in values.iter_mut().enumerate().skip(known) {
                *value = matrix[(start + column) * size + row];
            }
        });
    panel
}

/// `panel · pivot`, by chunks of rows.
fn product(panel: &Array2<f32>, pivot: &Array2<f32>, chunk: usize) -> Array2<f32> {
    let (rows, width) = panel.dim();
    let mut product = Array2::<f32>::zeros((rows, width));
    let values = product
        .as_slice_mut()
        .expect("a new array is in row-major order");
    values
        .par_chunks_mut(chunk * width)
        .with_max_len(1)
        .enumerate()
        .for_each(|(index, values)| {
            let count = values.len() / width;
            let first = index * chunk;
            let mut values = ArrayViewMut2::from_shape((count, width), values)
                .expect("a chunk of an array is whole rows");
            let rows = panel.slice_axis(ROWS, Slice::from(first..first + count));
            general_mat_mul(1.0, &rows, pivot, 0.0, &mut values);
        });
    product
}

/// The inverse of one small block, swept row by row in double precision.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the matrix is f32, only this step is not"
)]
fn inverse_of_block(block: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
    let size = block.nrows();
    let mut lower: Vec<f64> = block.iter().map(|&value| f64::from(value)).collect();
    let mut column = vec![0.0; size];
    for pivot in 0..size {
        for (row, value) in column.iter_mut().enumerate() {
            *value = lower[row.max(pivot) * size + row.min(pivot)];
        }
        let diagonal = column[pivot];
        if !(diagonal.is_finite() && diagonal > 0.0) {
            return Err(Error::data(
                "ease",
                "the regularized item × item matrix is not positive definite in 32-bit numbers: \
                 a larger regularization, or interaction weights of a smaller range, make it so",
            ));
        }
        for (row, values) in lower.chunks_exact_mut(size).enumerate() {
            let factor = column[row] / diagonal;
            if row != pivot {
                for (value, other) in values[..=row].iter_mut().zip(&column) {
                    *value -= factor * other;
                }
            }
            if row > pivot {
                values[pivot] = factor;
            }
        }
        for (value, other) in lower[pivot * size..].iter_mut().zip(&column[..pivot]) {
            *value = other / diagonal;
        }
        lower[pivot * size + pivot] = -1.0 / diagonal;
    }
    Ok(Array2::from_shape_fn((size, size), |(row, column)| {
        -lower[row.max(column) * size + row.min(column)] as f32
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A positive definite matrix with entries of both signs.
    fn sample(size: usize) -> Vec<f32> {
        let entry = |row: usize, column: usize| {
            let (low, high) = (row.min(column), row.max(column));
            let wave = ((low * 7 + high * 13) % 29) as f32 / 29.0 - 0.5;
            if low == high { size as f32 * 0.6 } else { wave }
        };
        (0..size * size)
            .map(|at| entry(at / size, at % size))
            .collect()
    }

    #[test]
    fn the_inverse_times_the_matrix_is_the_identity_at_every_block_boundary() {
        for size in [1, 2, 127, 128, 129, 300] {
            let matrix = sample(size);
            let mut inverse = matrix.clone();
            negated_inverse(&mut inverse, size, |_| Ok(())).unwrap();
            let inverse = |row: usize, column: usize| {
                -f64::from(inverse[row.max(column) * size + row.min(column)])
            };
            for row in 0..size {
                for column in [0, size / 2, size - 1] {
                    let sum: f64 = (0..size)
                        .map(|inner| f64::from(matrix[row * size + inner]) * inverse(inner, column))
                        .sum();
                    let expected = f64::from(u8::from(row == column));
                    assert!(
                        (sum - expected).abs() < 1e-5,
                        "{size} {row} {column}: {sum}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        let mut indefinite = vec![1.0, 0.0, 2.0, 1.0];
        let error = negated_inverse(&mut indefinite, 2, |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("regularization"), "{error}");
        assert!(negated_inverse(&mut [f32::INFINITY], 1, |_| Ok(())).is_err());
    }
}
