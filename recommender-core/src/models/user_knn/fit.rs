//! Weighing every user's row and turning it into an index by item.

use crate::dataset::{Change, Dataset};
use crate::error::Result;
use crate::models::user_knn::weighing::Weighing;
use crate::models::user_knn::{UserKnn, UserKnnConfig};
use crate::recommender::FitOptions;
use crate::sparse::SparseMatrix;

/// Users weighed before progress is reported again.
const USERS_PER_STEP: usize = 4096;

impl UserKnnConfig {
    /// Keeps the users of `dataset`: one pass over the matrix.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range, [`crate::Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<UserKnn> {
        self.validate()?;
        let by_user = dataset.interactions().by_user();
        let weighing = Weighing::new(self, dataset.interactions());
        let mut norms = Vec::with_capacity(by_user.rows());
        let mut weighed = Vec::with_capacity(by_user.rows());
        for (user, row) in by_user.iter_rows().enumerate() {
            if user.is_multiple_of(USERS_PER_STEP) {
                options.step("weighing", user as f64 / by_user.rows() as f64)?;
            }
            let row = weighing.weigh(&row.iter().collect::<Vec<_>>());
            norms.push(weighing.norm(&row));
            weighed.push(row);
        }
        let index = SparseMatrix::from_rows(by_user.cols(), weighed)?.transpose();
        options.step("weighing", 1.0)?;
        Ok(UserKnn {
            users: by_user.clone(),
            index,
            norms: norms.into(),
            weighing,
            neighbours: vec![self.neighbours as u64].into(),
        })
    }

    /// The model after `change`, byte for byte what [`UserKnnConfig::fit`] gives for [`Change::after`], by fitting it:
    /// that is one pass over the matrix, no more than it takes to see what changed. Nothing of a user whose events were
    /// given back is left in it.
    ///
    /// # Errors
    /// As [`UserKnnConfig::fit`].
    pub fn update(
        &self,
        _fitted: &UserKnn,
        change: &Change<'_>,
        options: &FitOptions,
    ) -> Result<UserKnn> {
        self.fit(change.after(), options)
    }
}
