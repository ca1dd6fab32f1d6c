//! `recommender store`: what an operator does with a store.

use std::io::{self, Write};

use recommender_store::engine::Contents;
use recommender_store::exchange::ExportOptions;
use recommender_store::{Engine, exchange};

use crate::args::{StoreCommand, StoreCopy};
use crate::commands::persons;
use crate::failure::Failure;
use crate::progress::ProgressLine;
use crate::stored;

pub(crate) fn run(command: &StoreCommand) -> Result<(), Failure> {
    match command {
        StoreCommand::Export(copy) => export(copy)?,
        StoreCommand::Snapshot(copy) => {
            stored::must_be_new(&copy.out)?;
            let contents = stored::open(&copy.data)?.snapshot(&copy.out)?;
            print("copied", &contents)?;
        }
        StoreCommand::Restore(restore) => {
            let contents = stored::restore(&restore.from, &restore.data)?;
            print("restored", &contents)?;
        }
        StoreCommand::Verify(store) => {
            let contents = stored::open(&store.data)?.verify()?;
            print("nothing is damaged:", &contents)?;
        }
        StoreCommand::Status(status) => {
            let engine = stored::open(&status.data)?;
            if status.json {
                print_json(&*engine)?;
            } else {
                print_status(&*engine)?;
            }
        }
        StoreCommand::Persons(command) => persons::run(command)?,
    }
    Ok(())
}

fn export(copy: &StoreCopy) -> Result<(), Failure> {
    let engine = stored::open(&copy.data)?;
    let line = ProgressLine::start("export");
    let progress = line.events();
    let options = ExportOptions {
        progress: Some(&progress),
        ..ExportOptions::default()
    };
    let exported = exchange::export(&*engine, &copy.out, &options)?;
    drop(line);
    let (rows, files) = (exported.rows, exported.files);
    let place = copy.out.display();
    writeln!(
        io::stdout(),
        "{rows} events in {files} new files in {place}"
    )?;
    Ok(())
}

fn print(what: &str, contents: &Contents) -> io::Result<()> {
    let Contents {
        events,
        facts,
        bytes,
    } = contents;
    writeln!(
        io::stdout(),
        "{what} {events} events and {facts} facts in {bytes} bytes"
    )
}

fn print_status(engine: &dyn Engine) -> Result<(), Failure> {
    let status = engine.status()?;
    writeln!(io::stdout(), "{}", status.engine)?;
    writeln!(io::stdout(), "position {}", status.position.0)?;
    print("holds", &status.contents)?;
    if let Some(reason) = status.refusing {
        writeln!(io::stdout(), "writes are refused: {reason}")?;
    }
    Ok(())
}

fn print_json(engine: &dyn Engine) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&engine.status()?).map_err(Failure::work)?;
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}
