//! The probabilities of both steps, and their product.

use crate::dataset::{Change, Dataset};
use crate::error::Result;
use crate::interactions::Interactions;
use crate::models::rp3beta::{Rp3Beta, Rp3BetaConfig};
use crate::recommender::FitOptions;
use crate::sparse::{Changed, Nearest, SparseMatrix, differing_rows};

impl Rp3BetaConfig {
    /// Finds where the walk leads from every item of `dataset`.
    ///
    /// Time is proportional to the sum over users of the square of their number of items; memory to
    /// `items × neighbours`.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range, [`crate::Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Rp3Beta> {
        self.validate()?;
        options.run(|| {
            options.step("probabilities", 0.0)?;
            let walk = Walk::new(self, dataset.interactions())?;
            let step = |done| options.step("walks", done);
            let weights = walk.product(self.neighbours).all(walk.score(), step)?;
            Ok(Rp3Beta::new(weights, self.normalize))
        })
    }

    /// The model after `change`, byte for byte what [`Rp3BetaConfig::fit`] gives for [`Change::after`].
    ///
    /// Only what changed is computed: the rows of the items of users who changed, and, as their popularity differs,
    /// their places in the rows of others.
    ///
    /// # Errors
    /// As [`Rp3BetaConfig::fit`].
    pub fn update(
        &self,
        fitted: &Rp3Beta,
        change: &Change<'_>,
        options: &FitOptions,
    ) -> Result<Rp3Beta> {
        self.validate()?;
        options.run(|| {
            options.step("probabilities", 0.0)?;
            let before = Walk::new(self, change.before().interactions())?;
            let after = Walk::new(self, change.after().interactions())?;
            let to_item = after.to_item.transpose();
            let to_user = after.to_user.transpose();
            let changed = Changed {
                rows: after.rows_moved_since(&before, &to_user),
                columns: after.columns_moved_since(&before),
                transposed: Nearest {
                    left: &to_item,
                    right: &to_user,
                    limit: to_item.rows(),
                },
            };
            let step = |done| options.step("walks", done);
            let product = after.product(self.neighbours);
            let weights = product.renewed(fitted.weights(), &changed, after.score(), step)?;
            Ok(Rp3Beta::new(weights, self.normalize))
        })
    }
}

/// The two steps of the walk.
struct Walk {
    /// Items × users: the probability to step from an item to a user, to the power of alpha.
    to_user: SparseMatrix,
    /// Users × items: the probability to step from a user to an item, to the power of alpha.
    to_item: SparseMatrix,
    /// Per item: its number of users to the power of −beta; zero if it has none.
    held_back: Vec<f32>,
}

impl Walk {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are f32 throughout"
    )]
    fn new(config: &Rp3BetaConfig, interactions: &Interactions) -> Result<Self> {
        let users = interactions.by_item().iter_rows().map(|row| row.len());
        let held_back = users.map(|users| {
            if users == 0 {
                return 0.0;
            }
            (users as f64).powf(-f64::from(config.beta)) as f32
        });
        Ok(Self {
            to_user: probabilities(interactions.by_item(), config.alpha)?,
            to_item: probabilities(interactions.by_user(), config.alpha)?,
            held_back: held_back.collect(),
        })
    }

    fn product(&self, neighbours: usize) -> Nearest<'_> {
        Nearest {
            left: &self.to_user,
            right: &self.to_item,
            limit: neighbours,
        }
    }

    /// The score of a walk's end, given its probability: none for where it began.
    fn score(&self) -> impl Fn(u32, u32, f32) -> f32 + Sync {
        |item, other, walks| {
            if item == other {
                return 0.0;
            }
            walks * self.held_back[other as usize]
        }
    }

    /// Items whose step to a user differs, and all items of users whose step to an item does, ascending.
    fn rows_moved_since(&self, before: &Self, to_user_by_user: &SparseMatrix) -> Vec<u32> {
        let mut rows = differing_rows(&before.to_user, &self.to_user);
        for user in differing_rows(&before.to_item, &self.to_item) {
            rows.extend_from_slice(to_user_by_user.row(user as usize).indices);
        }
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    fn columns_moved_since(&self, before: &Self) -> Vec<u32> {
        let old = before
            .held_back
            .iter()
            .copied()
            .chain(std::iter::repeat(0.0));
        let both = (0u32..).zip(self.held_back.iter().zip(old));
        both.filter(|(_, (new, old))| **new != *old)
            .map(|(item, _)| item)
            .collect()
    }
}

/// Each row as shares of its sum, to the power of `alpha`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "weights are f32 throughout"
)]
fn probabilities(matrix: &SparseMatrix, alpha: f32) -> Result<SparseMatrix> {
    let sum = |row: crate::sparse::SparseRow<'_>| row.values.iter().map(|&x| f64::from(x)).sum();
    let sums: Vec<f64> = matrix.iter_rows().map(sum).collect();
    let alpha = f64::from(alpha);
    matrix.map_values(|row, _, x| (f64::from(x) / sums[row]).powf(alpha) as f32)
}
