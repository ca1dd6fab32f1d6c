//! What may be tried: for each model its settings, and those of the interactions, with their ranges.

mod built_in;
mod domain;
mod facts;
mod file;

pub use built_in::{built_in, interaction_parameters};
pub use domain::{Domain, Scale};
pub use facts::DataFacts;
pub use file::{SpaceFile, read_space};

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::interactions::InteractionConfig;
use crate::pipeline::ModelConfig;

/// What stands before the name of a setting of the interactions.
const INTERACTIONS: &str = "interactions.";

/// The choice that leaves a setting at its default.
const DEFAULT: &str = "default";

/// Values of the settings that a trial sets; the others stay at their defaults.
pub type Point = BTreeMap<String, Value>;

/// When a setting is looked at: if another one has one of these values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The other setting, which depends on none itself.
    pub parameter: String,
    /// Values of it.
    pub one_of: Vec<Value>,
}

/// A setting that is searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The setting as its configuration writes it, with dots into tables; `interactions.` begins one of the interactions.
    pub name: String,
    /// What it may be.
    pub domain: Domain,
    /// When it is looked at; always, if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
}

impl Parameter {
    /// A setting that is always looked at.
    #[must_use]
    pub fn new(name: &str, domain: Domain) -> Self {
        Self {
            name: name.into(),
            domain,
            when: None,
        }
    }

    /// The same, looked at only if `parameter` is one of `values`.
    #[must_use]
    pub fn when(mut self, parameter: &str, values: &[&str]) -> Self {
        self.when = Some(Condition {
            parameter: parameter.into(),
            one_of: values.iter().map(|&value| value.into()).collect(),
        });
        self
    }

    /// Whether it is looked at beside the settings of `point`.
    #[must_use]
    pub fn is_active(&self, point: &Point) -> bool {
        self.when.as_ref().is_none_or(|when| {
            let value = point.get(&when.parameter);
            value.is_some_and(|value| when.one_of.contains(value))
        })
    }
}

/// One model with the settings that are fixed and those that are searched.
///
/// ```
/// use recommender_core::tuning::{Domain, ModelSpace, Parameter, Scale};
/// let strength = Domain::Float { low: 10.0, high: 1000.0, scale: Scale::Log };
/// let space = ModelSpace::new("ease", "ease", vec![Parameter::new("regularization", strength)])?;
/// assert_eq!(space.parameters().len(), 1);
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSpace {
    name: String,
    kind: String,
    fixed: Map<String, Value>,
    parameters: Vec<Parameter>,
}

impl ModelSpace {
    /// The space called `name` of the model `kind`.
    ///
    /// # Errors
    /// [`Error::Config`] if there is no such model, a range is wrong, a setting comes twice, a condition names no
    /// setting that stands on its own, or the model does not know a setting.
    pub fn new(name: &str, kind: &str, parameters: Vec<Parameter>) -> Result<Self> {
        // Whatever others depend on comes first.
        let (free, dependent): (Vec<_>, Vec<_>) =
            parameters.into_iter().partition(|it| it.when.is_none());
        let space = Self {
            name: name.into(),
            kind: kind.into(),
            fixed: Map::new(),
            parameters: [free, dependent].concat(),
        };
        space.check()?;
        Ok(space)
    }

    /// The same with `settings` fixed, which are then not searched.
    ///
    /// # Errors
    /// [`Error::Config`] if the model does not take them.
    pub fn with_fixed(mut self, settings: Map<String, Value>) -> Result<Self> {
        self.parameters
            .retain(|it| !settings.contains_key(&it.name));
        self.fixed = settings;
        // A condition on a fixed setting is settled once and for all.
        let fixed: Point = self.fixed.clone().into_iter().collect();
        self.parameters.retain_mut(|it| {
            let settled = it.when.as_ref();
            let settled = settled.is_some_and(|when| fixed.contains_key(&when.parameter));
            let kept = !settled || it.is_active(&fixed);
            it.when.take_if(|_| settled && kept);
            kept
        });
        self.check()?;
        Ok(self)
    }

    /// The same with further settings searched.
    ///
    /// # Errors
    /// As [`ModelSpace::new`].
    pub fn with_parameters(self, parameters: Vec<Parameter>) -> Result<Self> {
        let all = [self.parameters, parameters].concat();
        Self::new(&self.name, &self.kind, all)?.with_fixed(self.fixed)
    }

    /// Its name, which tells it from others of the same model.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The model's name, as in [`ModelConfig::NAMES`].
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What is searched; a setting that others depend on comes before them.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The configurations that `point` stands for: how events are weighed, over `interactions`, and the model.
    ///
    /// # Errors
    /// [`Error::Config`] if the settings together are not allowed.
    pub fn configs(
        &self,
        interactions: &InteractionConfig,
        point: &Point,
    ) -> Result<(InteractionConfig, ModelConfig)> {
        let mut weighing = to_object(interactions)?;
        let mut model = Map::new();
        for (name, value) in self.fixed.iter().chain(point) {
            if value == DEFAULT {
                continue;
            }
            match name.strip_prefix(INTERACTIONS) {
                Some(setting) => set(&mut weighing, setting, value)?,
                None => set(&mut model, name, value)?,
            }
        }
        let weighing: InteractionConfig = serde_json::from_value(Value::Object(weighing))
            .map_err(|error| Error::config("interactions", "settings of interactions", error))?;
        weighing.validate()?;
        Ok((weighing, ModelConfig::from_settings(&self.kind, model)?))
    }

    /// What every searched setting is in the defaults over `interactions`, where a search could have found it.
    ///
    /// # Errors
    /// As [`ModelSpace::configs`].
    pub fn default_point(&self, interactions: &InteractionConfig) -> Result<Point> {
        let (weighing, model) = self.configs(interactions, &Point::new())?;
        let (weighing, model) = (to_object(&weighing)?, to_object(&model)?);
        let mut point = Point::new();
        for parameter in &self.parameters {
            let value = match parameter.name.strip_prefix(INTERACTIONS) {
                Some(setting) => get(&weighing, setting),
                None => get(&model, &parameter.name),
            };
            let value = value.cloned().unwrap_or_else(|| DEFAULT.into());
            if parameter.is_active(&point) && parameter.domain.unit(&value).is_some() {
                point.insert(parameter.name.clone(), value);
            }
        }
        Ok(point)
    }

    fn check(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        let mut point = Point::new();
        for parameter in &self.parameters {
            let field = self.field(&parameter.name);
            if !names.insert(&parameter.name) {
                return Err(Error::config(field, "each setting once", "it twice"));
            }
            parameter.domain.validate(&field)?;
            if let Some(when) = &parameter.when {
                self.check_condition(&field, when)?;
            }
            point.insert(parameter.name.clone(), parameter.domain.value(0.5));
        }
        // A name nobody knows is found before the first trial; values that do not go together are a trial's own.
        self.check_names(&point)
    }

    fn check_condition(&self, field: &str, when: &Condition) -> Result<()> {
        let mut others = self.parameters.iter();
        let parent = others.find(|it| it.name == when.parameter && it.when.is_none());
        match parent {
            Some(parent)
                if when
                    .one_of
                    .iter()
                    .any(|it| parent.domain.unit(it).is_some()) =>
            {
                Ok(())
            }
            Some(_) => Err(Error::config(
                format!("{field}.when"),
                format!("values that \"{}\" can have", when.parameter),
                Value::Array(when.one_of.clone()),
            )),
            None => Err(Error::config(
                format!("{field}.when"),
                "a searched setting without a condition of its own",
                format!("\"{}\"", when.parameter),
            )),
        }
    }

    fn check_names(&self, point: &Point) -> Result<()> {
        self.configs(&InteractionConfig::default(), &Point::new())?;
        for (name, value) in point {
            let alone = Point::from([(name.clone(), value.clone())]);
            match self.configs(&InteractionConfig::default(), &alone) {
                Err(Error::Config(error)) if error.found.contains("unknown field") => {
                    return Err(Error::config(self.field(name), "a setting", error.found));
                }
                Err(Error::Config(error)) if error.found.contains("invalid type") => {
                    return Err(Error::config(self.field(name), "its type", error.found));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn field(&self, parameter: &str) -> String {
        format!("models.{}.{parameter}", self.name)
    }
}

fn to_object(config: &impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(config) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(Error::Internal(format!("{other} is no table of settings"))),
        Err(error) => Err(Error::Internal(error.to_string())),
    }
}

fn get<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => object.get(path),
        Some((table, rest)) => get(object.get(table)?.as_object()?, rest),
    }
}

fn set(object: &mut Map<String, Value>, path: &str, value: &Value) -> Result<()> {
    let Some((table, rest)) = path.split_once('.') else {
        object.insert(path.into(), value.clone());
        return Ok(());
    };
    let inner = object
        .entry(table)
        .or_insert_with(|| Value::Object(Map::new()));
    match inner.as_object_mut() {
        Some(inner) => set(inner, rest, value),
        None => Err(Error::config(path, "a setting of a table", table)),
    }
}

#[cfg(test)]
mod tests;
