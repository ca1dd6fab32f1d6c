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
//!
//! Every product is one task's, of a shape that only the size of the matrix decides: the same bytes on any number of
//! threads.

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::models::ease::cholesky::SmallInverse;
use crate::models::ease::transpose::{Strided, transpose};

/// Rows and columns swept at once: wide enough for the products to run at full speed, narrow enough for the panels to
/// take little memory.
pub(super) fn block_width(size: usize) -> usize {
    match size {
        0..4_096 => 128,
        4_096..16_384 => 256,
        _ => 512,
    }
}

/// Rows of one task: a divisor of every block width, small enough for the tasks to spread over the threads.
fn rows_per_task(size: usize) -> usize {
    block_width(size).min(256)
}

/// Columns of a panel read by one task: a cache line of each row.
const COLUMNS_PER_TASK: usize = 16;

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
        let pivot = inverse_of_block(&panel, size, (start, width))?;
        let scaled = product(&panel, &pivot, size);
        let swept = Swept {
            start,
            width,
            panel,
            pivot,
            scaled,
        };
        let rows = rows_per_task(size);
        matrix
            .par_chunks_mut(rows * size)
            .with_max_len(1)
            .enumerate()
            .for_each(|(task, values)| swept.update(values, task * rows, size));
    }
    Ok(())
}

/// What is known of the columns being swept.
struct Swept {
    start: usize,
    width: usize,
    /// The columns as they were, each one after the other: width × size.
    panel: Vec<f32>,
    /// The inverse of the block on the diagonal: width × width.
    pivot: Vec<f32>,
    /// The columns times the inverse, row by row: size × width.
    scaled: Vec<f32>,
}

impl Swept {
    /// Sweeps `values`, whole rows of the matrix from row `first` on, all or none of them of the block.
    fn update(&self, values: &mut [f32], first: usize, size: usize) {
        let (start, end) = (self.start, self.start + self.width);
        let count = values.len() / size;
        if (start..end).contains(&first) {
            return self.update_block(values, first, size);
        }
        let scaled = &self.scaled[first * self.width..(first + count) * self.width];
        let lhs = MatRef::from_row_major_slice(scaled, count, self.width);
        let rhs = MatRef::from_row_major_slice(&self.panel, self.width, size);
        add_product(values, (lhs, rhs), first, -1.0);
        if first > start {
            let rows = values.chunks_exact_mut(size);
            for (row, scaled) in rows.zip(scaled.chunks_exact(self.width)) {
                row[start..end].copy_from_slice(scaled);
            }
        }
    }

    /// The rows of the block itself.
    fn update_block(&self, values: &mut [f32], first: usize, size: usize) {
        let offset = first - self.start;
        let count = values.len() / size;
        let source = Strided {
            values: &self.scaled[offset..],
            stride: self.width,
        };
        let mut target = Strided {
            values: &mut *values,
            stride: size,
        };
        transpose(&source, &mut target, self.start, count);
        let pivots = self.pivot[offset * self.width..].chunks_exact(self.width);
        for (row, pivots) in values.chunks_exact_mut(size).zip(pivots) {
            let block = &mut row[self.start..self.start + self.width];
            for (value, pivot) in block.iter_mut().zip(pivots) {
                *value = -pivot;
            }
        }
    }
}

/// Adds `factor` times rows `first..` of a symmetric product to `values`, whole rows of the lower triangle: those rows
/// of the left factor times the right one, all columns of it.
pub(super) fn add_product(
    values: &mut [f32],
    (lhs, rhs): (MatRef<'_, f32>, MatRef<'_, f32>),
    first: usize,
    factor: f32,
) {
    let (count, size) = (lhs.nrows(), rhs.ncols());
    let rows = MatMut::from_row_major_slice_mut(values, count, size);
    let (left, right) = rows.split_at_col_mut(first);
    if first > 0 {
        let rhs = rhs.subcols(0, first);
        matmul(left, Accum::Add, lhs, rhs, factor, Par::Seq);
    }
    triangular::matmul(
        right.subcols_mut(0, count),
        BlockStructure::TriangularLower,
        Accum::Add,
        lhs,
        BlockStructure::Rectangular,
        rhs.subcols(first, count),
        BlockStructure::Rectangular,
        factor,
        Par::Seq,
    );
}

/// Columns `start..start + width` of the whole symmetric matrix, one after the other, read from its lower triangle.
fn panel(matrix: &[f32], size: usize, (start, width): (usize, usize)) -> Vec<f32> {
    let mut panel = vec![0.0f32; width * size];
    panel
        .par_chunks_mut(COLUMNS_PER_TASK * size)
        .enumerate()
        .for_each(|(task, columns)| {
            let first = start + task * COLUMNS_PER_TASK;
            let source = Strided {
                values: &matrix[first * size + first..],
                stride: size,
            };
            let count = columns.len() / size;
            let mut target = Strided {
                values: &mut columns[first..],
                stride: size,
            };
            transpose(&source, &mut target, size - first, count);
            for (column, values) in (first..).zip(columns.chunks_exact_mut(size)) {
                let row = &matrix[column * size..=column * size + column];
                values[..=column].copy_from_slice(row);
            }
        });
    panel
}

/// `panelᵀ · pivot`, row by row.
fn product(panel: &[f32], pivot: &[f32], size: usize) -> Vec<f32> {
    let width = panel.len() / size;
    let panel = MatRef::from_row_major_slice(panel, width, size);
    let pivot = MatRef::from_row_major_slice(pivot, width, width);
    let rows = rows_per_task(size);
    let mut product = vec![0.0f32; size * width];
    product
        .par_chunks_mut(rows * width)
        .with_max_len(1)
        .enumerate()
        .for_each(|(task, values)| {
            let count = values.len() / width;
            let columns = panel.subcols(task * rows, count);
            let target = MatMut::from_row_major_slice_mut(values, count, width);
            let replace = Accum::Replace;
            matmul(target, replace, columns.transpose(), pivot, 1.0, Par::Seq);
        });
    product
}

/// The inverse of the block on the diagonal, in row-major order.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the matrix is f32, only this step is not"
)]
fn inverse_of_block(
    panel: &[f32],
    size: usize,
    (start, width): (usize, usize),
) -> Result<Vec<f32>> {
    let block = Mat::from_fn(width, width, |row, column| {
        f64::from(panel[column * size + start + row])
    });
    let inverse = SmallInverse::of(block).ok_or_else(|| {
        Error::data(
            "ease",
            "the regularized item × item matrix is not positive definite in 32-bit numbers: \
             a larger regularization, or interaction weights of a smaller range, make it so",
        )
    })?;
    let entries = (0..width * width).map(|at| inverse.at(at / width, at % width) as f32);
    Ok(entries.collect())
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
