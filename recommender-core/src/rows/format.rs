//! File formats and how their text is laid out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the rows of a file are written. Gzip around any of them is found by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One line per user: the user, then her items, separated by blanks. Columns `visitor` and `item`; no times.
    Adjacency,
    /// Comma-separated values under a header line, quoted as in RFC 4180; any line ends.
    Csv,
    /// Tab-separated values under a header line.
    Tsv,
    /// One JSON object per line. A column is a key; `a.b` is the key `b` in the object under the key `a`.
    Jsonl,
    /// Apache Parquet with flat columns, uncompressed or compressed with snappy or gzip.
    Parquet,
    /// `user::item::rating::seconds`, or the same with tabs. Columns `visitor`, `item`, `rating` and `time`.
    MovieLens,
    /// One session a line: its items in order, separated by blanks. Columns `visitor` and `session`, which name the file
    /// and the line, and `item`; no times.
    Sessions,
    /// A session so far and the item to be foretold from it, one pair a line: items separated by blanks, a tab, the item.
    /// Columns as those of `Sessions`, the item to be foretold being the last of its session.
    Pairs,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 8] = [
        Self::Adjacency,
        Self::Csv,
        Self::Tsv,
        Self::Jsonl,
        Self::Parquet,
        Self::MovieLens,
        Self::Sessions,
        Self::Pairs,
    ];

    /// Whether its rows may carry times.
    #[must_use]
    pub fn has_times(self) -> bool {
        !matches!(self, Self::Adjacency | Self::Sessions | Self::Pairs)
    }

    /// Whether its columns have names that the file gives.
    #[must_use]
    pub fn names_columns(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::Jsonl | Self::Parquet)
    }

    /// The name used in settings and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Adjacency => "adjacency",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::MovieLens => "movielens",
            Self::Sessions => "sessions",
            Self::Pairs => "pairs",
        }
    }

    /// The format that the extension of a file name stands for, in any case, under `.gz` too.
    ///
    /// ```
    /// use recommender_core::rows::Format;
    /// assert_eq!(Format::of_name("events.CSV.gz"), Some(Format::Csv));
    /// assert_eq!(Format::of_name("ua.base"), Some(Format::MovieLens));
    /// assert_eq!(Format::of_name("events"), None);
    /// ```
    #[must_use]
    pub fn of_name(file_name: &str) -> Option<Self> {
        let name = file_name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension {
            "txt" | "adj" | "adjacency" => Self::Adjacency,
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "jsonl" | "ndjson" => Self::Jsonl,
            "parquet" | "pq" => Self::Parquet,
            "dat" | "data" | "base" | "test" | "movielens" => Self::MovieLens,
            _ => return None,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    /// Reads a [`Format::name`]; the error says which exist.
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| format!("one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// How the text of a file is laid out, where that differs from its format's habit.
///
/// | field | default | range |
/// |---|---|---|
/// | `delimiter` | the format's own | one ASCII character; CSV and TSV |
/// | `header` | the first line | the names of the columns of a CSV or TSV file that has no header line |
/// | `encoding` | `utf8` | `utf8`, `latin1` |
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layout {
    /// What stands between two fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Names of the columns, if the file has no header line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub header: Vec<String>,
    /// What the bytes stand for.
    pub encoding: Encoding,
}

impl Layout {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the setting out of range.
    pub fn validate(&self) -> Result<()> {
        match self.delimiter.filter(|delimiter| !delimiter.is_ascii()) {
            Some(found) => Err(Error::config(
                "layout.delimiter",
                "one ASCII character",
                format!("\"{found}\""),
            )),
            None => Ok(()),
        }
    }
}

/// What the bytes of a text file stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark.
    #[default]
    Utf8,
    /// ISO-8859-1.
    Latin1,
}

/// Whether keys that differ in the case of their letters are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyCase {
    /// Keys stay as they are.
    #[default]
    Keep,
    /// ASCII letters become upper case.
    Upper,
}

impl KeyCase {
    /// Brings `key` into this case.
    pub(crate) fn apply(self, key: &mut str) {
        if self == Self::Upper {
            key.make_ascii_uppercase();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_unknown_ones_list_the_choices() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        assert!("xls".parse::<Format>().unwrap_err().contains("parquet"));
    }

    #[test]
    fn extensions_name_formats() {
        for (name, format) in [
            ("train.txt.gz", Format::Adjacency),
            ("a.b.ndjson", Format::Jsonl),
            ("x.parquet", Format::Parquet),
            ("ratings.dat", Format::MovieLens),
            ("x.TSV", Format::Tsv),
        ] {
            assert_eq!(Format::of_name(name), Some(format), "{name}");
        }
        assert_eq!(Format::of_name("x.xlsx"), None);
    }

    #[test]
    fn a_delimiter_is_one_byte() {
        let layout = Layout {
            delimiter: Some('、'),
            ..Layout::default()
        };
        assert!(layout.validate().is_err());
    }
}
