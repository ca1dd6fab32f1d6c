//! The `recommender` command: what operators and batch jobs run.

mod args;
mod commands;
mod failure;
mod inputs;
mod memory;
mod model_spec;
mod progress;
mod stored;
mod table;
mod trial;
mod trial_log;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.command {
        Command::Demo(demo) => commands::demo::run(demo),
        Command::Import(import) => commands::import::run(import),
        Command::Store(store) => commands::store::run(&store.command),
        Command::Train(train) => commands::train::run(train),
        Command::Evaluate(evaluate) => commands::evaluate::run(evaluate),
        Command::Tune(tune) => commands::tune::run(tune),
        Command::Rules(rules) => commands::rules::run(rules),
        Command::Recommend(recommend) => commands::recommend::run(recommend),
        Command::Serve(serve) => commands::serve::run(serve),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
