//! Files in and out: events, products, settings, artefacts, results.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use recommender_core::artifact::Facts;
use recommender_core::catalog::Product;
use recommender_core::catalog::read::ProductField;
use recommender_core::events::EventTable;
use recommender_core::rows::{BadRows, Format};
use recommender_core::{Engine, InteractionConfig, Timestamp};
use recommender_files::{EventOptions, ProductOptions};
use serde::Serialize;

use crate::args::{CatalogFormat, EventFormat};
use crate::failure::Failure;

impl EventFormat {
    /// The same, as the library takes it.
    pub(crate) fn options(&self) -> Result<EventOptions, Failure> {
        let parse = |name: &String| {
            let wrong = |expected| format!("--format: expected {expected}, found \"{name}\"");
            name.parse::<Format>().map_err(wrong)
        };
        let format = self.format.as_ref().map(parse).transpose();
        let mut options = EventOptions {
            format: format.map_err(Failure::call)?,
            bad_rows: if self.skip_bad_rows {
                BadRows::Count
            } else {
                BadRows::Refuse
            },
            ..EventOptions::default()
        };
        for word in &self.map {
            if word.contains('=') {
                options.map.assign(word)?;
            } else {
                options.map = recommender_files::read_event_map(word.as_ref())?;
            }
        }
        Ok(options)
    }
}

/// Reads the events of `file` into `table`, and tells on standard error what was left out.
pub(crate) fn events(
    options: &EventOptions,
    file: &Path,
    table: &mut EventTable,
) -> Result<(), Failure> {
    let report = recommender_files::read_events(file, options, table)?;
    if report.kept < report.rows {
        writeln!(io::stderr(), "{}: {report}", file.display())?;
    }
    Ok(())
}

/// Reads the products of the catalogue's files; rows of `before` and later are not looked at.
pub(crate) fn products(
    catalog: &CatalogFormat,
    before: Option<Timestamp>,
) -> Result<Vec<Product>, Failure> {
    let mut options = ProductOptions {
        before,
        ..ProductOptions::default()
    };
    if let Some(map) = &catalog.catalog_map {
        options.map = recommender_files::read_product_map(map)?;
    }
    // A catalogue without times has nothing to be cut by.
    if !options.map.columns.contains_key(&ProductField::Time) {
        options.before = None;
    }
    let mut products = Vec::new();
    for file in &catalog.catalog {
        products.extend(recommender_files::read_products(file, &options)?.0);
    }
    Ok(products)
}

/// Reads how events are weighed; the defaults, if no file is named.
pub(crate) fn interactions(file: Option<&Path>) -> Result<InteractionConfig, Failure> {
    let Some(file) = file else {
        return Ok(InteractionConfig::default());
    };
    let text = fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?;
    let config: InteractionConfig =
        toml::from_str(&text).map_err(|error| Failure::file(file, &error))?;
    config.validate()?;
    Ok(config)
}

/// Writes `value` as JSON to `path`.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(Failure::work)?;
    text.push('\n');
    fs::write(path, text).map_err(|error| Failure::work(format!("{}: {error}", path.display())))
}

/// Loads the model saved in `directory`, with the version it is known by.
pub(crate) fn load(directory: &Path) -> Result<(Engine, String), Failure> {
    let (engine, manifest) = recommender_files::load_engine(directory)?;
    Ok((engine, manifest.model_version().to_owned()))
}

/// Saves `engine` in `directory`; gives the version it is known by.
pub(crate) fn save(engine: &Engine, directory: &Path) -> Result<String, Failure> {
    // No time and no host: the same work gives the same bytes.
    let program = concat!("recommender ", env!("CARGO_PKG_VERSION"));
    let facts = Facts::from([("program".to_owned(), program.to_owned())]);
    let manifest = recommender_files::save_engine(engine, &facts, directory)?;
    Ok(manifest.model_version().to_owned())
}
