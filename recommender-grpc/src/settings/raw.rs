//! Settings as they were said, by key, with who said it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::settings::keys;
use crate::settings::{SettingProblem, SettingsError};

/// Settings as they were said. What is added later wins; what is wrong is kept and reported together by
/// [`RawSettings::resolve`](crate::settings::RawSettings::resolve).
#[derive(Debug, Clone, Default)]
pub struct RawSettings {
    pub(crate) said: BTreeMap<String, Said>,
    pub(crate) problems: Vec<SettingProblem>,
}

/// A value and where it was said.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) value: toml::Value,
    pub(crate) origin: String,
    /// What relative paths in the value start from.
    pub(crate) base: PathBuf,
}

impl RawSettings {
    /// Adds the settings of a TOML file. Paths in it are relative to its directory.
    pub fn add_file(&mut self, file: &Path) {
        let origin = file.display().to_string();
        match std::fs::read_to_string(file) {
            Ok(text) => self.add_toml(&text, &origin, file.parent().unwrap_or(Path::new(""))),
            Err(error) => self.problem(&origin, "", "a file that can be read", &error),
        }
    }

    /// Adds the settings of a TOML text called `origin` in messages. Paths in it are relative to `base`.
    pub fn add_toml(&mut self, text: &str, origin: &str, base: &Path) {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => return self.problem(origin, "", "TOML", &error),
        };
        for (key, value) in table {
            let said = Said {
                value,
                origin: origin.to_owned(),
                base: base.to_path_buf(),
            };
            self.add(&key, said);
        }
    }

    /// Adds the variables whose names begin with `RECOMMENDER_`, and leaves the others alone.
    pub fn add_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in variables {
            if let Some(key) = name.strip_prefix(keys::PREFIX) {
                self.set(&key.to_lowercase(), value, &name);
            }
        }
    }

    /// Sets one key, as an option of the command line does; `origin` names the option in messages.
    pub fn set(&mut self, key: &str, value: impl Into<String>, origin: &str) {
        let said = Said {
            value: toml::Value::String(value.into()),
            origin: origin.to_owned(),
            base: PathBuf::new(),
        };
        self.add(key, said);
    }

    fn add(&mut self, key: &str, said: Said) {
        if keys::is_known(key) {
            self.said.insert(key.to_owned(), said);
        } else {
            let expected = format!("one of the settings {}", keys::listed());
            self.problem(&said.origin, key, &expected, &"an unknown setting");
        }
    }

    pub(crate) fn problem(
        &mut self,
        origin: &str,
        key: &str,
        expected: &str,
        found: &impl ToString,
    ) {
        self.problems.push(SettingProblem {
            origin: origin.to_owned(),
            key: key.to_owned(),
            expected: expected.to_owned(),
            found: found.to_string(),
        });
    }

    pub(crate) fn finish(self) -> Result<(), SettingsError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(SettingsError {
            problems: self.problems,
        })
    }
}
