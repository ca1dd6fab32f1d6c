//! The normalised graph: the items that take part, the rows of their users, and what follows from them.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::interactions::Interactions;
use crate::models::graph_filter::{Gram, GraphFilterConfig};
use crate::recommender::FitOptions;
use crate::sparse::{Accumulator, SparseMatrix, SparseRow};

/// Rows of the item graph one task makes.
const ITEMS_PER_TASK: usize = 64;

/// The items with an interaction, in columns: those with most users first, so that what is read most lies together.
#[derive(Debug)]
pub(super) struct Graph {
    /// The item of each column.
    pub(super) items: Vec<ItemIx>,
    /// The degree of each column: the sum of its weights.
    pub(super) degrees: Vec<f64>,
    /// Of `R = D_U^{-α} X D_I^{-β'}`: users with an interaction × columns.
    pub(super) gram: Gram,
}

impl Graph {
    pub(super) fn new(config: &GraphFilterConfig, interactions: &Interactions) -> Result<Self> {
        let by_item = interactions.by_item();
        let mut items: Vec<ItemIx> = (0..by_item.rows())
            .filter(|&item| !by_item.row(item).is_empty())
            .map(ItemIx::at)
            .collect();
        items.sort_by_key(|item| (Reverse(by_item.row(item.position()).len()), *item));
        let degrees: Vec<f64> = items
            .iter()
            .map(|item| degree(by_item.row(item.position())))
            .collect();
        let columns = columns_of(&items);
        let factors: Vec<f64> = degrees
            .iter()
            .map(|degree| degree.powf(-config.item_exponent))
            .collect();
        let users = interactions.by_user().iter_rows();
        let rows = users.filter(|row| !row.is_empty()).map(|row| {
            let user = degree(row).powf(-config.user_exponent);
            let entry = |(item, weight): (u32, f32)| {
                let column = columns[item as usize];
                let value = f64::from(weight) * user * factors[column as usize];
                (column, narrowed(value))
            };
            let mut row: Vec<(u32, f32)> = row.iter().map(entry).collect();
            row.sort_unstable_by_key(|&(column, _)| column);
            row
        });
        Ok(Self {
            gram: Gram::new(SparseMatrix::from_rows(items.len(), rows)?),
            items,
            degrees,
        })
    }

    /// The degree of each column to the power of `exponent`.
    pub(super) fn degrees_to(&self, exponent: f64) -> Vec<f32> {
        let powers = self.degrees.iter().map(|degree| degree.powf(exponent));
        powers.map(narrowed).collect()
    }

    /// `(RᵀR)` with each weight raised to `power`, if it fits into `bytes`.
    pub(super) fn similarities(
        &self,
        power: f64,
        bytes: Option<u64>,
        options: &FitOptions,
    ) -> Result<SparseMatrix> {
        let Gram {
            rows,
            columns: by_item,
        } = &self.gram;
        let columns = rows.cols();
        let entries = AtomicUsize::new(0);
        let made: Vec<Vec<Vec<(u32, f32)>>> = (0..columns.div_ceil(ITEMS_PER_TASK))
            .into_par_iter()
            .map_init(
                || Accumulator::new(columns),
                |sums, task| {
                    let first = task * ITEMS_PER_TASK;
                    options.step("item graph", first as f64 / columns as f64)?;
                    let made = (first..columns.min(first + ITEMS_PER_TASK)).map(|item| {
                        for (user, weight) in by_item.row(item).iter() {
                            sums.add(weight, rows.row(user as usize));
                        }
                        let raised = |value: f32| narrowed(f64::from(value).powf(power));
                        let mut row: Vec<(u32, f32)> = sums
                            .entries()
                            .map(|(item, sum)| (item, raised(sum)))
                            .collect();
                        row.sort_unstable_by_key(|&(item, _)| item);
                        sums.clear();
                        let entries = entries.fetch_add(row.len(), Ordering::Relaxed);
                        fits((entries + row.len()) as u64 * BYTES_PER_SIMILARITY, bytes)?;
                        Ok(row)
                    });
                    made.collect::<Result<_>>()
                },
            )
            .collect::<Result<_>>()?;
        SparseMatrix::from_rows(columns, made.into_iter().flatten())
    }
}

/// Bytes an entry of the item graph takes while it is put together: once in its row, once in the matrix.
const BYTES_PER_SIMILARITY: u64 = 16;

/// Refuses what needs more than is allowed.
pub(super) fn fits(needed: u64, allowed: Option<u64>) -> Result<()> {
    if allowed.is_none_or(|allowed| needed <= allowed) {
        return Ok(());
    }
    let allowed = allowed.unwrap_or(u64::MAX);
    let reason = format!(
        "the fit needs {needed} bytes or more, max_memory_bytes allows {allowed}; \
         a smaller rank and similarity_power 1 need less"
    );
    Err(Error::data("graph_filter", reason))
}

/// Marks an item that has no column.
pub(super) const NO_COLUMN: u32 = u32::MAX;

/// The column of each item number up to the highest of `items`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "there are no more columns than item numbers, which are u32"
)]
pub(super) fn columns_of(items: &[ItemIx]) -> Vec<u32> {
    let bound = items.iter().map(|item| item.position() + 1).max();
    let mut columns = vec![NO_COLUMN; bound.unwrap_or(0)];
    for (column, item) in items.iter().enumerate() {
        columns[item.position()] = column as u32;
    }
    columns
}

fn degree(row: SparseRow<'_>) -> f64 {
    row.values.iter().map(|&weight| f64::from(weight)).sum()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "weights are f32 throughout"
)]
pub(super) fn narrowed(value: f64) -> f32 {
    value as f32
}
