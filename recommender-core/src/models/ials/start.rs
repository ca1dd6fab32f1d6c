//! The vectors that learning begins from.
//!
//! Random ones carry nothing of the data: the first epochs only turn them towards the directions in which users differ
//! most. Products with the matrix of interactions, each divided by the roots of the weights of its user and of its item,
//! do the same for a fraction of an epoch's time: power steps towards its largest singular vectors (Halko, Martinsson
//! and Tropp, *Finding structure with randomness*, SIAM Review 2011, section 4.5).

use pulp::{Simd, WithSimd};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::factors::{Factors, Rows, on_best_simd};
use crate::interactions::Interactions;
use crate::models::ials::IalsConfig;
use crate::sparse::SparseMatrix;

/// Rows of one task.
const ROWS_PER_TASK: usize = 64;

/// How often the items' vectors go to the users and back. More would leave the largest direction only.
const ROUNDS: usize = 2;

impl IalsConfig {
    /// Vectors of the items, turned towards the directions the data has most of, whose mean squared length is the square
    /// of the initial deviation; zeros for items without an interaction.
    pub(super) fn directions(&self, interactions: &Interactions, seed: u64) -> Factors {
        let (by_user, by_item) = (interactions.by_user(), interactions.by_item());
        let shares = [inverse_roots(by_user), inverse_roots(by_item)];
        let mut items = self.random(by_item.rows(), seed);
        let mut users = Factors::zeros(by_user.rows(), self.factors);
        for _ in 0..ROUNDS {
            multiply(by_user, &items, [&shares[0], &shares[1]], &mut users);
            multiply(by_item, &users, [&shares[1], &shares[0]], &mut items);
        }
        self.scale(by_item, &mut items);
        items
    }

    /// Vectors whose expected squared length is the square of the initial deviation.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "factors are f32 throughout"
    )]
    pub(super) fn random(&self, rows: usize, seed: u64) -> Factors {
        let mut vectors = Factors::zeros(rows, self.factors);
        let width = vectors.width();
        // Uniform on ±√3 σ has standard deviation σ.
        let bound = (self.initial_deviation * (3.0 / self.factors as f64).sqrt()) as f32;
        vectors
            .values_mut()
            .par_chunks_mut(ROWS_PER_TASK * width)
            .enumerate()
            .for_each(|(task, rows)| {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                random.set_stream(task as u64);
                for row in rows.chunks_exact_mut(width) {
                    row[..self.factors].fill_with(|| bound * (2.0 * random.random::<f32>() - 1.0));
                }
            });
        vectors
    }

    /// Gives the vectors of the items with an interaction the mean squared length asked for.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "factors are f32 throughout"
    )]
    fn scale(&self, by_item: &SparseMatrix, items: &mut Factors) {
        let known = by_item.iter_rows().filter(|row| !row.is_empty()).count();
        let square = |row: &[f32]| row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        let sum: f64 = (0..by_item.rows()).map(|row| square(items.row(row))).sum();
        if sum > 0.0 {
            let factor = (self.initial_deviation * (known as f64 / sum).sqrt()) as f32;
            let values = items.values_mut().par_iter_mut();
            values.for_each(|value| *value *= factor);
        }
    }
}

/// One over the root of the sum of each row; zero for a row without a weight.
#[expect(
    clippy::cast_possible_truncation,
    reason = "factors are f32 throughout"
)]
fn inverse_roots(matrix: &SparseMatrix) -> Vec<f32> {
    let sum = |values: &[f32]| values.iter().map(|&weight| f64::from(weight)).sum::<f64>();
    let rows = matrix.iter_rows().map(|row| sum(row.values));
    rows.map(|sum| {
        if sum > 0.0 {
            sum.sqrt().recip() as f32
        } else {
            0.0
        }
    })
    .collect()
}

/// Puts `S M T` times `others` into `vectors`, S and T diagonal: the shares of its rows and columns.
fn multiply(
    matrix: &SparseMatrix,
    others: &Factors,
    [shares, other_shares]: [&[f32]; 2],
    vectors: &mut Factors,
) {
    let width = vectors.width();
    vectors
        .values_mut()
        .par_chunks_mut(ROWS_PER_TASK * width)
        .enumerate()
        .for_each_init(Vec::new, |weights, (task, vectors)| {
            on_best_simd(Multiply {
                matrix,
                first: task * ROWS_PER_TASK,
                others: others.view(),
                shares,
                other_shares,
                weights,
                vectors,
            });
        });
}

/// Consecutive rows of a product.
struct Multiply<'a> {
    matrix: &'a SparseMatrix,
    first: usize,
    others: Rows<'a>,
    shares: &'a [f32],
    other_shares: &'a [f32],
    weights: &'a mut Vec<f32>,
    vectors: &'a mut [f32],
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let vectors = self.vectors.chunks_exact_mut(self.others.width());
        for (at, vector) in (self.first..).zip(vectors) {
            let row = self.matrix.row(at);
            self.weights.clear();
            for (other, weight) in row.iter() {
                let share = self.shares[at] * weight * self.other_shares[other as usize];
                self.weights.push(share);
            }
            vector.fill(0.0);
            self.others
                .add_weighted(simd, (row.indices, self.weights), vector);
        }
    }
}
