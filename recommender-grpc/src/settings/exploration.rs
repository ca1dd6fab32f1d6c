//! What the serving configs of the settings leave to chance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::settings::{RawSettings, keys};

/// Most products of a page that are left to chance.
pub(crate) const MOST_EXPLORED: usize = 1000;

/// How much of the first page of an answer is left to chance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Exploration {
    /// How a place is drawn for.
    pub policy: ExplorationPolicy,
    /// Most products of a page that are left to chance: 1 to 1,000, the last ones.
    pub max_items: usize,
}

/// How it is drawn what stands at a place: its own product, or one of those behind the page that were dealt to it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExplorationPolicy {
    /// One of the others with this probability, above 0 and at most 1, each of them as probably.
    Epsilon(f64),
    /// Each in proportion to `exp(s / t)`: `s` is its score between the worst (0) and the best (1) that may be drawn, `t`
    /// this temperature, above 0 and finite.
    SoftmaxTemperature(f64),
}

impl ExplorationPolicy {
    /// Whether its number is one that can be meant.
    pub(crate) fn is_in_range(self) -> bool {
        match self {
            Self::Epsilon(epsilon) => epsilon > 0.0 && epsilon <= 1.0,
            Self::SoftmaxTemperature(t) => t > 0.0 && t.is_finite(),
        }
    }
}

const EPSILON: &str = "epsilon";
const TEMPERATURE: &str = "softmax_temperature";
const MAX_ITEMS: &str = "max_items";

/// What is wrong with a value: the key below that of the serving config, what was expected, and what was found.
type Wrong = (String, &'static str, String);

impl RawSettings {
    /// What each serving config leaves to chance, by name.
    pub(crate) fn exploration(&mut self) -> BTreeMap<String, Exploration> {
        let Some(said) = self.said.remove(keys::EXPLORATION) else {
            return BTreeMap::new();
        };
        let Some(table) = said.value.as_table() else {
            let expected = "a table of name = { epsilon = 0.1, max_items = 2 }, in a file";
            self.wrong(keys::EXPLORATION, expected, &said);
            return BTreeMap::new();
        };
        let mut all = BTreeMap::new();
        for (name, value) in table {
            match read(value) {
                Ok(exploration) => drop(all.insert(name.clone(), exploration)),
                Err((below, expected, found)) => {
                    let key = format!("{}.{name}{below}", keys::EXPLORATION);
                    self.problem(&said.origin, &key, expected, &found);
                }
            }
        }
        all
    }
}

fn read(value: &toml::Value) -> Result<Exploration, Wrong> {
    let whole = "a table of max_items and either epsilon or softmax_temperature";
    let nothing = || (String::new(), whole, value.to_string());
    let table = value.as_table().ok_or_else(nothing)?;
    let known = [EPSILON, TEMPERATURE, MAX_ITEMS];
    if table.keys().any(|key| !known.contains(&&**key)) {
        return Err(nothing());
    }
    let policy = match (table.get(EPSILON), table.get(TEMPERATURE)) {
        (Some(epsilon), None) => {
            let policy = number(epsilon).map(ExplorationPolicy::Epsilon);
            let policy = policy.filter(|policy| policy.is_in_range());
            policy.ok_or_else(|| wrong(EPSILON, "above 0, at most 1", epsilon))?
        }
        (None, Some(temperature)) => {
            let policy = number(temperature).map(ExplorationPolicy::SoftmaxTemperature);
            let policy = policy.filter(|policy| policy.is_in_range());
            policy.ok_or_else(|| wrong(TEMPERATURE, "a finite number above 0", temperature))?
        }
        (None, None) | (Some(_), Some(_)) => return Err(nothing()),
    };
    let items = table.get(MAX_ITEMS).ok_or_else(nothing)?;
    let number = (items.as_integer()).and_then(|items| usize::try_from(items).ok());
    let max_items = number.filter(|items| (1..=MOST_EXPLORED).contains(items));
    Ok(Exploration {
        policy,
        max_items: max_items.ok_or_else(|| wrong(MAX_ITEMS, "an integer from 1 to 1000", items))?,
    })
}

fn wrong(key: &str, expected: &'static str, found: &toml::Value) -> Wrong {
    (format!(".{key}"), expected, found.to_string())
}

/// A number, whether it is written with a point or without.
fn number(value: &toml::Value) -> Option<f64> {
    let whole = || i32::try_from(value.as_integer()?).ok().map(f64::from);
    value.as_float().or_else(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_serving_config_has_its_own() {
        let mut raw = RawSettings::default();
        let text = "[exploration]\nhome = { epsilon = 1, max_items = 2 }\n[exploration.cart]\n\
                    softmax_temperature = 0.25\nmax_items = 1000";
        raw.add_toml(text, "server.toml", "".as_ref());
        let exploration = raw.resolve().unwrap().exploration;
        let home = Exploration {
            policy: ExplorationPolicy::Epsilon(1.0),
            max_items: 2,
        };
        let cart = Exploration {
            policy: ExplorationPolicy::SoftmaxTemperature(0.25),
            max_items: 1000,
        };
        let expected = [("cart".to_owned(), cart), ("home".to_owned(), home)];
        assert_eq!(exploration, BTreeMap::from(expected));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, key) in [
            ("epsilon = 0.0, max_items = 1", "exploration.home.epsilon"),
            ("epsilon = 0.1, max_items = 0", "exploration.home.max_items"),
            (
                "epsilon = 0.1, max_items = 1001",
                "exploration.home.max_items",
            ),
            (
                "softmax_temperature = nan, max_items = 1",
                "exploration.home.softmax_temperature",
            ),
            (
                "softmax_temperature = 1, epsilon = 0.1, max_items = 1",
                "exploration.home",
            ),
            ("max_items = 1", "exploration.home"),
            ("epsilon = 0.1", "exploration.home"),
            ("epsilon = 0.1, max_items = 1, seed = 3", "exploration.home"),
        ] {
            let mut raw = RawSettings::default();
            let text = format!("exploration = {{ home = {{ {text} }} }}");
            raw.add_toml(&text, "server.toml", "".as_ref());
            let problems = raw.resolve().unwrap_err().problems;
            let keys: Vec<&str> = problems.iter().map(|problem| &*problem.key).collect();
            assert_eq!(keys, [key], "{text}");
        }
        let mut raw = RawSettings::default();
        raw.add_environment([("RECOMMENDER_EXPLORATION".into(), "home=0.1".into())]);
        assert_eq!(raw.resolve().unwrap_err().problems[0].key, "exploration");
    }
}
