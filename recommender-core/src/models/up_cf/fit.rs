//! The habits of every user, and an index of users by item.

use crate::baskets::Baskets;
use crate::dataset::{Change, Dataset};
use crate::error::Result;
use crate::models::shoppers::of_each;
use crate::models::up_cf::{UpCf, UpCfConfig};
use crate::recommender::FitOptions;
use crate::sparse::SparseMatrix;

impl UpCfConfig {
    /// Keeps the habits of the users of `dataset`: one pass over the events.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range, [`crate::Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<UpCf> {
        self.validate()?;
        let habits = of_each(dataset, options, |query| {
            self.habits(&Baskets::of_past(query, &self.baskets()))
        })?;
        let shares = habits.into_iter().map(|habits| habits.shares);
        let habits = SparseMatrix::from_rows(dataset.items().len(), shares)?;
        UpCf::new(self.clone(), habits)
    }

    /// The model after `change`, byte for byte what [`UpCfConfig::fit`] gives for [`Change::after`], by fitting it:
    /// another basket of the same items can leave a user's row of the matrix as it was, so only a look at all events
    /// tells whose habits differ. Nothing of a user whose events were given back is left in it.
    ///
    /// # Errors
    /// As [`UpCfConfig::fit`].
    pub fn update(
        &self,
        _fitted: &UpCf,
        change: &Change<'_>,
        options: &FitOptions,
    ) -> Result<UpCf> {
        self.fit(change.after(), options)
    }
}
