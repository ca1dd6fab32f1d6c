//! Resource names of serving configs.

use std::fmt;

use crate::settings::is_resource_id;

/// The name of a serving config: `catalogs/{catalog}/servingConfigs/{serving_config}`.
///
/// ```
/// use recommender_grpc::ServingConfigName;
/// let name = ServingConfigName::parse("catalogs/default/servingConfigs/home").unwrap();
/// assert_eq!((name.catalog(), name.id()), ("default", "home"));
/// assert_eq!(name.to_string(), "catalogs/default/servingConfigs/home");
/// assert!(ServingConfigName::parse("home").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServingConfigName {
    catalog: String,
    id: String,
}

impl ServingConfigName {
    /// What a name looks like, for messages.
    pub const PATTERN: &str = "catalogs/{catalog}/servingConfigs/{serving_config}";

    /// The name of the serving config `id` of `catalog`.
    #[must_use]
    pub fn new(catalog: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            catalog: catalog.into(),
            id: id.into(),
        }
    }

    /// Reads a name; none if `name` is not one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("catalogs/")?;
        let (catalog, rest) = rest.split_once('/')?;
        let id = rest.strip_prefix("servingConfigs/")?;
        (is_resource_id(catalog) && is_resource_id(id)).then(|| Self::new(catalog, id))
    }

    /// The catalogue.
    #[must_use]
    pub fn catalog(&self) -> &str {
        &self.catalog
    }

    /// The serving config's own name within its catalogue.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for ServingConfigName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "catalogs/{}/servingConfigs/{}", self.catalog, self.id)
    }
}
