//! How the content model is learned: the features of the catalogue, and their inverted index.

use super::{Content, ContentConfig};
use crate::catalog::Features;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::recommender::FitOptions;

impl ContentConfig {
    /// Reads the features of every product; the events are not read at all.
    ///
    /// A catalogue without products gives a model that recommends nothing.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range; [`crate::Error::Cancelled`] if asked to stop.
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Content> {
        self.validate()?;
        options.run(|| {
            options.step("content", 0.0)?;
            let items = dataset.items().len();
            let features = Features::extract(dataset.catalog(), items, &self.features)?;
            options.step("content", 0.8)?;
            let index = features.matrix.transpose();
            options.step("content", 1.0)?;
            Ok(Content { features, index })
        })
    }
}
