//! A search space in TOML.

use std::fmt::Display;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use crate::error::{Error, InputError, Result};
use crate::tuning::space::{Condition, DataFacts, Domain, ModelSpace, Parameter, Scale};
use crate::tuning::space::{INTERACTIONS, built_in};

/// The settings of one table of a file, each with its place in the text.
type Settings = IndexMap<String, Spanned<toml::Value>>;

/// A file of spaces, read but not yet joined with the data.
///
/// ```toml
/// [interactions]                          # searched beside the settings of every model
/// combine = { choices = ["max", "binary"] }
/// quantity = "ignore"                     # fixed
///
/// [models.item_knn]
/// similarity = { choices = ["cosine", "bm25"] }
/// neighbours = { integer = [20, 2000], scale = "log" }
/// shrinkage = { float = [0.0, 100.0], when = { similarity = ["cosine"] } }
///
/// [models.recent]                         # any name, with the model's name as its kind
/// kind = "popularity"
/// window_days = { float = [1.0, 60.0], scale = "log" }
///
/// [models.ease]                           # nothing said: its built-in space
/// ```
#[derive(Debug, Clone)]
pub struct SpaceFile {
    origin: String,
    text: String,
    tables: Tables,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    #[serde(default)]
    interactions: Settings,
    models: IndexMap<String, Settings>,
}

/// What stands behind a setting that is searched.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Searched {
    choices: Option<Vec<Value>>,
    integer: Option<(i64, i64)>,
    float: Option<(f64, f64)>,
    #[serde(default)]
    scale: Scale,
    when: Option<IndexMap<String, Vec<Value>>>,
}

/// Reads a file of spaces; `origin` names it in errors.
///
/// # Errors
/// [`Error::Input`] with the row if the text is no TOML of this form.
pub fn read_space(origin: &str, text: &str) -> Result<SpaceFile> {
    let tables: Tables = toml::from_str(text).map_err(|error| {
        let mut wrong = InputError::new(origin, "a search space in TOML", error.message());
        if let Some(span) = error.span() {
            wrong = wrong.at_row(row(text, span.start));
        }
        wrong
    })?;
    if tables.models.is_empty() {
        return Err(InputError::new(origin, "at least one model under [models]", "none").into());
    }
    let file = SpaceFile {
        origin: origin.into(),
        text: text.into(),
        tables,
    };
    // Whatever can be wrong without data is told before data is read.
    for name in file.tables.models.keys() {
        file.parts(name)?;
    }
    Ok(file)
}

fn row(text: &str, place: usize) -> u64 {
    let before = &text.as_bytes()[..place.min(text.len())];
    before.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1
}

/// Where a setting stands.
#[derive(Debug, Clone)]
struct Place<'a> {
    /// The path of its table, with the dot.
    table: &'a str,
    name: String,
    /// What stands before the names its condition uses.
    prefix: &'a str,
    row: u64,
}

fn as_json(value: &Spanned<toml::Value>) -> Result<Value> {
    serde_json::to_value(value.get_ref()).map_err(|error| Error::Internal(error.to_string()))
}

/// What one model's table says.
#[derive(Debug)]
struct Parts {
    kind: String,
    fixed: Map<String, Value>,
    parameters: Vec<Parameter>,
}

impl SpaceFile {
    /// The space of every model, with built-in ones from `facts` where the file says nothing.
    ///
    /// # Errors
    /// [`Error::Input`] naming field and row of what is wrong.
    pub fn spaces(&self, facts: &DataFacts) -> Result<Vec<ModelSpace>> {
        let space = |name: &String| {
            let parts = self.parts(name)?;
            let silent = self.tables.models[name].keys().all(|key| key == "kind");
            let own = silent.then(|| built_in(&parts.kind, facts)).flatten();
            let parameters = [own.unwrap_or_default(), parts.parameters].concat();
            ModelSpace::new(name, &parts.kind, parameters)?.with_fixed(parts.fixed)
        };
        self.tables.models.keys().map(space).collect()
    }

    fn parts(&self, name: &str) -> Result<Parts> {
        let table = &self.tables.models[name];
        let mut parts = Parts {
            kind: name.into(),
            fixed: Map::new(),
            parameters: Vec::new(),
        };
        for (key, value) in &self.tables.interactions {
            let place = Place {
                table: "",
                name: format!("{INTERACTIONS}{key}"),
                prefix: INTERACTIONS,
                row: row(&self.text, value.span().start),
            };
            self.add(&mut parts, &place, as_json(value)?)?;
        }
        let above = format!("models.{name}.");
        for (key, value) in table {
            let place = Place {
                table: &above,
                name: key.clone(),
                prefix: "",
                row: row(&self.text, value.span().start),
            };
            if key != "kind" {
                self.add(&mut parts, &place, as_json(value)?)?;
            } else if let Some(kind) = value.get_ref().as_str() {
                parts.kind = kind.into();
            } else {
                return Err(self.wrong(&place, "the name of a model", value.get_ref()));
            }
        }
        self.check(name, &parts)?;
        Ok(parts)
    }

    /// Builds the space piece by piece, so that the row of what is wrong can be told.
    fn check(&self, name: &str, parts: &Parts) -> Result<()> {
        let place = |field: &str| {
            let key = field.rsplit('.').next().unwrap_or_default();
            let whole = field.strip_prefix(&format!("models.{name}."));
            let table = &self.tables.models[name];
            let inner = whole.and_then(|whole| table.get(whole)).or(table.get(key));
            let found = inner.or_else(|| self.tables.interactions.get(key));
            found.map(|value| row(&self.text, value.span().start))
        };
        let space = ModelSpace::new(name, &parts.kind, parts.parameters.clone())
            .and_then(|space| space.with_fixed(parts.fixed.clone()));
        match space {
            Ok(_) => Ok(()),
            Err(Error::Config(error)) => {
                let field = error.field.trim_end_matches(".when");
                let mut wrong = InputError::new(&self.origin, &error.expected, &error.found)
                    .in_field(&error.field);
                wrong.row = place(field).or_else(|| self.table_row(name));
                Err(wrong.into())
            }
            Err(error) => Err(error),
        }
    }

    fn table_row(&self, name: &str) -> Option<u64> {
        let heads = [format!("[models.{name}]"), format!("[models.\"{name}\"]")];
        let lines = (1u64..).zip(self.text.lines());
        let mut heads = lines.filter(|(_, line)| heads.iter().any(|head| line.starts_with(head)));
        heads.next().map(|(row, _)| row)
    }

    /// Adds one setting: searched, if it says how, else fixed. A table of settings is gone through.
    fn add(&self, parts: &mut Parts, at: &Place<'_>, plain: Value) -> Result<()> {
        let Some(table) = plain.as_object() else {
            parts.fixed.insert(at.name.clone(), plain);
            return Ok(());
        };
        let words = ["choices", "integer", "float"];
        if !words.iter().any(|&word| table.contains_key(word)) {
            for (key, value) in table {
                let inner = Place {
                    name: format!("{}.{key}", at.name),
                    ..at.clone()
                };
                self.add(parts, &inner, value.clone())?;
            }
            return Ok(());
        }
        let wrong = |expected: &str, found: &dyn Display| self.wrong(at, expected, found);
        let searched: Searched = serde_json::from_value(plain)
            .map_err(|error| wrong("choices, an integer or a float range", &error))?;
        let scale = searched.scale;
        let domain = match (searched.choices, searched.integer, searched.float) {
            (Some(choices), None, None) => Domain::Choices(choices),
            (None, Some((low, high)), None) => Domain::Integer { low, high, scale },
            (None, None, Some((low, high))) => Domain::Float { low, high, scale },
            _ => return Err(wrong("one of choices, integer and float", &"several")),
        };
        let mut conditions = searched.when.unwrap_or_default().into_iter();
        let when = conditions.next().map(|(parameter, one_of)| Condition {
            parameter: format!("{}{parameter}", at.prefix),
            one_of,
        });
        if conditions.next().is_some() {
            return Err(wrong("one condition under when", &"several"));
        }
        parts.parameters.push(Parameter {
            name: at.name.clone(),
            domain,
            when,
        });
        Ok(())
    }

    fn wrong(&self, at: &Place<'_>, expected: &str, found: &dyn Display) -> Error {
        InputError::new(&self.origin, expected, found.to_string())
            .in_field(format!("{}{}", at.table, at.name))
            .at_row(at.row)
            .into()
    }
}
