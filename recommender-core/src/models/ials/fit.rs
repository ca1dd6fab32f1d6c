//! Users and items by turns.

use std::sync::atomic::Ordering;

use rayon::prelude::*;

use crate::dataset::{Change, Dataset};
use crate::error::{Error, Result};
use crate::factors::{Factors, ItemFactors, on_best_simd};
use crate::ids::{DenseIndex, ItemIx};
use crate::interactions::Interactions;
use crate::models::ials::solve::{Effort, Penalty, Scratch, Shared, Solve};
use crate::models::ials::{Ials, IalsConfig};
use crate::recommender::FitOptions;
use crate::sparse::SparseMatrix;

/// Rows one task solves for.
const ROWS_PER_TASK: usize = 64;

/// How far the problem of one row is taken in one epoch: the next goes on from there.
const EFFORT: Effort = Effort {
    direct: 8,
    steps: 3,
    tolerance: 1e-3,
};

impl IalsConfig {
    /// Learns a vector for every item of `dataset` that has an interaction.
    ///
    /// Time for one epoch: proportional to `interactions × factors + (users + items) × factors²`, the second in matrix
    /// products; memory: one vector for each user and item.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range; [`crate::Error::Data`] if the weights of the interactions
    /// are of too large a range; [`crate::Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Ials> {
        self.validate()?;
        options.run(|| {
            let interactions = dataset.interactions();
            options.step("start", 0.0)?;
            let items = self.directions(interactions, options.seed);
            self.learn(interactions, items, self.epochs, options)
        })
    }

    /// Goes on from the vectors `fitted` has, for a quarter of the epochs.
    ///
    /// # Errors
    /// As [`IalsConfig::fit`].
    pub fn update(&self, fitted: &Ials, change: &Change<'_>, options: &FitOptions) -> Result<Ials> {
        self.validate()?;
        options.run(|| {
            let interactions = change.after().interactions();
            let mut items = self.random(interactions.by_item().rows(), options.seed);
            let width = fitted.items.width().min(items.width());
            for (row, &item) in (0u32..).zip(fitted.items.items()) {
                let known = fitted.items.view().values(row);
                items.row_mut(item as usize)[..width].copy_from_slice(&known[..width]);
            }
            self.learn(interactions, items, self.epochs.div_ceil(4), options)
        })
    }

    fn learn(
        &self,
        interactions: &Interactions,
        mut items: Factors,
        epochs: usize,
        options: &FitOptions,
    ) -> Result<Ials> {
        let (by_user, by_item) = (interactions.by_user(), interactions.by_item());
        let mut users = Factors::zeros(by_user.rows(), self.factors);
        clear_unknown(by_item, &mut items);
        let unobserved = self.weight_of_unobserved(known(by_item).count());
        let side = |rows, others| Side {
            rows,
            unobserved,
            penalty: self.penalty(unobserved, others),
        };
        let (user_side, item_side) = (side(by_user, by_item), side(by_item, by_user));
        for epoch in 0..epochs {
            let done = epoch as f64 / epochs as f64;
            options.step("users", done)?;
            user_side.solve((&mut items, &mut users), options)?;
            options.step("items", done)?;
            item_side.solve((&mut users, &mut items), options)?;
        }
        options.step("items", 1.0)?;
        let mut nobody = Factors::zeros(0, self.factors);
        let spectrum = user_side.weighed(items.diagonalize(&mut nobody)?);
        let known: Vec<ItemIx> = known(by_item).map(ItemIx::at).collect();
        Ok(Ials {
            penalty: user_side.penalty,
            items: ItemFactors::new(&known, &items),
            spectrum: spectrum.into(),
        })
    }

    /// The penalty of a row of one side, given the rows of the other.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "factors are f32 throughout"
    )]
    fn penalty(&self, unobserved: f64, others: &SparseMatrix) -> Penalty {
        Penalty::new([
            self.regularization as f32,
            self.regularization_exponent as f32,
            (unobserved * known(others).count() as f64) as f32,
        ])
    }
}

/// The users, or the items.
struct Side<'a> {
    rows: &'a SparseMatrix,
    /// α₀.
    unobserved: f64,
    penalty: Penalty,
}

impl Side<'_> {
    /// Solves for all vectors of one side, given the `others`.
    fn solve(
        &self,
        (others, vectors): (&mut Factors, &mut Factors),
        options: &FitOptions,
    ) -> Result<()> {
        let spectrum = self.weighed(others.diagonalize(vectors)?);
        let shared = Shared {
            others: others.view(),
            spectrum: &spectrum,
            penalty: self.penalty,
            effort: EFFORT,
        };
        let width = vectors.width();
        vectors
            .values_mut()
            .par_chunks_mut(ROWS_PER_TASK * width)
            .enumerate()
            .try_for_each_init(Scratch::default, |scratch, (task, vectors)| {
                stop_if_asked(options)?;
                let first = task * ROWS_PER_TASK;
                let rows = first..first + vectors.len() / width;
                on_best_simd(Solve {
                    shared,
                    rows: rows.map(|row| self.rows.row(row)),
                    vectors,
                    scratch,
                });
                Ok(())
            })
    }

    /// α₀ Λ.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "factors are f32 throughout"
    )]
    fn weighed(&self, mut spectrum: Vec<f32>) -> Vec<f32> {
        for value in &mut spectrum {
            *value *= self.unobserved as f32;
        }
        spectrum
    }
}

/// Rows with an interaction.
fn known(interactions: &SparseMatrix) -> impl Iterator<Item = usize> {
    let rows = interactions.iter_rows().enumerate();
    rows.filter(|(_, row)| !row.is_empty()).map(|(row, _)| row)
}

/// Items without an interaction have no vector: they are not among the unobserved.
fn clear_unknown(by_item: &SparseMatrix, items: &mut Factors) {
    for (item, row) in by_item.iter_rows().enumerate() {
        if row.is_empty() {
            items.row_mut(item).fill(0.0);
        }
    }
}

fn stop_if_asked(options: &FitOptions) -> Result<()> {
    if options.cancel.load(Ordering::Relaxed) {
        return Err(Error::Cancelled);
    }
    Ok(())
}
