//! `recommender evaluate`: several models, one split, one table.

use std::io::{self, Write};
use std::sync::Arc;

use recommender_core::evaluation::{CaseOptions, MetricList, SeenItems, Split, Splitter};
use recommender_core::events::EventTable;
use recommender_core::events::read::Times;

use crate::args::Evaluate;
use crate::failure::Failure;
use crate::inputs;
use crate::model_spec::ModelSpec;
use crate::trial::Trial;

pub(crate) fn run(arguments: &Evaluate) -> Result<(), Failure> {
    let interactions = inputs::interactions(arguments.interactions.as_deref())?;
    let parse = |text: &String| ModelSpec::parse(text, &interactions);
    let specs: Vec<ModelSpec> = arguments
        .models
        .iter()
        .map(parse)
        .collect::<Result<_, _>>()?;
    let cutoffs: Vec<usize> = arguments.at.iter().map(|&at| at as usize).collect();
    let (table, split) = read_split(arguments)?;
    let trial = Trial {
        metrics: MetricList::all_at(&cutoffs)?,
        products: inputs::products(&arguments.catalog, split.time())?,
        options: case_options(arguments),
        running: arguments.running.fit_options(),
        table: Arc::new(table),
        split,
    };
    let report = trial.run(&specs)?;
    write!(io::stdout(), "{report}")?;
    match &arguments.json {
        Some(path) => inputs::write_json(path, &report),
        None => Ok(()),
    }
}

fn case_options(arguments: &Evaluate) -> CaseOptions {
    let seen = if arguments.allow_seen {
        SeenItems::Allowed
    } else {
        SeenItems::Excluded
    };
    CaseOptions {
        seen,
        ..CaseOptions::default()
    }
}

/// The events and their split: given by two files, or made of one part.
fn read_split(arguments: &Evaluate) -> Result<(EventTable, Split), Failure> {
    let mut options = arguments.format.options()?;
    let mut table = EventTable::new();
    if let (Some(train), Some(test)) = (&arguments.train, &arguments.test) {
        // Which events come first is said by the files, so they need no times.
        options.map.times = Times::Optional;
        inputs::events(&options, train, &mut table)?;
        let first_test_row = table.len();
        inputs::events(&options, test, &mut table)?;
        let split = Split::given_at(&table, first_test_row)?;
        return Ok((table, split));
    }
    for file in &arguments.events {
        inputs::events(&options, file, &mut table)?;
    }
    let words = arguments.split.as_deref().unwrap_or_default();
    let splitter: Splitter = words.parse()?;
    let split = splitter.split(&table, arguments.running.seed)?;
    Ok((table, split))
}
