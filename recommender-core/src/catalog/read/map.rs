//! Which column fills which field of a product, as settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::rows::{DropRule, KeyCase, Layout, TimeFormat};

/// How the columns of a file become products.
///
/// A column named like a field fills it (`key` also from a column `item`); the map says where that is not so.
///
/// | field | default | range |
/// |---|---|---|
/// | `columns` | the field's own name | field = column; `""`: the file has no such column |
/// | `category_levels` | none | columns that make one category path, from the top down |
/// | `attributes` | none | attribute = column |
/// | `level_separator` | `>` | not empty: between the levels of a category path |
/// | `list_separator` | <code>\|</code> | not empty: between several category paths, and between tags |
/// | `key_case` | `keep` | `keep`, `upper` |
/// | `time_format` | `auto` | see [`TimeFormat`] |
/// | `drop` | none | see [`DropRule`] |
/// | `layout` | the format's habit | see [`Layout`] |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProductMap {
    /// The column of each field, where it is not the field's own name.
    pub columns: BTreeMap<ProductField, String>,
    /// Columns that together make one category path, from the top down.
    pub category_levels: Vec<String>,
    /// The column of each attribute.
    pub attributes: BTreeMap<String, String>,
    /// Stands between the levels of a category path.
    pub level_separator: String,
    /// Stands between several category paths, and between tags.
    pub list_separator: String,
    /// Whether keys that differ in the case of their letters are one.
    pub key_case: KeyCase,
    /// How times are written.
    pub time_format: TimeFormat,
    /// How the text is laid out.
    pub layout: Layout,
    /// Rows to leave out; the first rule that applies counts them.
    pub drop: Vec<DropRule>,
}

impl Default for ProductMap {
    fn default() -> Self {
        Self {
            columns: BTreeMap::new(),
            category_levels: Vec::new(),
            attributes: BTreeMap::new(),
            level_separator: ">".into(),
            list_separator: "|".into(),
            key_case: KeyCase::default(),
            time_format: TimeFormat::default(),
            layout: Layout::default(),
            drop: Vec::new(),
        }
    }
}

/// A field of a [`crate::Product`] that a column can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductField {
    /// The item's key.
    Key,
    /// Short name.
    Title,
    /// Longer text.
    Description,
    /// Paths into the category tree.
    Categories,
    /// Brand.
    Brand,
    /// Free labels.
    Tags,
    /// Price of one piece.
    Price,
    /// When the row was true, for catalogues read from dated rows.
    Time,
}

impl ProductField {
    /// Every field.
    pub const ALL: [Self; 8] = [
        Self::Key,
        Self::Title,
        Self::Description,
        Self::Categories,
        Self::Brand,
        Self::Tags,
        Self::Price,
        Self::Time,
    ];

    /// Names of the column that fills the field where the map says nothing, in order of preference.
    #[must_use]
    pub fn default_columns(self) -> &'static [&'static str] {
        match self {
            Self::Key => &["key", "item"],
            Self::Title => &["title"],
            Self::Description => &["description"],
            Self::Categories => &["categories", "category"],
            Self::Brand => &["brand"],
            Self::Tags => &["tags"],
            Self::Price => &["price"],
            Self::Time => &["time", "timestamp"],
        }
    }

    /// The name used in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.default_columns()[0]
    }
}

impl ProductMap {
    /// A map from the text of a TOML file, validated; `origin` names the file in errors.
    ///
    /// # Errors
    /// [`Error::Config`] if it is no TOML, has an unknown key, or a setting is out of range.
    pub fn from_toml(origin: &str, text: &str) -> Result<Self> {
        let map: Self = toml::from_str(text)
            .map_err(|error| Error::config(origin, "settings of a product map in TOML", error))?;
        map.validate()?;
        Ok(map)
    }

    /// Checks the separators, the rules and the layout.
    ///
    /// # Errors
    /// [`Error::Config`] naming the setting that is wrong.
    pub fn validate(&self) -> Result<()> {
        self.layout.validate()?;
        for (number, rule) in self.drop.iter().enumerate() {
            rule.validate(&format!("drop[{number}]"))?;
        }
        for (setting, separator) in [
            ("level_separator", &self.level_separator),
            ("list_separator", &self.list_separator),
        ] {
            if separator.is_empty() {
                return Err(Error::config(setting, "at least one character", "none"));
            }
        }
        let no_key = self.columns.get(&ProductField::Key);
        if no_key.is_some_and(String::is_empty) {
            return Err(Error::config("columns.key", "the name of a column", "none"));
        }
        Ok(())
    }
}
