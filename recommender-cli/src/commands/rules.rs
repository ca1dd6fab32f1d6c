//! `recommender rules`: event files in, a table of association rules out.

use std::io::{self, Write};
use std::time::Instant;

use recommender_core::events::EventTable;
use recommender_core::rules::{Grouping, MiningConfig, RuleTable};
use recommender_core::{Dataset, FitOptions};
use recommender_files::RuleFile;

use crate::args::{Rules, RulesBy};
use crate::failure::Failure;
use crate::inputs;
use crate::progress::ProgressLine;

pub(crate) fn run(arguments: &Rules) -> Result<(), Failure> {
    let config = config(arguments)?;
    config.validate()?;
    let interactions = inputs::interactions(arguments.interactions.as_deref())?;
    let options = arguments.format.options()?;
    // A file that can't be written is told before the work.
    let out = RuleFile::create(&arguments.out)?;
    let mut table = EventTable::new();
    for file in &arguments.events {
        inputs::events(&options, file, &mut table)?;
    }
    check_baskets(&table)?;
    let by = grouping(arguments.by, &table)?;
    let dataset = Dataset::new(table, Vec::new(), interactions)?;
    let start = Instant::now();
    let tables = mine(&config, &dataset, by, arguments.threads)?;
    let seconds = start.elapsed().as_secs_f64();
    out.write(&tables, by, &dataset)?;
    let rules: usize = tables.iter().map(|table| table.rules.len()).sum();
    let baskets = |table: &RuleTable| u64::from(table.rules.baskets());
    let groups = match by {
        Grouping::None => String::new(),
        Grouping::Channel => format!(" on {} channels", tables.len()),
        Grouping::Place => format!(" at {} places", tables.len()),
    };
    writeln!(
        io::stdout(),
        "{rules} rules of {} baskets{groups} in {seconds:.1} s, written to {}",
        tables.iter().map(baskets).sum::<u64>(),
        arguments.out.display()
    )?;
    Ok(())
}

fn mine(
    config: &MiningConfig,
    dataset: &Dataset,
    by: Grouping,
    threads: Option<u16>,
) -> Result<Vec<RuleTable>, Failure> {
    let line = ProgressLine::start("rules");
    let options = FitOptions {
        progress: Some(line.callback()),
        threads: threads.map(usize::from),
        ..FitOptions::default()
    };
    Ok(config.mine(dataset, by, &options)?)
}

fn config(arguments: &Rules) -> Result<MiningConfig, Failure> {
    let kind = |name: &String| {
        let wrong = |expected| format!("--kinds: expected {expected}, found \"{name}\"");
        name.parse().map_err(wrong)
    };
    let kinds = arguments.kinds.iter().map(kind).collect::<Result<_, _>>();
    let bounds = &arguments.bounds;
    Ok(MiningConfig {
        support: bounds.support,
        least_baskets: bounds.least_baskets,
        confidence: bounds.confidence,
        lift: bounds.lift,
        log_likelihood_ratio: bounds.log_likelihood_ratio,
        length: bounds.length,
        consequent: bounds.consequent,
        gap_minutes: arguments.gap_minutes,
        kinds: kinds.map_err(Failure::call)?,
        max_memory_bytes: bounds.max_memory_bytes,
    })
}

/// Without times and keys there is nothing to tell one basket from the next by.
fn check_baskets(table: &EventTable) -> Result<(), Failure> {
    let told_apart = table.has_times() || (0..table.len()).any(|row| table.session(row).is_some());
    if told_apart || table.is_empty() {
        return Ok(());
    }
    let message = "--events: expected times or the keys of baskets, found neither; name the column of the keys with \
                   --map COLUMN=session, or read a basket a line with --format sessions";
    Err(Failure::call(message))
}

fn grouping(by: Option<RulesBy>, table: &EventTable) -> Result<Grouping, Failure> {
    let (grouping, any) = match by {
        None => return Ok(Grouping::None),
        Some(RulesBy::Channel) => {
            let named = |row| table.row(row).channel.is_some();
            (Grouping::Channel, (0..table.len()).any(named))
        }
        Some(RulesBy::Place) => (Grouping::Place, !table.places().is_empty()),
    };
    if any || table.is_empty() {
        return Ok(grouping);
    }
    let field = match grouping {
        Grouping::Place => "place",
        Grouping::None | Grouping::Channel => "channel",
    };
    let message = format!(
        "--by {field}: no event names its {field}; name the column with --map COLUMN={field}"
    );
    Err(Failure::call(message))
}
