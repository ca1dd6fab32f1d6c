//! A change of the data as rows that come and rows that go.

use std::collections::BTreeMap;

use crate::dataset::Change;
use crate::ids::{DenseIndex, ItemIx};
use crate::models::ease::problem::Problem;
use crate::sparse::SparseMatrix;

/// A sparse row: columns of the union with their values.
pub(super) type Row = Vec<(u32, f32)>;

/// `Σ uᵀu` over the rows that come, less that over the rows that go: what `XᵀX + Λ` changes by.
pub(super) struct LowRank {
    /// All items that somebody has before or after, ascending: the columns.
    pub(super) union: Vec<ItemIx>,
    pub(super) come: Vec<Row>,
    pub(super) go: Vec<Row>,
}

impl LowRank {
    /// The change between two data sets with these items.
    pub(super) fn new(
        problem: &Problem,
        change: &Change<'_>,
        (before, after): (&[ItemIx], &[ItemIx]),
    ) -> Self {
        let mut union: Vec<ItemIx> = before.iter().chain(after).copied().collect();
        union.sort_unstable();
        union.dedup();
        let rows = |matrix: &SparseMatrix| -> Vec<Row> {
            let known = change
                .users()
                .iter()
                .filter(|user| user.position() < matrix.rows());
            let rows = known.map(|user| matrix.row(user.position()));
            rows.filter(|row| !row.is_empty())
                .map(|row| {
                    row.iter()
                        .map(|(item, x)| (column(&union, item), x))
                        .collect()
                })
                .collect()
        };
        let mut come = rows(change.after().interactions().by_user());
        let mut go = rows(change.before().interactions().by_user());
        if problem.dropout_factor() > 0.0 {
            for (column, change) in penalties(problem.dropout_factor(), (&come, &go)) {
                let row = vec![(column, change.abs().sqrt())];
                if change > 0.0 {
                    come.push(row);
                } else if change < 0.0 {
                    go.push(row);
                }
            }
        }
        Self { union, come, go }
    }

    /// How many rows come and go.
    pub(super) fn len(&self) -> usize {
        self.come.len() + self.go.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows that come, then those that go.
    pub(super) fn rows(&self) -> Vec<&Row> {
        self.come.iter().chain(&self.go).collect()
    }

    pub(super) fn nonzeros(&self) -> usize {
        self.come.iter().chain(&self.go).map(Vec::len).sum()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "columns number items, which are u32"
)]
fn column(union: &[ItemIx], item: u32) -> u32 {
    union.partition_point(|known| known.0 < item) as u32
}

/// By how much the penalty of each item changes that is in a row: `factor` times its squared weights.
#[expect(
    clippy::cast_possible_truncation,
    reason = "weights are f32 throughout"
)]
fn penalties(factor: f64, (come, go): (&[Row], &[Row])) -> BTreeMap<u32, f32> {
    let mut squares: BTreeMap<u32, f64> = BTreeMap::new();
    for (rows, sign) in [(come, factor), (go, -factor)] {
        for &(column, weight) in rows.iter().flatten() {
            *squares.entry(column).or_default() += sign * f64::from(weight).powi(2);
        }
    }
    let entries = squares.into_iter();
    entries
        .map(|(column, change)| (column, change as f32))
        .collect()
}
