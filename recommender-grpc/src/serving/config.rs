//! A named recipe for one placement.

use std::collections::BTreeMap;

use recommender_core::engine::SeenPolicy;
use recommender_store::filter::Filter;
use serde::{Deserialize, Serialize};

use crate::error::ServeError;
use crate::settings::Exploration;

/// A named recipe for one placement: which model answers, and what its answers are held to.
///
/// | field | default | range |
/// |---|---|---|
/// | `model` | the id of the serving config | id of a model |
/// | `fallback` | none | id of another serving config |
/// | `history_limit` | 50 | 1 to 10,000 events |
/// | `exploration` | none | see [`Exploration`] |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServingConfig {
    /// Its own name within the catalogue.
    pub id: String,
    /// For people.
    pub display_name: String,
    /// Id of the model that answers.
    pub model: String,
    /// Id of the serving config that answers when this one fails.
    pub fallback: Option<String>,
    /// Whether what the shopper already had may be answered.
    pub seen: SeenPolicy,
    /// Which products may be answered.
    pub filter: Option<Filter>,
    /// How different the products of an answer should be, where the request does not say.
    pub diversity: Diversity,
    /// How products must be to be had, where the request does not say.
    pub fulfillment: Option<Fulfillment>,
    /// Ids of the controls that act on its answers, in the order they act.
    pub controls: Vec<String>,
    /// How many of the shopper's latest events are read.
    pub history_limit: usize,
    /// What of its answers is left to chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exploration: Option<Exploration>,
}

impl Default for ServingConfig {
    fn default() -> Self {
        Self {
            id: String::new(),
            display_name: String::new(),
            model: String::new(),
            fallback: None,
            seen: SeenPolicy::Exclude,
            filter: None,
            diversity: Diversity::default(),
            fulfillment: None,
            controls: Vec::new(),
            history_limit: 50,
            exploration: None,
        }
    }
}

impl ServingConfig {
    /// The serving config `id`, whose model has the same id, with all defaults.
    #[must_use]
    pub fn of_model(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            model: id.to_owned(),
            ..Self::default()
        }
    }

    /// The serving configs of these names, each of the model of the same id, with what the settings have them leave to
    /// chance.
    ///
    /// # Errors
    /// [`ServeError::Setting`] if one that explores has none of these names.
    pub(crate) fn of_settings(
        names: &[String],
        explored: &BTreeMap<String, Exploration>,
    ) -> Result<Vec<Self>, ServeError> {
        if let Some(name) = explored.keys().find(|name| !names.contains(name)) {
            return Err(ServeError::Setting {
                key: "exploration",
                expected: format!("serving configs of the settings ({})", names.join(", ")),
                found: name.clone(),
            });
        }
        let config = |name: &String| Self {
            exploration: explored.get(name).copied(),
            ..Self::of_model(name)
        };
        Ok(names.iter().map(config).collect())
    }
}

/// How different from one another the products of an answer should be.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Diversity {
    /// From 0 (the best products, however alike) to 1 (as different as possible).
    pub strength: f64,
    /// Most products of one category; 0 is no bound.
    pub max_per_category: usize,
    /// Most products of one brand; 0 is no bound.
    pub max_per_brand: usize,
}

/// How a product must be to be had.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fulfillment {
    /// Keys of places, any of which will do; none means the place of the request's context.
    pub places: Vec<String>,
    /// Least number of pieces.
    pub min_quantity: f32,
    /// Whether a product that can only be ordered ahead will do.
    pub allow_preorder: bool,
}
