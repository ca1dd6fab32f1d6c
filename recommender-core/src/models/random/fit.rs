//! Collects the items that can be drawn.

use crate::dataset::Dataset;
use crate::error::Result;
use crate::models::random::{Random, RandomConfig};
use crate::recommender::FitOptions;

impl RandomConfig {
    /// Collects the items of `dataset` that happened at least once.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Random> {
        options.step("random", 0.0)?;
        let by_item = dataset.interactions().by_item();
        let happened = (0u32..)
            .zip(by_item.iter_rows())
            .filter(|(_, users)| !users.is_empty());
        Ok(Random {
            items: happened.map(|(item, _)| item).collect::<Vec<u32>>().into(),
            seed: vec![options.seed].into(),
        })
    }
}
