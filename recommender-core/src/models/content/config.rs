//! What the content model is.

use serde::{Deserialize, Serialize};

use crate::catalog::FeatureConfig;
use crate::error::Result;

/// Settings of [`Content`](super::Content): which parts of a product count, and how much.
///
/// Written as the fields of [`FeatureConfig`], which names them with their defaults and ranges.
///
/// ```
/// use recommender_core::models::content::ContentConfig;
/// let config: ContentConfig = serde_json::from_str(r#"{"title": 2.0, "bins": 4}"#)?;
/// assert_eq!(config.features.bins, 4);
/// config.validate()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentConfig {
    /// How products become feature vectors.
    pub features: FeatureConfig,
}

impl ContentConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`crate::Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        self.features.validate()
    }
}
