//! `recommender tune`: the best settings of models, chosen on held-out events.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use recommender_core::evaluation::{Split, Splitter};
use recommender_core::events::EventTable;
use recommender_core::events::read::Times;
use recommender_core::tuning::{
    Budget, Committee, ModelResult, ModelSpace, SpaceFile, Stop, Study, StudyData, Tuner,
    TuningReport, Validation, built_in, interaction_parameters, read_space,
};
use recommender_core::{Error, FitOptions, PipelineConfig};

use crate::args::{Task, Tune};
use crate::failure::Failure;
use crate::inputs;
use crate::model_spec::parse_settings;
use crate::progress::ProgressLine;
use crate::table::Table;
use crate::trial_log::TrialLog;

pub(crate) fn run(arguments: &Tune) -> Result<(), Failure> {
    // Whatever can be wrong with the call is told before any data is read.
    let asked = Asked::read(arguments)?;
    let line = ProgressLine::start("tune");
    let options = FitOptions {
        progress: Some(line.callback()),
        ..arguments.running.fit_options()
    };
    let start = Instant::now();
    let clock = move || start.elapsed().as_secs_f64();
    let sampler = arguments.sampler.parse()?;
    let tuner = Tuner::new(budget(arguments), sampler, options.clone(), clock)?;
    let study = study(arguments)?;
    let spaces = asked.spaces(&study, arguments)?;
    let header = tuner.header(&study, &spaces)?;
    let mut log = TrialLog::open(arguments.log.as_deref(), &header)?;
    let past = log.past();
    let report = tuner.run(&study, &spaces, &past, &mut |record| log.add(record))?;
    let committee = arguments
        .committee
        .then(|| Committee::learn(&study, &report, &options))
        .transpose()?;
    drop(line);
    print_models(&report)?;
    let Some(committee) = committee else {
        return write_pipeline(&arguments.out, &report.pipeline());
    };
    print_committee(&committee, &report.metric)?;
    if committee.score > committee.best_single_score {
        return write_pipeline(&arguments.out, &committee.pipeline);
    }
    writeln!(
        io::stdout(),
        "the best model alone is better, and is what is written"
    )?;
    write_pipeline(&arguments.out, &report.pipeline())
}

fn budget(arguments: &Tune) -> Budget {
    Budget {
        trials: arguments.trials,
        seconds: arguments.minutes.map(|minutes| minutes * 60.0),
        patience: arguments.patience,
    }
}

/// What is searched: models by name, or a file.
enum Asked {
    Models(Vec<(String, serde_json::Map<String, serde_json::Value>)>),
    File(SpaceFile),
}

impl Asked {
    fn read(arguments: &Tune) -> Result<Self, Failure> {
        if let Some(file) = &arguments.space {
            let text = fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?;
            return Ok(Self::File(read_space(&file.display().to_string(), &text)?));
        }
        let model = |text: &String| {
            let (name, settings) = parse_settings(text)?;
            // Checks the name and the fixed settings.
            ModelSpace::new(name, name, Vec::new())
                .and_then(|space| space.with_fixed(settings.clone()))
                .map_err(|error| Failure::call(format!("model \"{text}\": {error}")))?;
            Ok((name.to_owned(), settings))
        };
        let models = arguments.models.iter().map(model);
        Ok(Self::Models(models.collect::<Result<_, Failure>>()?))
    }

    fn spaces(&self, study: &Study, arguments: &Tune) -> Result<Vec<ModelSpace>, Failure> {
        let facts = study.facts();
        let models = match self {
            Self::File(file) => return Ok(file.spaces(&facts)?),
            Self::Models(models) => models,
        };
        let space = |(name, settings): &(String, _)| {
            let missing = || Error::Internal(format!("{name} has no built-in space"));
            let mut parameters = built_in(name, &facts).ok_or_else(missing)?;
            // Popularity counts shoppers, and chance counts nothing.
            let weighs = !["popularity", "random"].contains(&&**name);
            if arguments.interactions.is_none() && weighs {
                parameters.extend(interaction_parameters(&facts));
            }
            ModelSpace::new(name, name, parameters)?.with_fixed(serde_json::Map::clone(settings))
        };
        Ok(models.iter().map(space).collect::<Result<_, Error>>()?)
    }
}

/// The events with the part to choose by held out, and the products known when it begins.
fn study(arguments: &Tune) -> Result<Study, Failure> {
    let interactions = inputs::interactions(arguments.interactions.as_deref())?;
    let (table, split) = read_split(arguments)?;
    let data = StudyData {
        products: inputs::products(&arguments.catalog, split.time())?,
        table: Arc::new(table),
        split,
        cases: arguments.asked.questions()?,
        interactions,
    };
    Ok(Study::new(data, &arguments.metric)?)
}

fn read_split(arguments: &Tune) -> Result<(EventTable, Split), Failure> {
    let parse = |words: &Option<String>| words.as_deref().map(str::parse::<Splitter>).transpose();
    let (test, validation) = (parse(&arguments.split)?, parse(&arguments.validation)?);
    let mut options = arguments.format.options()?;
    if arguments.train.is_some() || arguments.asked.task != Task::Items {
        options.map.times = Times::Optional;
    }
    let mut table = EventTable::new();
    for file in arguments.train.iter().chain(&arguments.events) {
        inputs::events(&options, file, &mut table)?;
    }
    if let Some(file) = &arguments.valid {
        let first = table.len();
        inputs::events(&options, file, &mut table)?;
        let table = arguments.asked.timed(table);
        let split = Split::given_at(&table, first)?;
        return Ok((table, split));
    }
    let table = arguments.asked.timed(table);
    let seed = arguments.running.seed;
    let rows = match test {
        Some(splitter) => splitter.split(&table, seed)?.train().to_vec(),
        None => (0..).take(table.len()).collect(),
    };
    let validation = Validation::hold_out(&table, &rows, validation, seed)?;
    if validation.without_times {
        let note = "the events carry no times: settings are chosen on a random tenth of each user's events";
        writeln!(io::stderr(), "{note}")?;
    }
    Ok((table, validation.split))
}

fn print_models(report: &TuningReport) -> io::Result<()> {
    let header = [
        "model",
        "best settings",
        &report.metric,
        "95 %",
        "defaults",
        "trials",
        "failed",
        "seconds",
    ];
    let mut table = Table::new(2, &header);
    for model in &report.models {
        table.row(row(model));
    }
    table.print()?;
    for model in &report.models {
        if let Some(reason) = model.last_failure() {
            let failures = model.failures();
            writeln!(
                io::stderr(),
                "{}: {failures} trials failed, the last: {reason}",
                model.name
            )?;
        }
        if model.stop == Stop::Time && model.best.is_none() {
            writeln!(io::stderr(), "{}: no trial ended in time", model.name)?;
        }
    }
    Ok(())
}

fn row(model: &ModelResult) -> Vec<String> {
    let figure = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let best = model.best.as_ref().map(|best| &best.record);
    let settings = best.map_or("-".to_owned(), |best| {
        let settings = best.settings.iter();
        let written: Vec<String> = settings
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        match written.is_empty() {
            true => "defaults".to_owned(),
            false => written.join(" ").replace('"', ""),
        }
    });
    let interval = best.and_then(|best| Some(format!("{:.4}-{:.4}", best.low?, best.high?)));
    vec![
        model.name.clone(),
        settings,
        figure(best.and_then(|best| best.score)),
        interval.unwrap_or_else(|| "-".to_owned()),
        figure(model.records.first().and_then(|first| first.score)),
        model.records.len().to_string(),
        model.failures().to_string(),
        format!("{:.1}", model.seconds()),
    ]
}

/// The members with their weights, and how the whole compares with the best of them.
fn print_committee(committee: &Committee, metric: &str) -> io::Result<()> {
    let mut table = Table::new(1, &["member", metric, "weight"]);
    for (name, score) in &committee.alone {
        let mut sources = committee.pipeline.sources.iter();
        let weight = sources.find(|source| source.name() == name);
        let weight = weight.map_or("dropped".to_owned(), |source| {
            format!("{:.4}", source.weight)
        });
        table.row(vec![name.clone(), format!("{score:.4}"), weight]);
    }
    let mut out = io::stdout();
    writeln!(out)?;
    table.print()?;
    let (way, score) = (&committee.way, committee.score);
    writeln!(out, "committee ({way}): {score:.4} cross-validated")?;
    let gain = committee.score - committee.best_single_score;
    let interval = committee.gain.map_or(String::new(), |gain| {
        format!(" ({:+.4} to {:+.4})", gain.low, gain.high)
    });
    writeln!(
        out,
        "{gain:+.4}{interval} against {} alone",
        committee.best_single
    )
}

/// Writes the recipe beside its place first, so that there is never half of one.
fn write_pipeline(path: &Path, pipeline: &PipelineConfig) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::work(format!("{}: {error}", path.display()));
    let beside = path.with_extension("toml.part");
    fs::write(&beside, pipeline.to_toml()?).map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)?;
    writeln!(
        io::stdout(),
        "\nbest pipeline written to {}",
        path.display()
    )?;
    Ok(())
}
