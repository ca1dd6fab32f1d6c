//! Cutting events into sessions and indexing them.

use crate::dataset::Dataset;
use crate::error::Result;
use crate::models::vmis_knn::{VmisKnn, VmisKnnConfig};
use crate::recommender::FitOptions;
use crate::sessions::{SessionIndex, Sessions};

impl VmisKnnConfig {
    /// Indexes the sessions of `dataset`: one pass over the events and a sort of the sessions by their ends.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if a setting is out of range,
    /// [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<VmisKnn> {
        self.validate()?;
        options.step("cutting sessions", 0.0)?;
        let sessions = Sessions::of(dataset, &self.sessions())?;
        options.step("indexing sessions", 0.6)?;
        let index = SessionIndex::new(&sessions, dataset.items().len(), self.index())?;
        options.step("indexing sessions", 1.0)?;
        VmisKnn::new(self.clone(), index)
    }
}

impl VmisKnn {
    /// The model over `index`: how a service that follows its visitors goes from one generation of sessions to the next.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if the index was made with other settings than [`VmisKnnConfig::index`].
    pub fn over(&self, index: SessionIndex) -> Result<Self> {
        index.check_config("vmis_knn", &self.config.index())?;
        Self::new(self.config.clone(), index)
    }
}
