//! The product of two sparse matrices, one row at a time, each row scored and cut to its best at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::error::Result;
use crate::sparse::{Accumulator, BestOf, SparseMatrix};

/// Rows one task works on; fixed, so that nothing depends on the number of threads.
const ROWS_PER_TASK: usize = 64;

/// `left · right`, each row cut to its best entries. No value may be negative.
///
/// An entry is the sum of its products in the order of the inner index, whichever rows are asked for: what is computed
/// anew equals what a whole product gives, and so does the transposed product.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nearest<'a> {
    /// Rows × inner.
    pub(crate) left: &'a SparseMatrix,
    /// Inner × columns.
    pub(crate) right: &'a SparseMatrix,
    /// How many entries a row keeps.
    pub(crate) limit: usize,
}

struct Scratch {
    sums: Accumulator,
    best: BestOf,
}

/// Consecutive rows of a matrix in the making.
#[derive(Debug, Default)]
pub(super) struct Rows {
    lengths: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl Nearest<'_> {
    /// All rows. `score` makes a score of a row, a column and their entry; what is not above zero is left out. `step` is
    /// told the share done and may stop the work.
    ///
    /// # Errors
    /// What `step` gives; [`crate::Error::Data`] if a score is not finite.
    pub(crate) fn all(
        &self,
        score: impl Fn(u32, u32, f32) -> f32 + Sync,
        step: impl Fn(f64) -> Result<()> + Sync,
    ) -> Result<SparseMatrix> {
        self.compute(self.left.rows(), &|at| at, &score, &step)
    }

    /// The rows numbered `rows`, in their order.
    ///
    /// # Errors
    /// As [`Nearest::all`].
    pub(crate) fn some(
        &self,
        rows: &[u32],
        score: impl Fn(u32, u32, f32) -> f32 + Sync,
        step: impl Fn(f64) -> Result<()> + Sync,
    ) -> Result<SparseMatrix> {
        self.compute(rows.len(), &|at| rows[at] as usize, &score, &step)
    }

    fn compute(
        &self,
        count: usize,
        row: &(impl Fn(usize) -> usize + Sync),
        score: &(impl Fn(u32, u32, f32) -> f32 + Sync),
        step: &(impl Fn(f64) -> Result<()> + Sync),
    ) -> Result<SparseMatrix> {
        let tasks = count.div_ceil(ROWS_PER_TASK);
        let done = AtomicUsize::new(0);
        let scratch = || Scratch {
            sums: Accumulator::new(self.right.cols()),
            best: BestOf::new(self.limit),
        };
        let parts: Vec<Rows> = (0..tasks)
            .into_par_iter()
            .map_init(scratch, |scratch, task| {
                let finished = done.fetch_add(1, Ordering::Relaxed);
                step(finished as f64 / tasks as f64)?;
                let mut rows = Rows::default();
                let start = task * ROWS_PER_TASK;
                for at in start..count.min(start + ROWS_PER_TASK) {
                    self.add_row(&mut rows, row(at), score, scratch);
                }
                Ok(rows)
            })
            .collect::<Result<_>>()?;
        step(1.0)?;
        joined(self.right.cols(), &parts)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "rows are numbered by u32 indices"
    )]
    fn add_row(
        &self,
        rows: &mut Rows,
        row: usize,
        score: &impl Fn(u32, u32, f32) -> f32,
        scratch: &mut Scratch,
    ) {
        let Scratch { sums, best } = scratch;
        let inner = self.left.row(row).iter();
        sums.add_rows(
            self.right,
            inner.map(|(inner, weight)| (inner as usize, weight)),
        );
        for (column, sum) in sums.drain() {
            best.offer(column, score(row as u32, column, sum));
        }
        rows.push(best.take_by_index());
    }
}

impl Rows {
    pub(super) fn push(&mut self, row: &[(u32, f32)]) {
        self.lengths.push(row.len());
        self.indices.extend(row.iter().map(|&(column, _)| column));
        self.values.extend(row.iter().map(|&(_, value)| value));
    }
}

pub(super) fn joined(cols: usize, parts: &[Rows]) -> Result<SparseMatrix> {
    let mut offsets = Vec::with_capacity(parts.len() * ROWS_PER_TASK + 1);
    offsets.push(0u64);
    let mut end = 0;
    for length in parts.iter().flat_map(|rows| &rows.lengths) {
        end += *length;
        offsets.push(end as u64);
    }
    let (mut indices, mut values) = (Vec::with_capacity(end), Vec::with_capacity(end));
    for rows in parts {
        indices.extend_from_slice(&rows.indices);
        values.extend_from_slice(&rows.values);
    }
    SparseMatrix::try_new(cols, offsets, indices, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_scored_and_cut_and_some_equal_all() {
        let left = SparseMatrix::from_rows(
            3,
            [vec![(0, 1.0), (2, 2.0)], vec![], vec![(1, 1.0), (2, 1.0)]],
        )
        .unwrap();
        let right = left.transpose();
        let product = Nearest {
            left: &left,
            right: &right,
            limit: 1,
        };
        let apart = |row: u32, column: u32, dot: f32| if row == column { 0.0 } else { dot };
        let all = product.all(apart, |_| Ok(())).unwrap();
        assert_eq!(all.row(0).iter().collect::<Vec<_>>(), [(2, 2.0)]);
        assert!(all.row(1).is_empty());
        assert_eq!(all.row(2).iter().collect::<Vec<_>>(), [(0, 2.0)]);
        let some = product.some(&[2, 1], apart, |_| Ok(())).unwrap();
        assert_eq!(some.row(0), all.row(2));
        assert_eq!((some.rows(), some.nnz()), (2, 1));
    }
}
