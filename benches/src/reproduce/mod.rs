//! Our models on the data sets of the field, beside what was published of them.
//!
//! A [`Recipe`] says which files make a set, how it is split and judged, and with which settings each model runs;
//! [`Trial`] runs it through the evaluation room; a [`SetResult`] is what came of it; [`Findings`] are those of all
//! sets, printed as text and as one page of HTML.

mod findings;
mod page;
mod plots;
mod published;
mod recipe;
mod sections;
mod table;
mod trial;

pub use findings::{Findings, SetResult, Skipped, Tried};
pub use page::page;
pub use published::{Published, read_published};
pub use recipe::{Entry, Recipe, read_recipes};
pub use trial::Trial;

use std::path::Path;

use recommender_core::{Error, Result};
use serde::de::DeserializeOwned;

/// What a TOML file says.
fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Error::data(&*name, error.to_string()))?;
    toml::from_str(&text).map_err(|error| Error::config(name, "settings of this kind", error))
}
