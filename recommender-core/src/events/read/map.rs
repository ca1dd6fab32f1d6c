//! Which column fills which field of an event, as settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::events::read::EventField;
use crate::events::{Channel, EventKind};
use crate::rows::{Condition, DropRule, KeyCase, Layout, TimeFormat, validate_conditions};

/// How the columns of a file become events.
///
/// A column named like a field fills it (see [`EventField::default_columns`]); the map says where that is not so.
/// Rules see the row as the file has it: rows are dropped first, then changed.
///
/// | field | default | range |
/// |---|---|---|
/// | `columns` | the field's own name | field = column; `""`: the file has no such column |
/// | `constants` | none | used where the column is missing or its cell is empty |
/// | `anonymous` | none: a row without a visitor is a bad row | the column that stands in, with a prefix |
/// | `times` | `required` | `required`, `optional` |
/// | `time_format` | `auto` | see [`TimeFormat`] |
/// | `item_case` | `keep` | `keep`, `upper` |
/// | `kinds`, `channels` | none | what a file calls them = what they are |
/// | `drop` | none | see [`DropRule`] |
/// | `set` | none | see [`SetRule`] |
/// | `layout` | the format's habit | see [`Layout`] |
///
/// A row for which neither a column nor a constant states a kind is a rating if it has one, else a purchase, so that
/// it weighs 1.
///
/// ```
/// use recommender_core::events::read::EventMap;
/// let map = EventMap::from_toml("events.toml", r#"
///     columns = { visitor = "CustomerID", item = "StockCode", time = "InvoiceDate" }
///     constants = { kind = "purchase" }
///     [[drop]]
///     reason = "postage"
///     when = [{ column = "StockCode", one_of = ["POST"] }]
/// "#)?;
/// assert_eq!(map.drop.len(), 1);
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventMap {
    /// The column of each field, where it is not the field's own name.
    pub columns: BTreeMap<EventField, String>,
    /// Values for files that do not state them.
    pub constants: Constants,
    /// Who did it where no visitor is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<Anonymous>,
    /// Whether the file must have a column of times.
    pub times: Times,
    /// How times are written.
    pub time_format: TimeFormat,
    /// Whether item keys that differ in the case of their letters are one.
    pub item_case: KeyCase,
    /// What the file calls kinds, where that is not their name.
    pub kinds: BTreeMap<String, EventKind>,
    /// What the file calls channels, where that is not their name.
    pub channels: BTreeMap<String, Channel>,
    /// How the text is laid out.
    pub layout: Layout,
    /// Rows to leave out; the first rule that applies counts them.
    pub drop: Vec<DropRule>,
    /// Changes to rows; every rule that applies does its change, in order.
    pub set: Vec<SetRule>,
}

/// Values for files that do not state them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Constants {
    /// What was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<EventKind>,
    /// Where from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Store or warehouse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Who did it where no visitor is named: a visitor of its own for each value of a column, such as the invoice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anonymous {
    /// The column whose value tells one anonymous visitor from another.
    pub column: String,
    /// Put before the value, so that it can't be taken for a named visitor's key.
    #[serde(default)]
    pub prefix: String,
}

/// Whether a file must have a column of times. Where it has one, every row needs a time either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Times {
    /// A file without one is refused. Formats that never have times, such as adjacency lists, are exempt.
    #[default]
    Required,
    /// A file without one gives events without times; the report counts them.
    Optional,
}

/// Changes the rows for which all of `when` and none of `unless` hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetRule {
    /// Conditions that must all hold.
    pub when: Vec<Condition>,
    /// Conditions of which none may hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<Condition>,
    /// What was done instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<EventKind>,
    /// Where from instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// How many pieces instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<QuantityChange>,
}

/// What becomes of a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuantityChange {
    /// A negative one becomes positive.
    Absolute,
}

impl EventMap {
    /// A map from the text of a TOML file, validated; `origin` names the file in errors.
    ///
    /// # Errors
    /// [`Error::Config`] if it is no TOML, has an unknown key, or a setting is out of range.
    pub fn from_toml(origin: &str, text: &str) -> Result<Self> {
        let map: Self = toml::from_str(text)
            .map_err(|error| Error::config(origin, "settings of an event map in TOML", error))?;
        map.validate()?;
        Ok(map)
    }

    /// Makes a column fill a field, as the command line says it: `COLUMN=FIELD`, or `=FIELD` if the file has no column
    /// for it.
    ///
    /// ```
    /// use recommender_core::events::read::{EventField, EventMap};
    /// let mut map = EventMap::default();
    /// map.assign("CustomerID=visitor")?;
    /// assert_eq!(map.columns[&EventField::Visitor], "CustomerID");
    /// # Ok::<(), recommender_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] if there is no `=` or no such field; it says which fields exist.
    pub fn assign(&mut self, assignment: &str) -> Result<()> {
        let Some((column, field)) = assignment.rsplit_once('=') else {
            return Err(Error::config("map", "COLUMN=FIELD", assignment));
        };
        let field: EventField = field
            .parse()
            .map_err(|expected: String| Error::config("map", expected, format!("\"{field}\"")))?;
        self.columns.insert(field, column.into());
        Ok(())
    }

    /// Whether every row needs a time.
    pub(crate) fn needs_times(&self) -> bool {
        let no_column = self
            .columns
            .get(&EventField::Time)
            .is_some_and(String::is_empty);
        self.times == Times::Required && !no_column
    }

    /// Checks the rules and the layout.
    ///
    /// # Errors
    /// [`Error::Config`] naming the setting that is wrong.
    pub fn validate(&self) -> Result<()> {
        self.layout.validate()?;
        for (number, rule) in self.drop.iter().enumerate() {
            rule.validate(&format!("drop[{number}]"))?;
        }
        for (number, rule) in self.set.iter().enumerate() {
            let field = format!("set[{number}]");
            validate_conditions(&field, &rule.when, &rule.unless)?;
            if rule.kind.is_none() && rule.channel.is_none() && rule.quantity.is_none() {
                return Err(Error::config(
                    field,
                    "one of kind, channel, quantity",
                    "none",
                ));
            }
        }
        for field in [EventField::Visitor, EventField::Item] {
            let none = self.columns.get(&field).is_some_and(String::is_empty);
            if none && (field == EventField::Item || self.anonymous.is_none()) {
                let setting = format!("columns.{field}");
                return Err(Error::config(setting, "the name of a column", "none"));
            }
        }
        match &self.anonymous {
            Some(anonymous) if anonymous.column.is_empty() => Err(Error::config(
                "anonymous.column",
                "the name of a column",
                "none",
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_fill_the_map_and_unknown_fields_list_the_choices() {
        let mut map = EventMap::default();
        map.assign("a=b=item").unwrap();
        assert_eq!(map.columns[&EventField::Item], "a=b");
        map.assign("=time").unwrap();
        assert!(!map.needs_times());
        let error = map.assign("x=buyer").unwrap_err().to_string();
        assert!(error.contains("visitor"), "{error}");
        assert!(map.assign("visitor").is_err());
    }

    #[test]
    fn a_map_survives_toml_and_unknown_keys_are_refused() {
        let text = r#"
            time_format = "%d/%m/%Y"
            columns = { visitor = "who" }
            kinds = { addtocart = "add_to_cart" }
            anonymous = { column = "basket", prefix = "b:" }
            [[set]]
            when = [{ column = "invoice", starts_with = "C" }]
            kind = "return"
            quantity = "absolute"
        "#;
        let map = EventMap::from_toml("x", text).unwrap();
        let again = toml::to_string(&map).unwrap();
        assert_eq!(EventMap::from_toml("x", &again).unwrap(), map);
        for wrong in [
            "colums = {}",
            "columns = { buyer = \"x\" }",
            "[[drop]]\nreason = \"r\"\nwhen = []",
            "[[set]]\nwhen = [{ column = \"a\", empty = true }]",
            "columns = { item = \"\" }",
            "time_format = \"often\"",
            "[anonymous]\ncolumn = \"\"",
        ] {
            assert!(EventMap::from_toml("x", wrong).is_err(), "{wrong}");
        }
    }
}
