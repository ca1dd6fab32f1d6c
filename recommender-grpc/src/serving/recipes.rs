//! The serving configs and controls of the moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::serving::{Control, ServingConfig};

/// A serving config with its controls.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// The serving config.
    pub config: ServingConfig,
    /// Its controls that exist, in the order they act.
    pub controls: Vec<Arc<Control>>,
}

/// The serving configs and controls of one moment.
#[derive(Debug, Clone, Default)]
pub struct RecipesAt {
    recipes: BTreeMap<String, Arc<Recipe>>,
    controls: BTreeMap<String, Arc<Control>>,
}

impl RecipesAt {
    /// Those of these serving configs and controls. What a serving config names and is not there is left out.
    #[must_use]
    pub fn new(
        configs: impl IntoIterator<Item = ServingConfig>,
        controls: impl IntoIterator<Item = Control>,
    ) -> Self {
        let controls: BTreeMap<String, Arc<Control>> = (controls.into_iter())
            .map(|control| (control.id.clone(), Arc::new(control)))
            .collect();
        let recipe = |config: ServingConfig| {
            let named = config.controls.iter();
            let controls = named.filter_map(|id| controls.get(id).cloned()).collect();
            (config.id.clone(), Arc::new(Recipe { config, controls }))
        };
        Self {
            recipes: configs.into_iter().map(recipe).collect(),
            controls,
        }
    }

    /// The serving config of this id, with its controls.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Recipe>> {
        self.recipes.get(id)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Recipe>> {
        self.recipes.values()
    }

    /// The control of this id.
    #[must_use]
    pub fn control(&self, id: &str) -> Option<&Arc<Control>> {
        self.controls.get(id)
    }

    /// All controls, by id.
    pub fn controls(&self) -> impl Iterator<Item = &Arc<Control>> {
        self.controls.values()
    }
}

/// The serving configs and controls, changed while requests go on. A request takes one state and keeps it to its end.
#[derive(Debug, Clone, Default)]
pub struct Recipes(Arc<ArcSwap<RecipesAt>>);

impl Recipes {
    /// Those of this moment.
    #[must_use]
    pub fn now(&self) -> Arc<RecipesAt> {
        self.0.load_full()
    }

    /// Puts others in their place.
    pub fn replace(&self, recipes: RecipesAt) {
        self.0.store(Arc::new(recipes));
    }
}
