//! What others published, with its source.

use std::collections::BTreeMap;
use std::path::Path;

use recommender_core::Result;
use serde::{Deserialize, Serialize};

use crate::reproduce::read_toml;

/// A method's figures as published on one set, under the set's protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The set's name, that of its recipe.
    pub set: String,
    /// The method.
    pub method: String,
    /// Figures by metric with cut-off.
    pub metrics: BTreeMap<String, f64>,
    /// Where they stand.
    pub source: String,
    /// What else a reader has to know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Figures {
    figures: Vec<Published>,
}

/// The figures of a TOML file with entries `[[figures]]`.
///
/// # Errors
/// [`recommender_core::Error::Data`] if it can't be read, [`recommender_core::Error::Config`] if it holds anything else.
pub fn read_published(path: &Path) -> Result<Vec<Published>> {
    Ok(read_toml::<Figures>(path)?.figures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduce::read_recipes;

    #[test]
    fn committed_figures_are_shares_of_known_sets_with_a_source() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("reproduce");
        let figures = read_published(&directory.join("published.toml")).unwrap();
        let recipes = read_recipes(&directory.join("sets")).unwrap();
        assert!(figures.len() > 20);
        for figure in &figures {
            let known = recipes.iter().find(|recipe| recipe.name == figure.set);
            let known = known.unwrap_or_else(|| panic!("{} is no set", figure.set));
            assert!(!figure.source.is_empty() && !figure.metrics.is_empty());
            for (metric, value) in &figure.metrics {
                assert!(known.metrics.contains(metric), "{metric}");
                assert!((0.0..1.0).contains(value), "{} {metric}", figure.method);
            }
        }
    }

    #[test]
    fn unknown_fields_are_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[[figures]]\nset = \"a\"\nmetod = \"b\"\n").unwrap();
        let error = read_published(file.path()).unwrap_err().to_string();
        assert!(error.contains("metod"), "{error}");
    }
}
