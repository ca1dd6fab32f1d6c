//! The one sparse matrix of the crate: compressed rows, `u32` columns, `f32` values.

mod accumulator;
mod best_of;
mod nearest;
mod renew;

pub(crate) use accumulator::Accumulator;
pub(crate) use best_of::BestOf;
pub(crate) use nearest::Nearest;
pub(crate) use renew::{Changed, differing_rows};

use crate::buffer::Buffer;
use crate::error::{Error, Result};

/// A compressed-row matrix of shape `rows × cols`.
///
/// Row `r` holds its columns, ascending and unique, at `indices[offsets[r]..offsets[r + 1]]`,
/// and their values at the same positions of `values`. All values are finite.
///
/// ```
/// use recommender_core::SparseMatrix;
/// let matrix = SparseMatrix::from_rows(3, [vec![(0, 1.0), (2, 0.5)], vec![]])?;
/// assert_eq!(matrix.row(0).indices, &[0, 2]);
/// assert_eq!(matrix.transpose().row(2).values, &[0.5]);
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SparseMatrix {
    cols: usize,
    offsets: Buffer<u64>,
    indices: Buffer<u32>,
    values: Buffer<f32>,
}

/// One row of a [`SparseMatrix`]: columns ascending, values beside them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SparseRow<'a> {
    /// Columns, ascending, unique.
    pub indices: &'a [u32],
    /// The value of each column.
    pub values: &'a [f32],
}

impl<'a> SparseRow<'a> {
    /// How many entries the row stores.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether the row stores nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Columns with their values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, f32)> + use<'a> {
        self.indices
            .iter()
            .copied()
            .zip(self.values.iter().copied())
    }

    /// The sum of the squared values.
    #[must_use]
    pub fn squared_norm(&self) -> f32 {
        self.values.iter().map(|value| value * value).sum()
    }
}

impl SparseMatrix {
    /// A matrix from its three arrays, checked.
    ///
    /// # Errors
    /// [`Error::Data`] if the arrays do not fit each other, a row is unsorted or repeats a column,
    /// a column lies outside, or a value is not finite.
    pub fn try_new(
        cols: usize,
        offsets: impl Into<Buffer<u64>>,
        indices: impl Into<Buffer<u32>>,
        values: impl Into<Buffer<f32>>,
    ) -> Result<Self> {
        let matrix = Self {
            cols,
            offsets: offsets.into(),
            indices: indices.into(),
            values: values.into(),
        };
        matrix.check()?;
        Ok(matrix)
    }

    /// A matrix from rows of (column, value), each sorted by column.
    ///
    /// # Errors
    /// As [`SparseMatrix::try_new`].
    pub fn from_rows(cols: usize, rows: impl IntoIterator<Item = Vec<(u32, f32)>>) -> Result<Self> {
        let (mut offsets, mut indices, mut values) = (vec![0u64], Vec::new(), Vec::new());
        for row in rows {
            for (column, value) in row {
                indices.push(column);
                values.push(value);
            }
            offsets.push(indices.len() as u64);
        }
        Self::try_new(cols, offsets, indices, values)
    }

    fn check(&self) -> Result<()> {
        let wrong = |reason: String| Err(Error::data("sparse matrix", reason));
        if self.indices.len() != self.values.len() {
            return wrong(format!(
                "{} columns but {} values",
                self.indices.len(),
                self.values.len()
            ));
        }
        if self.offsets.first() != Some(&0)
            || self.offsets.last() != Some(&(self.indices.len() as u64))
        {
            return wrong("row offsets do not span the entries".into());
        }
        if self.offsets.windows(2).any(|pair| pair[0] > pair[1]) {
            return wrong("row offsets decrease".into());
        }
        for row in 0..self.rows() {
            let columns = self.row(row).indices;
            if columns.windows(2).any(|pair| pair[0] >= pair[1]) {
                return wrong(format!("row {row} is unsorted or repeats a column"));
            }
            if columns
                .last()
                .is_some_and(|&last| last as usize >= self.cols)
            {
                return wrong(format!("row {row} has a column outside 0..{}", self.cols));
            }
        }
        if self.values.iter().any(|value| !value.is_finite()) {
            return wrong("a value is not finite".into());
        }
        Ok(())
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of columns.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Number of stored entries.
    #[must_use]
    pub fn nnz(&self) -> usize {
        self.indices.len()
    }

    /// Row `row`.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "offsets index arrays in memory"
    )]
    pub fn row(&self, row: usize) -> SparseRow<'_> {
        let range = self.offsets[row] as usize..self.offsets[row + 1] as usize;
        SparseRow {
            indices: &self.indices[range.clone()],
            values: &self.values[range],
        }
    }

    /// All rows in order.
    pub fn iter_rows(&self) -> impl ExactSizeIterator<Item = SparseRow<'_>> {
        (0..self.rows()).map(|row| self.row(row))
    }

    /// Offsets of the rows into [`SparseMatrix::indices`], one more than there are rows.
    #[must_use]
    pub fn offsets(&self) -> &Buffer<u64> {
        &self.offsets
    }

    /// Columns of all entries, row after row.
    #[must_use]
    pub fn indices(&self) -> &Buffer<u32> {
        &self.indices
    }

    /// Values of all entries, row after row.
    #[must_use]
    pub fn values(&self) -> &Buffer<f32> {
        &self.values
    }

    /// The transposed matrix, by one counting pass; rows stay sorted.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "offsets index arrays in memory, rows are u32 indices"
    )]
    pub fn transpose(&self) -> Self {
        let mut offsets = vec![0u64; self.cols + 1];
        for &column in self.indices.iter() {
            offsets[column as usize + 1] += 1;
        }
        for column in 0..self.cols {
            offsets[column + 1] += offsets[column];
        }
        let mut next: Vec<u64> = offsets[..self.cols].to_vec();
        let mut indices = vec![0u32; self.nnz()];
        let mut values = vec![0f32; self.nnz()];
        for (row, entries) in self.iter_rows().enumerate() {
            for (column, value) in entries.iter() {
                let place = next[column as usize] as usize;
                next[column as usize] += 1;
                indices[place] = row as u32;
                values[place] = value;
            }
        }
        Self {
            cols: self.rows(),
            offsets: offsets.into(),
            indices: indices.into(),
            values: values.into(),
        }
    }

    /// The same structure with each value replaced by `f(row, column, value)`.
    ///
    /// # Errors
    /// [`Error::Data`] if a new value is not finite.
    pub fn map_values(&self, f: impl Fn(usize, u32, f32) -> f32) -> Result<Self> {
        let mut values = Vec::with_capacity(self.nnz());
        for (row, entries) in self.iter_rows().enumerate() {
            values.extend(entries.iter().map(|(column, value)| f(row, column, value)));
        }
        Self::try_new(
            self.cols,
            self.offsets.clone(),
            self.indices.clone(),
            values,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> SparseMatrix {
        SparseMatrix::from_rows(
            4,
            [vec![(1, 2.0), (3, 1.0)], vec![], vec![(0, 5.0), (3, 4.0)]],
        )
        .unwrap()
    }

    #[test]
    fn transposing_twice_gives_the_matrix_back() {
        let matrix = sample();
        let transposed = matrix.transpose();
        assert_eq!((transposed.rows(), transposed.cols()), (4, 3));
        assert_eq!(transposed.row(3).indices, &[0, 2]);
        assert_eq!(transposed.transpose(), matrix);
    }

    #[test]
    fn broken_structures_are_refused() {
        assert!(SparseMatrix::from_rows(2, [vec![(1, 1.0), (0, 1.0)]]).is_err());
        assert!(SparseMatrix::from_rows(2, [vec![(1, 1.0), (1, 1.0)]]).is_err());
        assert!(SparseMatrix::from_rows(2, [vec![(2, 1.0)]]).is_err());
        assert!(SparseMatrix::from_rows(2, [vec![(0, f32::NAN)]]).is_err());
        assert!(SparseMatrix::try_new(2, vec![0u64, 2], vec![0u32], vec![1.0f32]).is_err());
    }
}
