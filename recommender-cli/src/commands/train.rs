//! `recommender train`: event files or a store and a recipe in, an artefact out.

use std::io::{self, Write};
use std::time::Instant;

use recommender_core::events::EventTable;
use recommender_core::{Dataset, Engine, FitOptions, PipelineConfig};
use recommender_store::store::Reading;

use crate::args::Train;
use crate::failure::Failure;
use crate::inputs;
use crate::model_spec::read_pipeline;
use crate::progress::ProgressLine;
use crate::stored::{self, Place};

pub(crate) fn run(arguments: &Train) -> Result<(), Failure> {
    let config = read_pipeline(&arguments.config)?;
    stored::must_be_new(&arguments.out)?;
    let line = ProgressLine::start("train");
    let dataset = match &arguments.data {
        Some(place) => stored_data(arguments, place, &config, &line)?,
        None => file_data(arguments, &config)?,
    };
    let options = FitOptions {
        progress: Some(line.callback()),
        ..arguments.running.fit_options()
    };
    let start = Instant::now();
    let engine = Engine::fit(&config, &dataset, &options)?;
    let seconds = start.elapsed().as_secs_f64();
    drop(line);
    let manifest = inputs::save(&engine, &arguments.out)?;
    let interactions = dataset.interactions();
    writeln!(
        io::stdout(),
        "learned from {} pairs of {} shoppers and {} items in {seconds:.1} s; saved as {} in {}",
        interactions.by_user().nnz(),
        dataset.users().len(),
        dataset.items().len(),
        manifest,
        arguments.out.display()
    )?;
    Ok(())
}

/// What the files of events hold.
fn file_data(arguments: &Train, config: &PipelineConfig) -> Result<Dataset, Failure> {
    let options = arguments.format.options()?;
    let mut table = EventTable::new();
    for file in &arguments.events {
        inputs::events(&options, file, &mut table)?;
    }
    let products = inputs::products(&arguments.catalog, None)?;
    Ok(Dataset::new(table, products, config.interactions.clone())?)
}

/// What the store holds and may be learned from; its products, unless files of products are named beside it.
fn stored_data(
    arguments: &Train,
    place: &Place,
    config: &PipelineConfig,
    line: &ProgressLine,
) -> Result<Dataset, Failure> {
    let store = stored::open_store(place, arguments.settings.as_deref())?;
    let products = if arguments.catalog.catalog.is_empty() {
        store.products()
    } else {
        inputs::products(&arguments.catalog, None)?
    };
    let progress = line.events();
    let reading = Reading {
        progress: Some(&progress),
        ..Reading::default()
    };
    Ok(store.training_set(reading, products, config.interactions.clone())?)
}
