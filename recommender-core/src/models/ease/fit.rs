//! Gram matrix, inverse, weights: three passes over one m × m array.

use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::interactions::Interactions;
use crate::models::ease::inverse::{block_width, negated_inverse};
use crate::models::ease::{Ease, EaseConfig};
use crate::recommender::FitOptions;

impl EaseConfig {
    /// Solves for the weights between all items of `dataset` that have an interaction.
    ///
    /// With m such items: m³ operations, and memory for one m × m matrix of 4-byte numbers and a few per cent.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is out of range; [`Error::Data`] if the memory needed is more than allowed or
    /// not to be had, or if the weights of the interactions are of too large a range; [`Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Ease> {
        self.validate()?;
        options.run(|| {
            let interactions = dataset.interactions();
            let items: Vec<ItemIx> = (0..interactions.by_item().rows())
                .filter(|&item| !interactions.by_item().row(item).is_empty())
                .map(ItemIx::at)
                .collect();
            let mut matrix = self.allocate(items.len())?;
            options.step("gram matrix", 0.0)?;
            self.fill_gram(&mut matrix, &items, interactions);
            negated_inverse(&mut matrix, items.len(), |done| {
                options.step("inverse", done)
            })?;
            options.step("weights", 0.0)?;
            mirror(&mut matrix, items.len());
            scale(&mut matrix, items.len())?;
            options.step("weights", 1.0)?;
            Ok(Ease {
                items: items.iter().map(|item| item.0).collect::<Vec<_>>().into(),
                weights: matrix.into(),
            })
        })
    }

    /// Zeroes for the matrix, if they and the panels of the inverse fit.
    fn allocate(&self, items: usize) -> Result<Vec<f32>> {
        let bytes = bytes_needed(items);
        let refuse = |reason: &str| {
            Error::data(
                "ease",
                format!(
                    "{items} items need {bytes} bytes, {reason}; item_knn learns from as many in far less"
                ),
            )
        };
        if let Some(most) = self.max_memory_bytes.filter(|&most| bytes > most) {
            return Err(refuse(&format!("max_memory_bytes allows {most}")));
        }
        // Room is asked for twice: the first time a refusal is an error and not the end of the process, the second
        // time it comes zeroed from the system, page by page as all threads first touch it.
        let mut room = Vec::<f32>::new();
        room.try_reserve_exact(items * items)
            .map_err(|_| refuse("which could not be had"))?;
        drop(room);
        Ok(vec![0.0; items * items])
    }

    /// `XᵀX + λI`, the lower triangle: row r holds what item r shares with the items before it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the matrix is f32; columns number items, which are u32"
    )]
    fn fill_gram(&self, matrix: &mut [f32], items: &[ItemIx], interactions: &Interactions) {
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
                    for (other, other_weight) in others.take_while(|&(other, _)| other <= item.0) {
                        sums[columns[other as usize] as usize] += weight * other_weight;
                    }
                }
                sums[row] += self.regularization as f32;
            });
    }
}

/// Bytes a fit of `items` items takes at its peak: the matrix and two panels.
fn bytes_needed(items: usize) -> u64 {
    let (size, block) = (items as u64, block_width(items) as u64);
    (size.saturating_mul(size) + 2 * size * block).saturating_mul(size_of::<f32>() as u64)
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
        band.par_chunks_mut(ROWS_PER_TASK * size)
            .enumerate()
            .for_each(|(task, rows)| {
                let start = first + task * ROWS_PER_TASK;
                for (row, values) in (last..size).zip(below.chunks_exact(size)) {
                    for (offset, target) in rows.chunks_exact_mut(size).enumerate() {
                        target[row] = values[start + offset];
                    }
                }
            });
    }
}

/// From −P to B: `B_ij = −P_ij / P_jj` (Steck 2019, eq. 8), zero on the diagonal.
fn scale(matrix: &mut [f32], size: usize) -> Result<()> {
    let factors: Vec<f32> = (0..size)
        .map(|item| -1.0 / matrix[item * size + item])
        .collect();
    let finite = matrix
        .par_chunks_mut(size.max(1))
        .enumerate()
        .map(|(row, values)| {
            for (value, factor) in values.iter_mut().zip(&factors) {
                *value *= factor;
            }
            values[row] = 0.0;
            values.iter().all(|value| value.is_finite())
        })
        .reduce(|| true, |a, b| a && b);
    if finite {
        return Ok(());
    }
    Err(Error::data(
        "ease",
        "the weights overflowed: the interaction weights have too large a range",
    ))
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

    #[test]
    fn too_many_items_are_refused_with_the_bytes_they_need() {
        let config = EaseConfig {
            max_memory_bytes: Some(1 << 20),
            ..EaseConfig::default()
        };
        let error = config.allocate(1000).unwrap_err().to_string();
        assert!(error.contains("5024000 bytes"), "{error}");
        assert!(error.contains("item_knn"), "{error}");
    }
}
