//! Sums of sparse rows: one dense row, and the list of what was touched.

use std::hint::black_box;

use crate::sparse::{SparseMatrix, SparseRow};

/// The sum where nothing was added.
const NOTHING: f32 = -0.0;

/// Rows read ahead of the sums: some kilobytes, which stay near until they are added.
const ROWS_AHEAD: usize = 16;

/// Entries of a row in one line of the processor's cache.
const ENTRIES_PER_LINE: usize = 16;

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

    /// How many columns there is room for.
    pub(crate) fn columns(&self) -> usize {
        self.sums.len()
    }

    /// Adds rows of `matrix`, each times its factor, in their order; says how many there were.
    pub(crate) fn add_rows(
        &mut self,
        matrix: &SparseMatrix,
        rows: impl IntoIterator<Item = (usize, f32)>,
    ) -> usize {
        let mut rows = rows.into_iter();
        let mut group = [(0.0, SparseRow::default()); ROWS_AHEAD];
        let mut added = 0;
        loop {
            let mut len = 0;
            for (place, (row, factor)) in group.iter_mut().zip(rows.by_ref()) {
                *place = (factor, matrix.row(row));
                len += 1;
            }
            read_ahead(&group[..len]);
            for &(factor, row) in &group[..len] {
                self.add(factor, row);
            }
            added += len;
            if len < ROWS_AHEAD {
                return added;
            }
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
        touched.iter().filter_map(move |&column| {
            let sum = std::mem::replace(&mut sums[column as usize], NOTHING);
            (!is_nothing(sum)).then_some((column, sum))
        })
    }

    /// The columns given out by [`Accumulator::drain`] but for `without`.
    pub(crate) fn drain_without(
        &mut self,
        without: impl IntoIterator<Item = u32>,
    ) -> impl Iterator<Item = (u32, f32)> + '_ {
        for column in without {
            if let Some(sum) = self.sums.get_mut(column as usize) {
                *sum = NOTHING;
            }
        }
        self.drain()
    }

    /// How many columns have a sum.
    pub(crate) fn len(&self) -> usize {
        self.len
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

/// Reads an entry of each cache line of `rows`. The reads wait for memory together, where the sums would wait for one
/// line after the other.
#[inline]
fn read_ahead(rows: &[(f32, SparseRow<'_>)]) {
    let mut mixed = 0;
    for (_, row) in rows {
        let lines = row.indices.chunks(ENTRIES_PER_LINE);
        for (columns, values) in lines.zip(row.values.chunks(ENTRIES_PER_LINE)) {
            mixed ^= columns[0] ^ values[0].to_bits();
        }
    }
    black_box(mixed);
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
        sum.add(1.0, row);
        assert_eq!(sum.drain_without([0, 2, 9]).collect::<Vec<_>>(), [(3, 2.0)]);
        assert!(sum.len() == 0 && !sum.holds(0) && !sum.holds(3));
    }

    #[test]
    fn rows_added_together_are_those_added_one_by_one() {
        let rows =
            (0..7u8).map(|row| (0..row).map(move |at| (u32::from(at * 3), f32::from(row) + 0.1)));
        let matrix = SparseMatrix::from_rows(20, rows.map(Iterator::collect)).unwrap();
        for count in [0, 1, ROWS_AHEAD - 1, ROWS_AHEAD, 2 * ROWS_AHEAD + 1] {
            let factors = (0..count).map(|at| (at % 7, 1.0 / (at as f32 + 1.0)));
            let (mut together, mut apart) = (Accumulator::new(20), Accumulator::new(20));
            assert_eq!(together.add_rows(&matrix, factors.clone()), count);
            for (row, factor) in factors {
                apart.add(factor, matrix.row(row));
            }
            let entries = |sum: &Accumulator| sum.entries().collect::<Vec<_>>();
            assert_eq!(entries(&together), entries(&apart), "{count} rows");
        }
    }
}
