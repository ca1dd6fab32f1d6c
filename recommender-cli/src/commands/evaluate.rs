//! `recommender evaluate`: several models, one split, one table.

use std::io::{self, Write};
use std::sync::Arc;

use recommender_core::evaluation::{
    Metric, MetricList, Questions, Report, Reveal, SessionItems, SessionOptions, SlidingWindows,
    Split, Splitter, UserFolds,
};
use recommender_core::events::EventTable;
use recommender_core::events::read::Times;
use recommender_core::rows::Format;

use crate::args::{Evaluate, Task};
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
    let metrics = MetricList::at(&metrics(arguments.asked.task), &cutoffs)?;
    let questions = questions(arguments)?;
    let (table, splits) = read_splits(arguments)?;
    let table = Arc::new(table);
    let mut reports = Vec::new();
    for split in splits {
        let trial = Trial {
            metrics: metrics.clone(),
            products: inputs::products(&arguments.catalog, split.time())?,
            questions: questions.clone(),
            running: arguments.running.fit_options(),
            table: Arc::clone(&table),
            split,
        };
        reports.push(trial.run(&specs)?);
    }
    let report = match reports.len() {
        1 => reports.remove(0),
        _ => Report::average(arguments.split.as_deref().unwrap_or_default(), &reports)?,
    };
    write!(io::stdout(), "{report}")?;
    match &arguments.json {
        Some(path) => inputs::write_json(path, &report),
        None => Ok(()),
    }
}

fn metrics(task: Task) -> Vec<Metric> {
    match task {
        Task::Items => Metric::of_items(),
        Task::Sessions => Metric::of_sessions(),
        Task::Baskets => Metric::of_baskets(),
    }
}

fn questions(arguments: &Evaluate) -> Result<Vec<(&'static str, Questions)>, Failure> {
    let asked = arguments.asked.questions()?;
    let Questions::Sessions(options) = asked else {
        return Ok(vec![("", asked)]);
    };
    let reveal = reveal(arguments)?;
    let mut protocols: Vec<SessionItems> = Vec::new();
    for protocol in &arguments.session_items {
        let items = protocol.items();
        if !protocols.contains(&items) {
            protocols.push(items);
        }
    }
    let under = |items| {
        let options = SessionOptions {
            items,
            reveal,
            ..options
        };
        (protocol_name(items), Questions::Sessions(options))
    };
    Ok(protocols.into_iter().map(under).collect())
}

/// What a protocol adds to the name of a model.
fn protocol_name(items: SessionItems) -> &'static str {
    match items {
        SessionItems::Allowed => "",
        SessionItems::CurrentExcluded => "/current_excluded",
        SessionItems::AllExcluded => "/all_excluded",
    }
}

/// Of pairs the last item alone is asked about, of sessions every one but the first.
fn reveal(arguments: &Evaluate) -> Result<Reveal, Failure> {
    let format = arguments.format.options()?.format;
    Ok(match test_format(arguments)?.or(format) {
        Some(Format::Pairs) => Reveal::Last,
        _ => Reveal::Every,
    })
}

fn test_format(arguments: &Evaluate) -> Result<Option<Format>, Failure> {
    let parse = |name: &String| {
        let wrong = |expected| format!("--test-format: expected {expected}, found \"{name}\"");
        name.parse::<Format>().map_err(wrong)
    };
    let format = arguments.test_format.as_ref().map(parse).transpose();
    format.map_err(Failure::call)
}

/// The events and their split: given by two files, or made of one part; or the splits of windows that slide over it.
fn read_splits(arguments: &Evaluate) -> Result<(EventTable, Vec<Split>), Failure> {
    let mut options = arguments.format.options()?;
    if arguments.asked.task != Task::Items {
        // Baskets and sessions without times have an order all the same.
        options.map.times = Times::Optional;
    }
    let mut table = EventTable::new();
    if let (Some(train), Some(test)) = (&arguments.train, &arguments.test) {
        // Which events come first is said by the files, so they need no times.
        options.map.times = Times::Optional;
        inputs::events(&options, train, &mut table)?;
        let first_test_row = table.len();
        options.format = test_format(arguments)?.or(options.format);
        inputs::events(&options, test, &mut table)?;
        let table = arguments.asked.timed(table);
        let split = Split::given_at(&table, first_test_row)?;
        return Ok((table, vec![split]));
    }
    for file in &arguments.events {
        inputs::events(&options, file, &mut table)?;
    }
    let table = arguments.asked.timed(table);
    let words = arguments.split.as_deref().unwrap_or_default();
    let splits = if words.starts_with("windows:") {
        words.parse::<SlidingWindows>()?.splits(&table)?
    } else if words.starts_with("folds:") {
        let folds: UserFolds = words.parse()?;
        folds.splits(&table, arguments.running.seed)?
    } else {
        let splitter: Splitter = words.parse()?;
        vec![splitter.split(&table, arguments.running.seed)?]
    };
    Ok((table, splits))
}
