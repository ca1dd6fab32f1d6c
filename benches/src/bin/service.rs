//! The service under load from another process.
//!
//! ```text
//! cargo run --release -p recommender-benches --bin service -- --dir /var/tmp
//! ```
//! Options, with their defaults: `--dir` (where the shop is made; the system's temporary directory), `--only` (`path`,
//! `library`, `overload`, `swap`, `soak`), `--shop` (a folder in which the shop is made once and kept), `--small` (a shop that
//! is made in seconds, to try the scenarios), `--seconds 20` (of a measurement), `--overload-seconds 60`, `--events 10000`
//! (written each second while models are swapped), `--swap-seconds 900` (at most), `--soak-seconds 1200`.
//!
//! Its test, `cargo test --workspace --bin service -- --ignored memory_stays`, is a soak of two minutes with a small shop
//! and few questions, for a machine that is busy with other things.
#![expect(clippy::print_stdout, reason = "a program that reports to a terminal")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use recommender_benches::output::exit_code;
use recommender_benches::service::process::this_program;
use recommender_benches::service::scenario::{self, Stage, Times};
use recommender_benches::service::server::{self, Whole};
use recommender_benches::service::shop::{self, Folders, SHOP, SMALL};
use recommender_benches::words::Words;
use recommender_core::{Error, Result};
use tokio::runtime::Runtime;

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NAMES: [&str; 9] = [
    "--dir",
    "--shop",
    "--only",
    "--seconds",
    "--overload-seconds",
    "--events",
    "--swap-seconds",
    "--soak-seconds",
    "--serve",
];

fn say(address: &str) {
    println!("{address}");
}

/// Serves in this process, on which the other one waits, with these settings in TOML.
fn serve(kind: &str, dir: &Path, toml: &str) -> Result<()> {
    let whole = match kind {
        "bare" => return runtime()?.block_on(server::bare(say)),
        "whole" => Whole::open(dir, toml)?,
        "learning" => Whole::learning(dir, toml)?,
        other => {
            let expected = "bare, whole or learning";
            return Err(Error::config("--serve", expected, other));
        }
    };
    runtime()?.block_on(whole.serve(say))
}

fn runtime() -> Result<Runtime> {
    Runtime::new().map_err(|error| Error::data("runtime", error.to_string()))
}

fn seconds(words: &Words, name: &str, default: usize) -> Result<Duration> {
    Ok(Duration::from_secs(words.count(name, default)? as u64))
}

/// Makes the shop, if it does not stand yet.
fn make(stage: &Stage) -> Result<()> {
    let folders = Folders::below(&stage.dir);
    if folders.model.exists() {
        return Ok(());
    }
    let created = std::fs::create_dir_all(&stage.dir);
    created.map_err(|error| Error::data(stage.dir.display().to_string(), error.to_string()))?;
    shop::make(&folders, stage.shop)
}

fn measure(words: &Words) -> Result<()> {
    let place = words
        .last("--dir")
        .map_or_else(std::env::temp_dir, Into::into);
    let temporary = tempfile::tempdir_in(&place);
    let temporary =
        temporary.map_err(|error| Error::data(place.display().to_string(), error.to_string()))?;
    let kept = words.last("--shop").map(Path::new);
    let stage = Stage {
        dir: kept.unwrap_or(temporary.path()).to_owned(),
        temporary: temporary.path().to_owned(),
        shop: if words.has("--small") { SMALL } else { SHOP },
        times: Times {
            measured: seconds(words, "--seconds", 20)?,
            overloaded: seconds(words, "--overload-seconds", 60)?,
            soaked: seconds(words, "--soak-seconds", 1200)?,
        },
        command: this_program,
    };
    make(&stage)?;
    let only = words.list("--only");
    let asked = |name: &str| only.is_empty() || only.iter().any(|it| it == name);
    if asked("library") {
        scenario::library(&stage)?;
    }
    let events = words.count("--events", 10_000)? as f64;
    let at_most = seconds(words, "--swap-seconds", 900)?;
    runtime()?.block_on(async {
        if asked("path") {
            scenario::path(&stage).await?;
        }
        if asked("overload") {
            scenario::overload(&stage).await?;
        }
        if asked("swap") {
            scenario::swap(&stage, events, at_most).await?;
        }
        if asked("soak") {
            scenario::soak(&stage).await?;
        }
        Ok(())
    })
}

fn run() -> Result<()> {
    let words = Words::read(std::env::args().skip(1), &NAMES, &["--small"])?;
    match words.last("--serve") {
        Some(kind) => serve(kind, Path::new(words.required("--dir")?), ""),
        None => measure(&words),
    }
}

fn main() -> ExitCode {
    exit_code(run())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Tell the server which it is, and of what.
    const KIND: &str = "RECOMMENDER_BENCHES_KIND";
    const DIR: &str = "RECOMMENDER_BENCHES_DIR";

    /// On a machine that is busy with other things an answer may take its time. What is kept of answers is full before
    /// memory is looked at, however few questions came by then.
    const PATIENT: &str =
        "request_timeout_ms = 60000\nmax_queue_delay_ms = 60000\nkept_answers_bytes = 262144";

    /// Questions a second of the soak.
    const RATE: f64 = 25.0;

    #[test]
    #[ignore = "needs another test, which starts it as its server"]
    fn server_of_another_test() {
        let said = |name: &str| std::env::var(name).expect("another test says it");
        serve(&said(KIND), Path::new(&said(DIR)), PATIENT).unwrap();
    }

    fn this_test(kind: &str, dir: &Path) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--nocapture", "server_of_another_test"]);
        command.env(KIND, kind).env(DIR, dir);
        Ok(command)
    }

    /// A small shop, in a folder that goes with the other part.
    fn small() -> (Stage, tempfile::TempDir) {
        let temporary = tempfile::tempdir().unwrap();
        let stage = Stage {
            dir: temporary.path().join("shop"),
            temporary: temporary.path().to_owned(),
            shop: SMALL,
            times: Times {
                measured: Duration::from_secs(4),
                overloaded: Duration::from_secs(4),
                soaked: Duration::from_secs(120),
            },
            command: this_test,
        };
        make(&stage).unwrap();
        (stage, temporary)
    }

    #[test]
    #[ignore = "needs two minutes: .ci/run has it beside the other tests"]
    fn memory_stays_and_no_request_fails() {
        let (stage, _temporary) = small();
        let soak = scenario::soak_gently(&stage, RATE);
        runtime().unwrap().block_on(soak).unwrap();
    }

    #[test]
    #[ignore = "needs a minute, and a processor that has time for it"]
    fn models_are_swapped_while_events_are_written() {
        let (stage, _temporary) = small();
        let swap = scenario::swap(&stage, 300.0, Duration::from_secs(120));
        runtime().unwrap().block_on(swap).unwrap();
    }
}
