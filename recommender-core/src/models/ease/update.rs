//! Following changed data: a change of low rank goes through the inverse by Woodbury's identity.
//!
//! With the rows U of X that come and go, and S = 1 for those that come and −1 for those that go,
//!
//! `(A + Uᵀ S U)⁻¹ = P − Wᵀ K⁻¹ W`, where `P = A⁻¹`, `W = U P` and `K = S + U Wᵀ`.

use faer::MatRef;
use rayon::prelude::*;

use crate::dataset::Change;
use crate::error::Result;
use crate::ids::ItemIx;
use crate::models::ease::core_inverse::core_inverse;
use crate::models::ease::inverse::add_product;
use crate::models::ease::low_rank::LowRank;
use crate::models::ease::problem::{Problem, bytes_needed, chosen, gram_diagonal};
use crate::models::ease::{Ease, WeightedRow, add_rows};
use crate::recommender::FitOptions;

/// Rows of the matrix one task writes.
const ROWS_PER_TASK: usize = 256;
/// Rows of K⁻¹W one task writes.
const PANEL_ROWS_PER_TASK: usize = 32;

impl Problem {
    pub(super) fn update(
        &self,
        fitted: &Ease,
        change: &Change<'_>,
        options: &FitOptions,
    ) -> Result<Ease> {
        self.validate()?;
        let before = chosen(change.before());
        let same = fitted
            .items
            .iter()
            .copied()
            .eq(before.iter().map(|item| item.0));
        let after = chosen(change.after());
        let rank = LowRank::new(self, change, (&before, &after));
        if same && rank.is_empty() {
            return Ok(fitted.clone());
        }
        if !same || !self.pays(&rank, change, after.len()) {
            return self.fit(change.after(), options);
        }
        match self.follow(fitted, change, (&after, &rank), options)? {
            Some(model) => Ok(model),
            None => self.fit(change.after(), options),
        }
    }

    /// The model of the items `after`; none if it can't be had in good precision.
    fn follow(
        &self,
        fitted: &Ease,
        change: &Change<'_>,
        (after, rank): (&[ItemIx], &LowRank),
        options: &FitOptions,
    ) -> Result<Option<Ease>> {
        options.run(|| {
            options.step("change", 0.0)?;
            let basis = Basis::new(fitted, rank, self.regularization);
            let panel = basis.times_inverse(rank);
            let Some(core) = core_inverse(rank, &panel) else {
                return Ok(None);
            };
            options.step("change", 0.2)?;
            let panel = basis.of_items(&panel, after);
            let scaled = times(&core, &panel, after.len());
            let mut matrix = self.allocate(after.len(), 2 * panel.len())?;
            basis.fill(&mut matrix, after, (&panel, &scaled));
            options.step("change", 0.8)?;
            let squares = gram_diagonal(change.after(), after);
            let model = self.solution(matrix, (after, &squares))?;
            options.step("change", 1.0)?;
            Ok(Some(model))
        })
    }

    /// Whether following the change takes fewer operations than a new fit, in the memory allowed.
    fn pays(&self, rank: &LowRank, change: &Change<'_>, items: usize) -> bool {
        let by_user = change.after().interactions().by_user();
        let squares = |length: usize| (length as f64).powi(2);
        let gram: f64 = by_user.iter_rows().map(|row| squares(row.len())).sum();
        let (ranks, size) = (rank.len() as f64, items as f64);
        let fit = size.powi(3) + gram;
        let panels = 2.0 * size * (rank.nonzeros() as f64 + ranks.powi(2));
        let follow = ranks * size.powi(2) + panels + 8.0 * ranks.powi(3);
        let bytes = bytes_needed(items, 2 * rank.len() * rank.union.len());
        follow < fit && self.max_memory_bytes.is_none_or(|most| bytes <= most)
    }
}

/// The fitted model in the numbering of all items before or after the change.
struct Basis<'a> {
    fitted: &'a Ease,
    union: &'a [ItemIx],
    /// Of each item of the union, its place in the fitted model.
    places: Vec<Option<usize>>,
    /// `P_jj` of an item nobody had.
    fresh: f32,
}

impl<'a> Basis<'a> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are f32 throughout"
    )]
    fn new(fitted: &'a Ease, rank: &'a LowRank, regularization: f64) -> Self {
        Self {
            fitted,
            union: &rank.union,
            places: rank.union.iter().map(|&item| fitted.column(item)).collect(),
            fresh: (1.0 / regularization) as f32,
        }
    }

    /// W, row after row.
    fn times_inverse(&self, rank: &LowRank) -> Vec<f32> {
        let size = self.union.len();
        let mut panel = vec![0.0f32; rank.len() * size];
        panel
            .par_chunks_mut(size.max(1))
            .zip(rank.rows())
            .for_each_init(
                || vec![0.0; self.fitted.items.len()],
                |sums, (target, row)| self.row_times_inverse(row, sums, target),
            );
        panel
    }

    fn row_times_inverse(&self, row: &[(u32, f32)], sums: &mut [f32], target: &mut [f32]) {
        let fitted = self.fitted;
        let size = fitted.items.len();
        let rows: Vec<WeightedRow<'_>> = row
            .iter()
            .filter_map(|&(column, weight)| {
                let start = self.places[column as usize]? * size;
                Some((weight, &fitted.weights[start..start + size]))
            })
            .collect();
        sums.fill(0.0);
        add_rows(sums, &rows);
        for (value, place) in target.iter_mut().zip(&self.places) {
            *value = place.map_or(0.0, |place| -sums[place] / fitted.scales[place]);
        }
        // B has its own numbers on the diagonal, from which P's can't be told.
        for &(column, weight) in row {
            target[column as usize] += weight
                * self.places[column as usize].map_or(self.fresh, |place| {
                    let own = fitted.weights[place * size + place] / fitted.scales[place];
                    fitted.inverse_diagonal[place] + own
                });
        }
    }

    /// The columns of some of the items.
    fn of_items(&self, panel: &[f32], items: &[ItemIx]) -> Vec<f32> {
        let size = self.union.len();
        let kept: Vec<usize> = (0..size)
            .filter(|&column| items.binary_search(&self.union[column]).is_ok())
            .collect();
        let rows = panel.chunks_exact(size.max(1));
        rows.flat_map(|row| kept.iter().map(|&column| row[column]))
            .collect()
    }

    /// `−P + Wᵀ · K⁻¹W` between `items`, the lower triangle.
    fn fill(&self, matrix: &mut [f32], items: &[ItemIx], (panel, scaled): (&[f32], &[f32])) {
        let size = items.len();
        let ranks = panel.len() / size.max(1);
        let panel = MatRef::from_row_major_slice(panel, ranks, size);
        let scaled = MatRef::from_row_major_slice(scaled, ranks, size);
        let places: Vec<Option<usize>> =
            items.iter().map(|&item| self.fitted.column(item)).collect();
        matrix
            .par_chunks_mut((ROWS_PER_TASK * size).max(1))
            .with_max_len(1)
            .enumerate()
            .for_each(|(task, rows)| {
                let first = task * ROWS_PER_TASK;
                for (row, values) in (first..).zip(rows.chunks_exact_mut(size)) {
                    self.negated_inverse_row(&places[..=row], values);
                }
                let count = rows.len() / size;
                let factors = (panel.subcols(first, count).transpose(), scaled);
                add_product(rows, factors, first, 1.0);
            });
    }

    /// A row of −P up to its diagonal, which is the last of `places`.
    fn negated_inverse_row(&self, places: &[Option<usize>], values: &mut [f32]) {
        let fitted = self.fitted;
        let own = places.len() - 1;
        let Some(place) = places[own] else {
            values[own] = -self.fresh;
            return;
        };
        let start = place * fitted.items.len();
        let weights = &fitted.weights[start..start + fitted.items.len()];
        for (value, other) in values.iter_mut().zip(places) {
            *value = other.map_or(0.0, |other| weights[other] / fitted.scales[other]);
        }
        values[own] = -fitted.inverse_diagonal[place];
    }
}

/// A small square matrix times a panel of rows of `size` numbers.
fn times(core: &[f32], panel: &[f32], size: usize) -> Vec<f32> {
    let ranks = panel.len() / size.max(1);
    let core = MatRef::from_row_major_slice(core, ranks, ranks);
    let panel = MatRef::from_row_major_slice(panel, ranks, size);
    let mut product = vec![0.0f32; ranks * size];
    product
        .par_chunks_mut((PANEL_ROWS_PER_TASK * size).max(1))
        .with_max_len(1)
        .enumerate()
        .for_each(|(task, values)| {
            let count = values.len() / size;
            let rows = core.subrows(task * PANEL_ROWS_PER_TASK, count);
            faer::linalg::matmul::matmul(
                faer::MatMut::from_row_major_slice_mut(values, count, size),
                faer::Accum::Replace,
                rows,
                panel,
                1.0,
                faer::Par::Seq,
            );
        });
    product
}

#[cfg(test)]
mod tests;
