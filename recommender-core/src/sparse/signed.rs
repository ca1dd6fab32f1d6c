//! Sums of sparse rows of either sign: one dense row, a mark for each column met, and the list of these.

use crate::sparse::SparseRow;

/// Adds up sparse rows of values of either sign, and forgets the sum in time proportional to what it touched.
///
/// Unlike in [`Accumulator`](crate::sparse::Accumulator), a column may come back to zero and still has a sum.
#[derive(Debug, Clone)]
pub(crate) struct SignedAccumulator {
    sums: Vec<f32>,
    marks: Vec<bool>,
    /// Columns with a sum, in the order they were first met, in the first `len` places.
    touched: Vec<u32>,
    len: usize,
}

impl SignedAccumulator {
    /// An empty sum of `columns` columns.
    pub(crate) fn new(columns: usize) -> Self {
        Self {
            sums: vec![0.0; columns],
            marks: vec![false; columns],
            // One place more than can be used, so that the next one can always be written ahead of the decision.
            touched: vec![0; columns + 1],
            len: 0,
        }
    }

    /// Adds `factor` times `row`.
    #[inline]
    pub(crate) fn add(&mut self, factor: f32, row: SparseRow<'_>) {
        let mut len = self.len;
        for (&column, &value) in row.indices.iter().zip(row.values) {
            let at = column as usize;
            self.touched[len] = column;
            len += usize::from(!self.marks[at]);
            self.marks[at] = true;
            self.sums[at] += factor * value;
        }
        self.len = len;
    }

    /// Columns with their sums, each once.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = (u32, f32)> + '_ {
        self.touched[..self.len]
            .iter()
            .map(|&column| (column, self.sums[column as usize]))
    }

    /// Makes the sum empty again.
    pub(crate) fn clear(&mut self) {
        for &column in &self.touched[..self.len] {
            self.sums[column as usize] = 0.0;
            self.marks[column as usize] = false;
        }
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_comes_back_to_zero_is_listed_once() {
        let mut sum = SignedAccumulator::new(4);
        let row = SparseRow {
            indices: &[0, 3],
            values: &[1.0, -2.0],
        };
        sum.add(1.0, row);
        sum.add(-1.0, row);
        sum.add(0.5, row);
        assert_eq!(sum.entries().collect::<Vec<_>>(), [(0, 0.5), (3, -1.0)]);
        sum.clear();
        assert_eq!(sum.entries().len(), 0);
        sum.add(1.0, row);
        assert_eq!(sum.entries().collect::<Vec<_>>(), [(0, 1.0), (3, -2.0)]);
    }
}
