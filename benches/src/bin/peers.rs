//! Our models beside those of other packages, on one data set, with the same threads, taking turns.
//!
//! ```text
//! python3 -m venv /tmp/peers && /tmp/peers/bin/pip install implicit skrecsys lenskit
//! cargo run --release -p recommender-benches --bin peers -- \
//!     --train train.txt.gz --test test.txt.gz --python /tmp/peers/bin/python
//! ```
//! Further options, with their defaults: `--only` (words; contests whose name holds one of them), `--rounds 5`,
//! `--threads 2`, `--neighbours 100`, `--json FILE`. `--python` may come several times, for packages that live apart.
//! A peer that is not installed is named and passed over; without any it still exits with 0.
#![expect(clippy::print_stdout, reason = "a program that reports to a terminal")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use recommender_benches::output::{exit_code, write_json};
use recommender_benches::peers::{Contest, Cut, Duel, Outcome, Seat, contests, write_cut};
use recommender_benches::split::Split;
use recommender_benches::words::Words;
use recommender_core::{Error, FitOptions, Query, Result};

/// Items in an answer.
const LIMIT: usize = 20;

const NAMES: [&str; 8] = [
    "--train",
    "--test",
    "--python",
    "--only",
    "--rounds",
    "--threads",
    "--neighbours",
    "--json",
];

struct Options {
    train: PathBuf,
    test: PathBuf,
    pythons: Vec<String>,
    only: Vec<String>,
    rounds: usize,
    threads: usize,
    neighbours: usize,
    json: Option<PathBuf>,
}

impl Options {
    fn read(words: &Words) -> Result<Self> {
        let mut pythons = words.list("--python");
        if pythons.is_empty() {
            pythons.push("python3".into());
        }
        Ok(Self {
            train: words.required("--train")?.into(),
            test: words.required("--test")?.into(),
            pythons,
            only: words.list("--only"),
            rounds: words.count("--rounds", 5)?,
            threads: words.count("--threads", 2)?,
            neighbours: words.count("--neighbours", 100)?,
            json: words.last("--json").map(Into::into),
        })
    }

    /// The contests asked for.
    fn contests(&self) -> Vec<Contest> {
        let mut all = contests(self.neighbours);
        let asked = |name: &str| self.only.iter().any(|word| name.contains(&**word));
        all.retain(|contest| self.only.is_empty() || asked(&contest.name));
        all
    }
}

/// The data of a cut: the file for the peer, the split for us.
struct Ground {
    train: PathBuf,
    split: Split,
    queries: Vec<Query>,
}

impl Ground {
    fn new(options: &Options, cut: Cut, directory: &Path) -> Result<Self> {
        let whole = Split::read(&options.train, &options.test)?;
        let (train, split) = match cut {
            Cut::Whole => (options.train.clone(), whole),
            Cut::MostPopular(items) => {
                let (train, test) = write_cut(&whole, items, directory)?;
                let split = Split::read(&train, &test)?;
                (train, split)
            }
        };
        let queries = split.queries(LIMIT)?;
        Ok(Self {
            train,
            split,
            queries,
        })
    }
}

fn hold(options: &Options, contest: &Contest) -> Result<Option<Outcome>> {
    let directory = tempfile::tempdir().map_err(|error| Error::data("peers", error.to_string()))?;
    let ground = Ground::new(options, contest.cut, directory.path())?;
    let seat = Seat {
        pythons: &options.pythons,
        train: &ground.train,
        limit: LIMIT,
        threads: options.threads,
        directory: directory.path(),
    };
    let duel = Duel {
        contest,
        split: &ground.split,
        queries: &ground.queries,
        seat,
        rounds: options.rounds,
    };
    duel.hold()
}

fn hold_all(options: &Options) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    let mut missing: BTreeSet<&str> = BTreeSet::new();
    for contest in options.contests() {
        if missing.contains(contest.script) {
            continue;
        }
        match hold(options, &contest) {
            // Nothing of the kind must pass in silence, nor stop the others.
            Err(Error::Config(error)) => println!("{} not held: {error}\n", contest.name),
            Err(error) => return Err(error),
            Ok(Some(outcome)) => {
                println!("{outcome}");
                outcomes.push(outcome);
            }
            Ok(None) => {
                missing.insert(contest.script);
            }
        }
    }
    for script in missing {
        let pythons = options.pythons.join(", ");
        println!("skipped: no interpreter of {pythons} can import what peers/{script} needs");
    }
    Ok(outcomes)
}

fn run() -> Result<()> {
    let words = Words::read(std::env::args().skip(1), &NAMES, &[])?;
    let options = Options::read(&words)?;
    let threads = FitOptions {
        threads: Some(options.threads),
        ..FitOptions::default()
    };
    let outcomes = threads.run(|| hold_all(&options))?;
    let Some(path) = &options.json else {
        return Ok(());
    };
    write_json(path, &outcomes)
}

fn main() -> ExitCode {
    exit_code(run())
}
