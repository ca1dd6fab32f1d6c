//! `recommender import`: files of events and products into a store.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use recommender_core::Product;
use recommender_core::error::InputError;
use recommender_core::events::Event;
use recommender_core::rows::{BadRows, ReadReport};
use recommender_files::EventOptions;
use recommender_store::catalog::ProductRecord;
use recommender_store::exchange::{ImportOptions, ImportReport};
use recommender_store::{Engine, Store, StoreError, exchange};
use serde_json::json;

use crate::args::Import;
use crate::failure::Failure;
use crate::inputs;
use crate::progress::ProgressLine;
use crate::stored;

pub(crate) fn run(arguments: &Import) -> Result<(), Failure> {
    let reading = arguments.format.options()?;
    let products = inputs::products(&arguments.catalog, None)?;
    let mut bad_rows = arguments
        .bad_rows
        .as_deref()
        .map(BadRowFile::create)
        .transpose()?;
    let settings = arguments.settings.as_deref();
    let store = stored::open_or_make_store(&arguments.data, settings)?;
    if !arguments.catalog.catalog.is_empty() {
        import_products(&store, products, arguments.currency.as_deref())?;
    }
    if !arguments.events.is_empty() {
        import_events(&store, arguments, reading, bad_rows.as_mut())?;
    }
    bad_rows.map_or(Ok(()), BadRowFile::finish)
}

/// Products written at once.
const PRODUCTS_PER_WRITE: usize = 500;

fn import_products(
    store: &Store,
    products: Vec<Product>,
    currency: Option<&str>,
) -> Result<(), Failure> {
    let priced = products.iter().any(|product| product.price.is_some());
    if priced && currency.is_none() {
        let note = "note: prices are left out; name their currency with --currency";
        writeln!(io::stderr(), "{note}")?;
    }
    let record = |product| match currency {
        Some(currency) => ProductRecord::priced_in(currency, product),
        None => ProductRecord::from(product),
    };
    let records: Vec<ProductRecord> = products.into_iter().map(record).collect();
    records.iter().try_for_each(ProductRecord::validate)?;
    for records in records.chunks(PRODUCTS_PER_WRITE) {
        store.put_products(records)?.wait()?;
    }
    writeln!(io::stdout(), "{} products imported", records.len())?;
    Ok(())
}

fn import_events(
    store: &Store,
    arguments: &Import,
    mut reading: EventOptions,
    mut bad_rows: Option<&mut BadRowFile<'_>>,
) -> Result<(), Failure> {
    if bad_rows.is_some() {
        reading.bad_rows = BadRows::Count;
    }
    let start = Instant::now();
    let line = ProgressLine::start("import");
    let progress = line.events();
    let door = |event: &mut Event| store.admit(event);
    let options = ImportOptions {
        reading,
        admit: Some(&door),
        progress: Some(&progress),
        ..ImportOptions::default()
    };
    let mut told = |error: &InputError| match &mut bad_rows {
        Some(file) => file.add(error),
        None => Ok(()),
    };
    let report = exchange::import(&**store.engine(), &arguments.events, &options, &mut told)?;
    drop(line);
    print(&report, &**store.engine(), start.elapsed().as_secs_f64())
}

fn print(report: &ImportReport, engine: &dyn Engine, seconds: f64) -> Result<(), Failure> {
    let rows = &report.rows;
    if rows.kept < rows.rows {
        writeln!(io::stderr(), "{rows}")?;
        print_examples(rows)?;
    }
    writeln!(
        io::stdout(),
        "{} events of {} files imported in {seconds:.1} s; the store holds {}",
        rows.kept - report.kept_before,
        report.files,
        engine.status()?.contents.events
    )?;
    Ok(())
}

fn print_examples(rows: &ReadReport) -> io::Result<()> {
    for example in rows.bad.values().flat_map(|count| &count.examples) {
        writeln!(io::stderr(), "  {example}")?;
    }
    Ok(())
}

/// Where bad rows go, one JSON object a line.
struct BadRowFile<'p> {
    path: &'p Path,
    out: BufWriter<File>,
}

impl<'p> BadRowFile<'p> {
    fn create(path: &'p Path) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|error| Failure::file(path, &error))?;
        let out = BufWriter::new(file);
        Ok(Self { path, out })
    }

    fn add(&mut self, error: &InputError) -> Result<(), StoreError> {
        let row = json!({
            "file": error.origin,
            "row": error.row,
            "field": error.field,
            "expected": error.expected,
            "found": error.found,
        });
        writeln!(self.out, "{row}").map_err(|error| StoreError::io(self.path, error))
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.out
            .flush()
            .map_err(|error| StoreError::io(self.path, error))?;
        Ok(())
    }
}
