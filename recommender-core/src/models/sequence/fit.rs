//! Learning, in builds that can.

use crate::dataset::Dataset;
use crate::error::Result;
use crate::models::sequence::{Sequence, SequenceConfig};
use crate::recommender::FitOptions;

impl SequenceConfig {
    /// Learns the model from what each shopper of `dataset` did, in order.
    ///
    /// An epoch takes time in proportion to the events times the items (times [`SequenceConfig::negatives`], where they
    /// are given) times [`SequenceConfig::factors`].
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if a setting is out of range, and always in a build without the feature
    /// `sequence-training`, which answers from models that others fitted; [`Error::Data`](crate::Error::Data) if
    /// learning went past all numbers, [`Error::Cancelled`](crate::Error::Cancelled).
    #[cfg(feature = "sequence-training")]
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Sequence> {
        self.validate()?;
        options.run(|| super::training::learned(self, dataset, options))
    }

    /// In a build without the feature `sequence-training`, an error that says so: such a build answers from models that
    /// others fitted.
    ///
    /// # Errors
    /// Always [`Error::Config`](crate::Error::Config).
    #[cfg(not(feature = "sequence-training"))]
    pub fn fit(&self, _dataset: &Dataset, _options: &FitOptions) -> Result<Sequence> {
        self.validate()?;
        let expected = "a build with the feature \"sequence-training\", as `cargo build --features sequence-training` gives";
        let found = "one without it, which can only answer from a fitted model";
        Err(crate::Error::config("sequence", expected, found))
    }
}
