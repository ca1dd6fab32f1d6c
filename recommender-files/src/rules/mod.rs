//! Tables of association rules as files.

mod csv;
mod json;
mod parquet;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use recommender_core::error::InputError;
use recommender_core::rules::{Group, Grouping, Rule, RuleCounts, RuleTable};
use recommender_core::{Dataset, Result};

use crate::artifact::{beside, failed, named};

/// How a file of rules is written. The columns are the same in all: `channel` or `place` where rules are told apart by
/// it, `antecedent` and `consequent` (the keys of their items), `count` (the baskets that hold both), `support`,
/// `antecedent_support`, `consequent_support`, `confidence`, `lift`, `leverage`, `conviction`, `log_likelihood_ratio`
/// and `p_value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleFormat {
    /// Comma-separated values under a header line. Keys of several items have `|` between them, a `|` or `\` in a key
    /// has a `\` before it; a conviction without end is `inf`; no channel or place is an empty field.
    Csv,
    /// One array, a rule a line: an object whose sides are arrays of keys. A conviction without end, and no channel or
    /// place, is `null`.
    Json,
    /// Apache Parquet: sides are lists of keys, a conviction without end is infinity, no channel or place is null.
    Parquet,
}

impl RuleFormat {
    /// The format that the extension of a file name stands for, in any case.
    #[must_use]
    pub fn of_name(file_name: &str) -> Option<Self> {
        let (_, extension) = file_name.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "csv" => Self::Csv,
            "json" => Self::Json,
            "parquet" | "pq" => Self::Parquet,
            _ => return None,
        })
    }
}

/// A file of rules in the making: beside the final one until it is whole, and removed if it never gets so.
#[derive(Debug)]
pub struct RuleFile {
    path: PathBuf,
    format: RuleFormat,
    staged: PathBuf,
    file: File,
}

impl RuleFile {
    /// Gets ready to write rules to `path`, in the format of its extension; a file that has the name already stays as it
    /// is until then. What can't be written is told here, before any rule is mined.
    ///
    /// # Errors
    /// [`Error::Input`](recommender_core::Error::Input) if the extension stands for no format or the directory is none
    /// that may be written to.
    pub fn create(path: &Path) -> Result<Self> {
        let wrong = |expected: &str, found: String| InputError::new(named(path), expected, found);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(format) = RuleFormat::of_name(&name) else {
            let extension = path.extension().map(|it| it.to_string_lossy());
            let found = match extension {
                Some(extension) => format!("the extension \"{extension}\""),
                None => "no extension".into(),
            };
            return Err(wrong("a name that ends in .csv, .json or .parquet", found).into());
        };
        let expected = "a file that may be written";
        if path.is_dir() {
            return Err(wrong(expected, "a directory".into()).into());
        }
        let staged = beside(path, "new");
        let file = File::create(&staged).map_err(|error| wrong(expected, error.to_string()))?;
        Ok(Self {
            path: path.into(),
            format,
            staged,
            file,
        })
    }

    /// Writes `tables`, mined from `dataset` and told apart `by` its channels or places, and gives the file its name. The
    /// rules come in the order of the tables and of each table's rules; the same rules give the same bytes.
    ///
    /// # Errors
    /// [`Error::Data`](recommender_core::Error::Data) if the disk refuses.
    pub fn write(self, tables: &[RuleTable], by: Grouping, dataset: &Dataset) -> Result<()> {
        let sheet = Sheet {
            tables,
            by,
            dataset,
        };
        self.finish(&sheet)
            .map_err(|error| failed(&self.path, &error))
    }

    fn finish(&self, sheet: &Sheet<'_>) -> io::Result<()> {
        let mut out = BufWriter::new(&self.file);
        match self.format {
            RuleFormat::Csv => csv::write(sheet, &mut out),
            RuleFormat::Json => json::write(sheet, &mut out),
            RuleFormat::Parquet => parquet::write(sheet, &mut out),
        }?;
        out.flush()?;
        drop(out);
        self.file.sync_all()?;
        fs::rename(&self.staged, &self.path)
    }
}

impl Drop for RuleFile {
    fn drop(&mut self) {
        // After the renaming there is nothing left to remove; after a failure there is no one left to tell.
        let _ = fs::remove_file(&self.staged);
    }
}

/// A figure of a rule, with the name of its column.
type Measure = (&'static str, fn(&RuleCounts) -> f64);

/// The figures every format has, in their order.
const MEASURES: [Measure; 9] = [
    ("support", RuleCounts::support),
    ("antecedent_support", RuleCounts::antecedent_support),
    ("consequent_support", RuleCounts::consequent_support),
    ("confidence", RuleCounts::confidence),
    ("lift", RuleCounts::lift),
    ("leverage", RuleCounts::leverage),
    ("conviction", RuleCounts::conviction),
    ("log_likelihood_ratio", RuleCounts::log_likelihood_ratio),
    ("p_value", RuleCounts::p_value),
];

/// What is written: rules with the keys of their items.
struct Sheet<'a> {
    tables: &'a [RuleTable],
    by: Grouping,
    dataset: &'a Dataset,
}

/// A rule and the key of its group.
struct Row<'a> {
    group: Option<&'a str>,
    rule: Rule<'a>,
}

impl<'a> Sheet<'a> {
    /// The name of the column that tells rules apart, if there is one.
    fn group_name(&self) -> Option<&'static str> {
        match self.by {
            Grouping::None => None,
            Grouping::Channel => Some("channel"),
            Grouping::Place => Some("place"),
        }
    }

    fn rows(&self) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let dataset = self.dataset;
        self.tables.iter().flat_map(move |table| {
            let group = match table.group {
                Group::All => None,
                Group::Channel(channel) => channel.map(|channel| channel.name()),
                Group::Place(place) => place.map(|place| dataset.places().key(place)),
            };
            table.rules.iter().map(move |rule| Row { group, rule })
        })
    }

    /// The keys of one side of a rule.
    fn keys(
        &self,
        side: &'a [recommender_core::ItemIx],
    ) -> impl Iterator<Item = &'a str> + use<'a> {
        let items = self.dataset.items();
        side.iter().map(move |&item| items.key(item))
    }
}

#[cfg(test)]
mod tests;
