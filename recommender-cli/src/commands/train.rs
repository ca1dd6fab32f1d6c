//! `recommender train`: event files and a recipe in, an artefact out.

use std::io::{self, Write};
use std::time::Instant;

use recommender_core::events::EventTable;
use recommender_core::{Dataset, Engine, FitOptions};

use crate::args::Train;
use crate::failure::Failure;
use crate::inputs;
use crate::model_spec::read_pipeline;
use crate::progress::ProgressLine;

pub(crate) fn run(arguments: &Train) -> Result<(), Failure> {
    let config = read_pipeline(&arguments.config)?;
    if arguments.out.exists() {
        let message = format!(
            "{}: expected a folder that does not exist yet",
            arguments.out.display()
        );
        return Err(Failure::call(message));
    }
    let options = arguments.format.options()?;
    let mut table = EventTable::new();
    for file in &arguments.events {
        inputs::events(&options, file, &mut table)?;
    }
    let products = inputs::products(&arguments.catalog, None)?;
    let dataset = Dataset::new(table, products, config.interactions.clone())?;
    let line = ProgressLine::start("train");
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
