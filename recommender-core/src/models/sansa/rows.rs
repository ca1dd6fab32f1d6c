//! Rows of a sparse matrix in the blocks that tasks make them in.

/// Rows in one block; fixed, so that nothing depends on the number of threads.
pub(super) const ROWS_PER_BLOCK: usize = 16;

/// Consecutive rows.
#[derive(Debug, Default)]
pub(super) struct Block {
    ends: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl Block {
    /// Adds a row.
    pub(super) fn push(&mut self, row: impl IntoIterator<Item = (u32, f32)>) {
        for (column, value) in row {
            self.columns.push(column);
            self.values.push(value);
        }
        self.ends.push(self.columns.len());
    }

    /// Gives back what the last row left over.
    pub(super) fn finish(mut self) -> Self {
        self.columns.shrink_to_fit();
        self.values.shrink_to_fit();
        self
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn entries(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = self.range(row);
        (&self.columns[range.clone()], &self.values[range])
    }

    pub(super) fn row_mut(&mut self, row: usize) -> (&[u32], &mut [f32]) {
        let range = self.range(row);
        (&self.columns[range.clone()], &mut self.values[range])
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        start..self.ends[row]
    }
}

/// All rows, block after block.
#[derive(Debug)]
pub(super) struct Rows(pub(super) Vec<Block>);

impl Rows {
    pub(super) fn row(&self, row: usize) -> (&[u32], &[f32]) {
        self.0[row / ROWS_PER_BLOCK].row(row % ROWS_PER_BLOCK)
    }
}
