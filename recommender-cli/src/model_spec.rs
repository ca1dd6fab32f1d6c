//! `NAME[:key=value,…]` and `pipeline:FILE.toml`, as `evaluate --model` takes them.

use std::fs;
use std::path::Path;

use recommender_core::pipeline::{ModelConfig, PipelineConfig, SourceConfig};
use recommender_core::{
    Dataset, Error, FitOptions, InteractionConfig, Recommender, Result as CoreResult,
};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// A model to evaluate, under the name it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct ModelSpec {
    /// As written on the command line.
    pub(crate) name: String,
    /// How the events it learns from are weighed.
    pub(crate) interactions: InteractionConfig,
    recipe: Recipe,
}

#[derive(Debug, Clone)]
enum Recipe {
    Model(ModelConfig),
    Pipeline(Box<PipelineConfig>),
}

impl ModelSpec {
    /// Reads a specification. A lone model weighs events by `interactions`, a pipeline by its own.
    pub(crate) fn parse(text: &str, interactions: &InteractionConfig) -> Result<Self, Failure> {
        if text == "pipeline" {
            return Err(Failure::call(
                "model \"pipeline\": expected pipeline:FILE.toml",
            ));
        }
        let (interactions, recipe) = match text.split_once(':') {
            Some(("pipeline", file)) => {
                let pipeline = read_pipeline(Path::new(file))?;
                (
                    pipeline.interactions.clone(),
                    Recipe::Pipeline(Box::new(pipeline)),
                )
            }
            _ => (interactions.clone(), Recipe::Model(parse_model(text)?)),
        };
        Ok(Self {
            name: text.to_owned(),
            interactions,
            recipe,
        })
    }

    /// The model of one source of `pipeline`, alone, weighing events as the pipeline does.
    pub(crate) fn of_source(source: &SourceConfig, pipeline: &PipelineConfig) -> Self {
        Self {
            name: source.name().to_owned(),
            interactions: pipeline.interactions.clone(),
            recipe: Recipe::Model(source.model.clone()),
        }
    }

    /// A whole pipeline under a name of its own.
    pub(crate) fn of_pipeline(name: &str, pipeline: &PipelineConfig) -> Self {
        Self {
            name: name.to_owned(),
            interactions: pipeline.interactions.clone(),
            recipe: Recipe::Pipeline(Box::new(pipeline.clone())),
        }
    }

    /// Learns it from `dataset`.
    pub(crate) fn fit(
        &self,
        dataset: &Dataset,
        options: &FitOptions,
    ) -> CoreResult<Box<dyn Recommender>> {
        match &self.recipe {
            Recipe::Model(config) => Ok(options.run(|| config.fit(dataset, options))?),
            Recipe::Pipeline(config) => Ok(Box::new(config.fit(dataset, options)?)),
        }
    }
}

/// Reads the recipe in `file`.
pub(crate) fn read_pipeline(file: &Path) -> Result<PipelineConfig, Failure> {
    let text = fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?;
    PipelineConfig::from_toml(&text).map_err(|error| Failure::file(file, &error))
}

/// The name and the settings of `NAME[:key=value,…]`, not yet checked.
pub(crate) fn parse_settings(text: &str) -> Result<(&str, Map<String, Value>), Failure> {
    let (name, settings) = text.split_once(':').unwrap_or((text, ""));
    let mut object = Map::new();
    for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
        let Some((key, value)) = setting.split_once('=') else {
            let message = format!("model \"{text}\": expected key=value, found \"{setting}\"");
            return Err(Failure::call(message));
        };
        object.insert(key.to_owned(), parse_value(value));
    }
    Ok((name, object))
}

fn parse_model(text: &str) -> Result<ModelConfig, Failure> {
    let (name, object) = parse_settings(text)?;
    match ModelConfig::from_settings(name, object) {
        Ok(model) => Ok(model),
        Err(Error::Config(error)) if error.field == "model" => {
            let message = format!("{error}, or pipeline:FILE.toml");
            Err(Failure::call(message))
        }
        Err(error) => Err(Failure::call(format!("model \"{text}\": {error}"))),
    }
}

/// A number or a truth value where the text is one, else the text.
fn parse_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ModelSpec, Failure> {
        ModelSpec::parse(text, &InteractionConfig::default())
    }

    #[test]
    fn settings_reach_the_model() {
        let text = format!("{:?}", parse("item_knn:neighbours=7").unwrap());
        assert!(text.contains("neighbours: 7"), "{text}");
    }

    #[test]
    fn unknown_names_and_settings_say_what_exists() {
        let error = format!("{:?}", parse("item_nn").unwrap_err());
        assert!(
            error.contains("item_knn") && error.contains("pipeline:FILE.toml"),
            "{error}"
        );
        let error = format!("{:?}", parse("item_knn:neighbors=7").unwrap_err());
        assert!(error.contains("neighbours"), "{error}");
        assert!(parse("item_knn:neighbours").is_err());
        assert!(parse("pipeline:no-such-file.toml").is_err());
    }
}
