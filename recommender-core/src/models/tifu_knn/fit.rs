//! The vector of every user, and an index of them by item.

use crate::baskets::Baskets;
use crate::dataset::{Change, Dataset};
use crate::error::Result;
use crate::models::shoppers::of_each;
use crate::models::stored_config::StoredConfig;
use crate::models::tifu_knn::vector::squared_length;
use crate::models::tifu_knn::{TifuKnn, TifuKnnConfig};
use crate::recommender::FitOptions;
use crate::sparse::SparseMatrix;

impl TifuKnnConfig {
    /// Makes the vectors of the users of `dataset`: one pass over the events.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range, [`crate::Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<TifuKnn> {
        self.validate()?;
        let vectors = of_each(dataset, options, |query| {
            self.vector(&Baskets::of_past(query, &self.baskets()))
        })?;
        let vectors = SparseMatrix::from_rows(dataset.items().len(), vectors)?;
        TifuKnn::new(self.clone(), vectors)
    }

    /// The model after `change`, byte for byte what [`TifuKnnConfig::fit`] gives for [`Change::after`], by fitting it:
    /// another basket of the same items can leave a user's row of the matrix as it was, so only a look at all events
    /// tells whose vector differs. Nothing of a user whose events were given back is left in it.
    ///
    /// # Errors
    /// As [`TifuKnnConfig::fit`].
    pub fn update(
        &self,
        _fitted: &TifuKnn,
        change: &Change<'_>,
        options: &FitOptions,
    ) -> Result<TifuKnn> {
        self.fit(change.after(), options)
    }
}

impl TifuKnn {
    /// The model of these users' vectors.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] only.
    pub(super) fn new(config: TifuKnnConfig, vectors: SparseMatrix) -> Result<Self> {
        let squares: Vec<f32> = vectors
            .iter_rows()
            .map(|row| squared_length(&row.iter().collect::<Vec<_>>()))
            .collect();
        let mut shortest: Vec<u32> = (0u32..)
            .zip(&squares)
            .filter(|&(_, &square)| square > 0.0)
            .map(|(user, _)| user)
            .collect();
        shortest.sort_by(|&a, &b| squares[a as usize].total_cmp(&squares[b as usize]));
        Ok(Self {
            index: vectors.transpose(),
            vectors,
            squares,
            shortest,
            stored: StoredConfig::of("tifu_knn", &config)?,
            config,
        })
    }
}
