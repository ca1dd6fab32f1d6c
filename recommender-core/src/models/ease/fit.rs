//! Gram matrix, inverse, weights: three passes over one m × m array.

use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::interactions::Interactions;
use crate::models::ease::Ease;
use crate::models::ease::inverse::{block_width, negated_inverse};
use crate::models::ease::problem::{Column, Problem, bytes_needed, chosen, gram_diagonal};
use crate::models::ease::transpose::{Strided, transpose};
use crate::recommender::FitOptions;

/// Numbers beside the matrix that its inverse takes.
fn panels(items: usize) -> usize {
    2 * items * block_width(items)
}

/// Bytes of a fit of so many items at its peak.
pub(super) fn memory_of_fit(items: usize) -> u64 {
    bytes_needed(items, panels(items))
}

impl Problem {
    pub(super) fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Ease> {
        self.validate()?;
        options.run(|| {
            let items = chosen(dataset);
            let mut matrix = self.allocate(items.len(), panels(items.len()))?;
            let megabytes = memory_of_fit(items.len()) >> 20;
            options.step(&format!("gram matrix in {megabytes} MiB"), 0.0)?;
            let squares = gram_diagonal(dataset, &items);
            self.fill_gram(&mut matrix, (&items, &squares), dataset.interactions());
            negated_inverse(&mut matrix, items.len(), |done| {
                options.step("inverse", done)
            })?;
            options.step("weights", 0.0)?;
            let model = self.solution(matrix, (&items, &squares))?;
            options.step("weights", 1.0)?;
            Ok(model)
        })
    }

    /// `XᵀX + Λ`, the lower triangle: row r holds what item r shares with the items before it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the matrix is f32; columns number items, which are u32"
    )]
    fn fill_gram(
        &self,
        matrix: &mut [f32],
        (items, squares): (&[ItemIx], &[f64]),
        interactions: &Interactions,
    ) {
        let mut columns = vec![0u32; interactions.by_item().rows()];
        for (column, item) in items.iter().enumerate() {
            columns[item.position()] = column as u32;
        }
        let size = items.len();
        matrix
            .par_chunks_mut(size.max(1))
            .enumerate()
            .for_each(|(row, sums)| {
                let item = items[row];
                for (user, weight) in interactions.by_item().row(item.position()).iter() {
                    let others = interactions.by_user().row(user as usize).iter();
                    for (other, other_weight) in others.take_while(|&(other, _)| other < item.0) {
                        sums[columns[other as usize] as usize] += weight * other_weight;
                    }
                }
                sums[row] = (squares[row] + self.penalty(squares[row])) as f32;
            });
    }

    /// The model of a `matrix` that holds `−(XᵀX + Λ)⁻¹` in its lower triangle; its items come with the diagonal of
    /// `XᵀX`.
    pub(super) fn solution(
        &self,
        mut matrix: Vec<f32>,
        (items, squares): (&[ItemIx], &[f64]),
    ) -> Result<Ease> {
        let size = items.len();
        let diagonal: Vec<f32> = (0..size).map(|at| -matrix[at * size + at]).collect();
        if !diagonal.iter().all(|&value| value > 0.0) {
            return Err(Error::data(
                self.model,
                "the regularized item × item matrix is singular in 32-bit numbers: a larger \
                 regularization, or interaction weights of a smaller range, make it regular",
            ));
        }
        let columns: Vec<Column> = diagonal
            .iter()
            .zip(squares)
            .map(|(&inverse, &gram)| self.column(inverse, gram))
            .collect();
        mirror(&mut matrix, size);
        self.scale(&mut matrix, &columns)?;
        let scales: Vec<f32> = columns.iter().map(|column| column.scale).collect();
        Ok(Ease {
            items: items.iter().map(|item| item.0).collect::<Vec<_>>().into(),
            weights: matrix.into(),
            inverse_diagonal: diagonal.into(),
            scales: scales.into(),
        })
    }

    /// From −P to B.
    fn scale(&self, matrix: &mut [f32], columns: &[Column]) -> Result<()> {
        let finite = matrix
            .par_chunks_mut(columns.len().max(1))
            .enumerate()
            .map(|(row, values)| {
                for (value, column) in values.iter_mut().zip(columns) {
                    *value *= column.scale;
                }
                values[row] = columns[row].diagonal;
                values.iter().all(|value| value.is_finite())
            })
            .reduce(|| true, |a, b| a && b);
        if finite {
            return Ok(());
        }
        Err(Error::data(
            self.model,
            "the weights overflowed: the interaction weights have too large a range",
        ))
    }
}

/// Rows mirrored by one task: one cache line of each row below is read at a time.
const ROWS_PER_TASK: usize = 16;
/// Rows mirrored before those below them are borrowed anew.
const ROWS_PER_BAND: usize = 512;

/// Copies the lower triangle to the upper one.
fn mirror(matrix: &mut [f32], size: usize) {
    for first in (0..size).step_by(ROWS_PER_BAND) {
        let last = size.min(first + ROWS_PER_BAND);
        let (above, below) = matrix.split_at_mut(last * size);
        let band = &mut above[first * size..];
        for row in first..last {
            for column in first..row {
                band[(column - first) * size + row] = band[(row - first) * size + column];
            }
        }
        if last == size {
            return;
        }
        let below: &[f32] = below;
        band.par_chunks_mut(ROWS_PER_TASK * size)
            .enumerate()
            .for_each(|(task, rows)| {
                let source = Strided {
                    values: &below[first + task * ROWS_PER_TASK..],
                    stride: size,
                };
                let count = rows.len() / size;
                let mut target = Strided {
                    values: &mut rows[last..],
                    stride: size,
                };
                transpose(&source, &mut target, size - last, count);
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_triangle_is_mirrored_across_bands() {
        let size = 2 * ROWS_PER_BAND + 17;
        let mut matrix: Vec<f32> = (0..size * size)
            .map(|at| {
                if at % size <= at / size {
                    at as f32
                } else {
                    -1.0
                }
            })
            .collect();
        mirror(&mut matrix, size);
        for row in 0..size {
            for column in 0..row {
                assert_eq!(matrix[column * size + row], matrix[row * size + column]);
            }
        }
    }
}
