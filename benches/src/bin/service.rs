//! The service under load from another process.
//!
//! ```text
//! cargo run --release -p recommender-benches --bin service -- --dir /var/tmp
//! ```
//! Options, with their defaults: `--dir` (where the shop is made; the system's temporary directory), `--only` (`path`,
//! `library`, `overload`, `soak`), `--shop` (a folder in which the shop is made once and kept), `--seconds 20` (of a measurement), `--overload-seconds 60`, `--soak-seconds 1200`.
#![expect(clippy::print_stdout, reason = "a program that reports to a terminal")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use recommender_benches::output::exit_code;
use recommender_benches::service::scenario::{self, Times};
use recommender_benches::service::server::{self, Whole};
use recommender_benches::service::shop::{self, Folders};
use recommender_benches::words::Words;
use recommender_core::{Error, Result};
use tokio::runtime::Runtime;

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NAMES: [&str; 7] = [
    "--dir",
    "--shop",
    "--only",
    "--seconds",
    "--overload-seconds",
    "--soak-seconds",
    "--serve",
];

fn say(address: &str) {
    println!("{address}");
}

/// Serves in this process, on which the other one waits.
fn serve(kind: &str, dir: &Path) -> Result<()> {
    match kind {
        "bare" => runtime()?.block_on(server::bare(say)),
        "whole" => {
            let whole = Whole::open(dir)?;
            runtime()?.block_on(whole.serve(say))
        }
        other => Err(Error::config("--serve", "bare or whole", other)),
    }
}

fn runtime() -> Result<Runtime> {
    Runtime::new().map_err(|error| Error::data("runtime", error.to_string()))
}

fn seconds(words: &Words, name: &str, default: usize) -> Result<Duration> {
    Ok(Duration::from_secs(words.count(name, default)? as u64))
}

fn measure(words: &Words) -> Result<()> {
    let place = words
        .last("--dir")
        .map_or_else(std::env::temp_dir, Into::into);
    let failed =
        |error: std::io::Error| Error::data(place.display().to_string(), error.to_string());
    let temporary = tempfile::tempdir_in(&place).map_err(failed)?;
    let kept = words.last("--shop").map(Path::new);
    let dir = kept.unwrap_or(temporary.path());
    if !Folders::below(dir).model.exists() {
        std::fs::create_dir_all(dir).map_err(failed)?;
        shop::make(&Folders::below(dir))?;
    }
    let times = Times {
        measured: seconds(words, "--seconds", 20)?,
        overloaded: seconds(words, "--overload-seconds", 60)?,
        soaked: seconds(words, "--soak-seconds", 1200)?,
    };
    let only = words.list("--only");
    let asked = |name: &str| only.is_empty() || only.iter().any(|it| it == name);
    if asked("library") {
        scenario::library(dir)?;
    }
    runtime()?.block_on(async {
        if asked("path") {
            scenario::path(dir, times).await?;
        }
        if asked("overload") {
            scenario::overload(dir, times).await?;
        }
        if asked("soak") {
            scenario::soak(dir, times).await?;
        }
        Ok(())
    })
}

fn run() -> Result<()> {
    let words = Words::read(std::env::args().skip(1), &NAMES, &[])?;
    match words.last("--serve") {
        Some(kind) => serve(kind, Path::new(words.required("--dir")?)),
        None => measure(&words),
    }
}

fn main() -> ExitCode {
    exit_code(run())
}
