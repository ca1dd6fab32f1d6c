//! The similarities of all items: a sparse × sparse product, one row at a time, each row cut to its best at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::error::Result;
use crate::ids::{DenseIndex, ItemIx};
use crate::interactions::Interactions;
use crate::models::item_knn::weighted::Weighted;
use crate::models::item_knn::{Aggregation, Base, ItemKnn, ItemKnnConfig};
use crate::ranked::BestOf;
use crate::recommender::FitOptions;
use crate::sparse::{Accumulator, SparseMatrix};

/// Items one task works on; fixed, so that nothing depends on the number of threads.
const ITEMS_PER_TASK: usize = 64;

impl ItemKnnConfig {
    /// Finds the neighbours of every item of `dataset`.
    ///
    /// Time is proportional to the sum over users of the square of their number of items; memory to
    /// `items × neighbours`.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range, [`crate::Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<ItemKnn> {
        self.validate()?;
        options.run(|| {
            options.step("weighting", 0.0)?;
            let weighted = Weighted::new(self, dataset.interactions())?;
            let neighbours = similarities(self, &weighted, options)?;
            Ok(match self.aggregation {
                Aggregation::Sum => ItemKnn::new(neighbours, &[]),
                Aggregation::Average => ItemKnn::new(averaging(&neighbours)?.transpose(), &[]),
                Aggregation::CentredAverage => {
                    let shares = averaging(&neighbours)?;
                    let base = base(&shares, dataset.interactions());
                    ItemKnn::new(shares.transpose(), &base)
                }
            })
        })
    }
}

/// The similarities of each item's neighbours (row) as shares of their sum.
fn averaging(neighbours: &SparseMatrix) -> Result<SparseMatrix> {
    let sums: Vec<f32> = neighbours
        .iter_rows()
        .map(|row| row.values.iter().sum())
        .collect();
    neighbours.map_values(|item, _, similarity| similarity / sums[item])
}

/// `m_j − Σ m_i · share(j, i)` of each item j somebody chose, best first: its score before anything is known.
#[expect(
    clippy::cast_possible_truncation,
    reason = "weights are f32 throughout"
)]
fn base(shares: &SparseMatrix, interactions: &Interactions) -> Vec<Base> {
    let by_user = interactions.by_user();
    let users = by_user.iter_rows().filter(|row| !row.is_empty()).count() as f64;
    let means: Vec<f64> = interactions
        .by_item()
        .iter_rows()
        .map(|row| row.values.iter().map(|&x| f64::from(x)).sum::<f64>() / users)
        .collect();
    let mut base: Vec<Base> = (0..shares.rows())
        .filter(|&item| means[item] > 0.0)
        .map(|item| {
            let neighbours = shares.row(item).iter();
            let near = neighbours.map(|(other, share)| f64::from(share) * means[other as usize]);
            let score = means[item] - near.sum::<f64>();
            (ItemIx::at(item), score as f32)
        })
        .collect();
    base.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    base
}

/// Consecutive rows of the result.
#[derive(Default)]
struct Rows {
    lengths: Vec<u64>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

struct Scratch {
    sums: Accumulator,
    best: BestOf,
}

fn similarities(
    config: &ItemKnnConfig,
    weighted: &Weighted<'_>,
    options: &FitOptions,
) -> Result<SparseMatrix> {
    let items = weighted.by_item.rows();
    let tasks = items.div_ceil(ITEMS_PER_TASK);
    let done = AtomicUsize::new(0);
    let scratch = || Scratch {
        sums: Accumulator::new(items),
        best: BestOf::new(config.neighbours),
    };
    let rows: Vec<Rows> = (0..tasks)
        .into_par_iter()
        .map_init(scratch, |scratch, task| {
            let finished = done.fetch_add(1, Ordering::Relaxed);
            options.step("similarities", finished as f64 / tasks as f64)?;
            let mut rows = Rows::default();
            let start = task * ITEMS_PER_TASK;
            for item in start..items.min(start + ITEMS_PER_TASK) {
                add_row(
                    &mut rows,
                    ItemIx::at(item),
                    weighted,
                    (config.shrinkage, scratch),
                );
            }
            Ok(rows)
        })
        .collect::<Result<_>>()?;
    options.step("similarities", 1.0)?;
    joined(items, &rows)
}

fn add_row(
    rows: &mut Rows,
    item: ItemIx,
    weighted: &Weighted<'_>,
    (shrinkage, scratch): (f32, &mut Scratch),
) {
    let Scratch { sums, best } = scratch;
    for (user, weight) in weighted.by_item.row(item.position()).iter() {
        sums.add(weight, weighted.by_user.row(user as usize));
    }
    let norm = weighted.norms[item.position()];
    for (other, dot) in sums.entries() {
        if other != item.0 {
            best.offer(
                other,
                dot / (norm * weighted.norms[other as usize] + shrinkage),
            );
        }
    }
    sums.clear();
    let neighbours = best.take_by_index();
    rows.lengths.push(neighbours.len() as u64);
    rows.indices
        .extend(neighbours.iter().map(|&(other, _)| other));
    rows.values
        .extend(neighbours.iter().map(|&(_, value)| value));
}

fn joined(items: usize, rows: &[Rows]) -> Result<SparseMatrix> {
    let mut offsets = Vec::with_capacity(items + 1);
    offsets.push(0u64);
    let mut end = 0;
    for length in rows.iter().flat_map(|rows| &rows.lengths) {
        end += length;
        offsets.push(end);
    }
    let indices: Vec<u32> = rows
        .iter()
        .flat_map(|rows| rows.indices.iter().copied())
        .collect();
    let values: Vec<f32> = rows
        .iter()
        .flat_map(|rows| rows.values.iter().copied())
        .collect();
    SparseMatrix::try_new(items, offsets, indices, values)
}
