//! What a serving config is: a named recipe for one placement, with its business rules. Plain data, kept as documents
//! of the store.

mod book;
mod config;
mod control;
mod name;
mod recipes;

pub use crate::settings::{Exploration, ExplorationPolicy};
pub(crate) use book::{Change, RecipeBook};
pub use config::{Diversity, Fulfillment, ServingConfig};
pub use control::{Action, Condition, Control, Direction, PageType, TimeRange};
pub use name::ServingConfigName;
pub use recipes::{Recipe, Recipes, RecipesAt};
