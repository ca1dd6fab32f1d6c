//! What is run on which set, as settings.

use std::path::{Path, PathBuf};

use recommender_core::evaluation::CaseOptions;
use recommender_core::pipeline::{ModelConfig, PipelineConfig};
use recommender_core::rows::Format;
use recommender_core::{Error, InteractionConfig, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::reproduce::read_toml;

/// A data set, its protocol, and the models that run on it. One file of `benches/reproduce/sets/` each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The word it is asked for by; set to the file's name without its extension.
    #[serde(skip)]
    pub name: String,
    /// What it is called on the page.
    pub title: String,
    /// Which events are learned from, which are asked about, and how an answer is judged.
    pub protocol: String,
    /// How the settings below were chosen.
    pub tuning: String,
    /// Its files.
    pub data: Files,
    /// How one part is split; none for a published split of two files.
    #[serde(default)]
    pub split: Option<String>,
    /// Figures wanted, as `evaluate` takes them.
    pub metrics: String,
    /// The one models are ranked by.
    pub headline: String,
    /// The list length of `coverage` in the plots.
    #[serde(default = "default_coverage")]
    pub coverage: String,
    /// Who is asked, and what is relevant.
    #[serde(default)]
    pub cases: CaseOptions,
    /// How events are weighed, unless a model says otherwise.
    #[serde(default)]
    pub interactions: InteractionConfig,
    /// The models, the one all are compared with first.
    pub models: Vec<Entry>,
}

fn default_coverage() -> String {
    "coverage@20".into()
}

/// The files of a set, under the directory of the data sets.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Files {
    /// The published training part.
    pub train: Option<PathBuf>,
    /// The published test part.
    pub test: Option<PathBuf>,
    /// Events that are still to be split.
    pub events: Vec<PathBuf>,
    /// Whether they are part of the repository, under `datasets/`.
    pub committed: bool,
    /// How the rows are written; none goes by the extension.
    pub format: Option<Format>,
    /// The map of columns, beside the recipe or under `datasets/`.
    pub map: Option<PathBuf>,
    /// The products.
    pub catalog: Vec<PathBuf>,
    /// The map of their columns.
    pub catalog_map: Option<PathBuf>,
}

impl Files {
    /// Every file of the data.
    pub fn all(&self) -> impl Iterator<Item = &PathBuf> {
        let split = self.train.iter().chain(&self.test);
        split.chain(&self.events).chain(&self.catalog)
    }
}

/// A model or a pipeline with its settings.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What it is called on the page, unique in the set.
    pub label: String,
    /// A lone model, as a pipeline's source has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Map<String, Value>>,
    /// The file of a whole pipeline, beside the recipe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PathBuf>,
    /// How events are weighed for this model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interactions: Option<InteractionConfig>,
    /// Where the settings come from: `default`, `published`, `validation`.
    pub chosen: String,
    /// The headline figure on the validation part, if they were chosen there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<f64>,
    /// Settings tried on the validation part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trials: Option<u32>,
    /// Whether a quick run leaves it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub slow: bool,
}

/// What is fitted.
#[derive(Debug, Clone)]
pub(super) enum Method {
    Model(ModelConfig),
    Pipeline(Box<PipelineConfig>),
}

impl Entry {
    /// What is fitted; `directory` holds the pipeline's file.
    pub(super) fn method(&self, directory: &Path) -> Result<Method> {
        match (&self.model, &self.pipeline) {
            (Some(settings), None) => {
                let mut settings = settings.clone();
                let kind = settings.remove("kind");
                let kind = kind.as_ref().and_then(Value::as_str).unwrap_or_default();
                Ok(Method::Model(ModelConfig::from_settings(kind, settings)?))
            }
            (None, Some(file)) => {
                let path = directory.join(file);
                let text = std::fs::read_to_string(&path);
                let text = text
                    .map_err(|error| Error::data(path.display().to_string(), error.to_string()))?;
                Ok(Method::Pipeline(Box::new(PipelineConfig::from_toml(
                    &text,
                )?)))
            }
            _ => Err(Error::config(
                format!("models.{}", self.label),
                "either a model or a pipeline",
                "both or neither",
            )),
        }
    }
}

/// The recipes of `directory`, by the names of their files.
///
/// # Errors
/// [`Error::Data`] if it can't be read, [`Error::Config`] for a file that is no recipe.
pub fn read_recipes(directory: &Path) -> Result<Vec<Recipe>> {
    let failed =
        |error: std::io::Error| Error::data(directory.display().to_string(), error.to_string());
    let entries = std::fs::read_dir(directory).map_err(failed)?;
    let paths = entries.map(|entry| Ok(entry.map_err(failed)?.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|it| it == "toml"));
    paths.sort();
    paths.iter().map(|path| read_recipe(path)).collect()
}

fn read_recipe(path: &Path) -> Result<Recipe> {
    let mut recipe: Recipe = read_toml(path)?;
    let stem = path.file_stem().unwrap_or_default();
    recipe.name = stem.to_string_lossy().into_owned();
    recipe.check()?;
    Ok(recipe)
}

impl Recipe {
    /// Refuses what can't be run.
    fn check(&self) -> Result<()> {
        let wrong = |field: &str, expected: &str, found: &str| {
            Err(Error::config(
                format!("{}.{field}", self.name),
                expected,
                found,
            ))
        };
        let mut labels: Vec<&str> = self.models.iter().map(|entry| &*entry.label).collect();
        labels.sort_unstable();
        if let Some(pair) = labels.windows(2).find(|pair| pair[0] == pair[1]) {
            return wrong("models.label", "labels that differ", pair[0]);
        }
        let given = self.data.train.is_some() && self.data.test.is_some();
        if given == self.split.is_some() || given != self.data.events.is_empty() {
            let expected = "train and test, or events and split";
            return wrong("data", expected, "both or neither");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("reproduce/sets")
    }

    #[test]
    fn every_committed_recipe_is_one_and_names_its_maps() {
        let recipes = read_recipes(&committed()).unwrap();
        assert!(recipes.len() >= 7, "{}", recipes.len());
        for recipe in &recipes {
            let maps = recipe.data.map.iter().chain(&recipe.data.catalog_map);
            for map in maps {
                let beside = committed().join(map);
                let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(map);
                assert!(beside.is_file() || shared.is_file(), "{}", map.display());
            }
            for entry in &recipe.models {
                let method = entry.method(&committed());
                assert!(
                    method.is_ok(),
                    "{} {}: {method:?}",
                    recipe.name,
                    entry.label
                );
            }
        }
    }

    #[test]
    fn labels_are_unique_and_data_is_split_in_one_way() {
        let text = r#"
            title = "t"
            protocol = "p"
            tuning = "t"
            split = "time:0.8"
            metrics = "ndcg@10"
            headline = "ndcg@10"
            data = { events = ["e.csv"] }
            models = [{ label = "a", chosen = "default", model = { kind = "random" } }]
        "#;
        let recipe: Recipe = toml::from_str(text).unwrap();
        assert!(recipe.check().is_ok());
        let mut twice = recipe.clone();
        twice.models.push(recipe.models[0].clone());
        assert!(twice.check().is_err());
        let unsplit = Recipe {
            split: None,
            ..recipe
        };
        assert!(unsplit.check().is_err());
    }
}
