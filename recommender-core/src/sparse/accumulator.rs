//! Sums of sparse rows: one dense row, and the list of what was touched.

use crate::sparse::SparseRow;

/// Adds up sparse rows of non-negative values, and forgets the sum in time proportional to what it touched.
#[derive(Debug, Clone)]
pub(crate) struct Accumulator {
    sums: Vec<f32>,
    /// Columns with a sum, in the order they were first met, in the first `len` places.
    touched: Vec<u32>,
    len: usize,
}

impl Accumulator {
    /// An empty sum of `columns` columns.
    pub(crate) fn new(columns: usize) -> Self {
        Self {
            sums: vec![0.0; columns],
            // One place more than can be used, so that the next one can always be written ahead of the decision.
            touched: vec![0; columns + 1],
            len: 0,
        }
    }

    /// Adds `factor` times `row`. Both must be non-negative.
    #[inline]
    pub(crate) fn add(&mut self, factor: f32, row: SparseRow<'_>) {
        let (sums, touched) = (self.sums.as_mut_slice(), self.touched.as_mut_slice());
        let mut len = self.len;
        for (&column, &value) in row.indices.iter().zip(row.values) {
            let sum = &mut sums[column as usize];
            let new = *sum + factor * value;
            // A branch here is mispredicted every third time; counting costs less. A product that underflows to zero
            // leaves the column untouched, else the column would be listed twice.
            touched[len] = column;
            len += usize::from((*sum == 0.0) & (new != 0.0));
            *sum = new;
        }
        self.len = len;
    }

    /// Columns with their sums, each once, none zero.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = (u32, f32)> + '_ {
        self.touched[..self.len]
            .iter()
            .map(|&column| (column, self.sums[column as usize]))
    }

    /// Whether `column` has a sum.
    pub(crate) fn holds(&self, column: u32) -> bool {
        self.sums[column as usize] != 0.0
    }

    /// Makes the sum empty again.
    pub(crate) fn clear(&mut self) {
        for &column in &self.touched[..self.len] {
            self.sums[column as usize] = 0.0;
        }
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_add_up_and_each_column_is_listed_once() {
        let mut sum = Accumulator::new(4);
        let row = SparseRow {
            indices: &[0, 3],
            values: &[1.0, 2.0],
        };
        sum.add(2.0, row);
        sum.add(1.0, row);
        sum.add(
            1e-30,
            SparseRow {
                indices: &[1],
                values: &[1e-30],
            },
        );
        sum.add(
            1e-30,
            SparseRow {
                indices: &[1],
                values: &[1e-30],
            },
        );
        assert_eq!(sum.entries().collect::<Vec<_>>(), [(0, 3.0), (3, 6.0)]);
        assert!(sum.holds(3) && !sum.holds(1));
        sum.clear();
        sum.add(1.0, row);
        assert_eq!(sum.entries().collect::<Vec<_>>(), [(0, 1.0), (3, 2.0)]);
    }
}
