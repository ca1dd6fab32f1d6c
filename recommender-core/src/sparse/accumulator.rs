//! Sums of sparse rows: one dense row, and the list of what was touched.

use crate::sparse::SparseRow;

/// The sum where nothing was added.
const NOTHING: f32 = -0.0;

#[inline]
fn is_nothing(sum: f32) -> bool {
    sum.to_bits() == NOTHING.to_bits()
}

/// Adds up sparse rows, and forgets the sum in time proportional to what it touched.
#[derive(Debug, Clone)]
pub(crate) struct Accumulator {
    /// Minus zero where nothing was added: no sum of numbers that are not all minus zero is that.
    sums: Vec<f32>,
    /// Columns with a sum, in the order they were first met, in the first `len` places.
    touched: Vec<u32>,
    len: usize,
}

impl Accumulator {
    /// An empty sum of `columns` columns.
    pub(crate) fn new(columns: usize) -> Self {
        Self {
            sums: vec![NOTHING; columns],
            // One place more than can be used, so that the next one can always be written ahead of the decision.
            touched: vec![0; columns + 1],
            len: 0,
        }
    }

    /// Adds `factor` times `row`.
    #[inline]
    pub(crate) fn add(&mut self, factor: f32, row: SparseRow<'_>) {
        let (sums, touched) = (self.sums.as_mut_slice(), self.touched.as_mut_slice());
        let mut len = self.len;
        for (&column, &value) in row.indices.iter().zip(row.values) {
            let sum = &mut sums[column as usize];
            let new = *sum + factor * value;
            // A branch here is mispredicted every third time; counting costs less.
            touched[len] = column;
            len += usize::from(is_nothing(*sum) & !is_nothing(new));
            *sum = new;
        }
        self.len = len;
    }

    /// Columns with their sums, each once.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = (u32, f32)> + '_ {
        self.touched[..self.len]
            .iter()
            .map(|&column| (column, self.sums[column as usize]))
    }

    /// As [`Accumulator::entries`], each forgotten as it is given out. Whoever stops early has to run
    /// through the rest.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (u32, f32)> + '_ {
        let Self { sums, touched, len } = self;
        let touched = &touched[..std::mem::take(len)];
        touched.iter().map(move |&column| {
            let sum = &mut sums[column as usize];
            (column, std::mem::replace(sum, NOTHING))
        })
    }

    /// Whether `column` has a sum.
    pub(crate) fn holds(&self, column: u32) -> bool {
        !is_nothing(self.sums[column as usize])
    }

    /// Makes the sum empty again.
    pub(crate) fn clear(&mut self) {
        for &column in &self.touched[..self.len] {
            self.sums[column as usize] = NOTHING;
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
        // What cancels out was touched all the same, and is listed once however often it does.
        for factor in [1.0, -1.0, 1.0, -1.0] {
            let row = SparseRow {
                indices: &[1],
                values: &[0.5],
            };
            sum.add(factor, row);
        }
        assert_eq!(
            sum.entries().collect::<Vec<_>>(),
            [(0, 3.0), (3, 6.0), (1, 0.0)]
        );
        assert!(sum.holds(3) && !sum.holds(2));
        sum.clear();
        sum.add(1.0, row);
        assert_eq!(sum.entries().collect::<Vec<_>>(), [(0, 1.0), (3, 2.0)]);
        assert_eq!(sum.drain().collect::<Vec<_>>(), [(0, 1.0), (3, 2.0)]);
        assert!(sum.entries().len() == 0 && !sum.holds(3));
    }
}
