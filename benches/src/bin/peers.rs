//! Our models beside those of other packages, on one data set, with the same threads, taking turns.
//!
//! ```text
//! python3 -m venv /tmp/peers && /tmp/peers/bin/pip install implicit skrecsys lenskit mlxtend
//! cargo run --release -p recommender-benches --bin peers -- \
//!     --train train.txt.gz --test test.txt.gz --python /tmp/peers/bin/python
//! ```
//! Further options, with their defaults: `--only` (words; contests whose name holds one of them), `--rounds 5`,
//! `--threads 2`, `--neighbours 100`, `--json FILE`. `--python` may come several times, for packages that live apart.
//! The contests of association rules are held with `--only rules`, without `--train` and `--test`: on the invoices of
//! Online Retail and, with `--baskets FILE`, on those of a file of one basket a line, items separated by blanks. mlxtend
//! takes minutes, so that `--rounds 1` may do.
//! A peer that is not installed is named and passed over; without any it still exits with 0.
#![expect(clippy::print_stdout, reason = "a program that reports to a terminal")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use recommender_benches::output::{exit_code, write_json};
use recommender_benches::peers::{
    Contest, Cut, Duel, MiningContest, Outcome, Seat, basket_lines, contests, online_retail,
    write_cut,
};
use recommender_benches::split::Split;
use recommender_benches::words::Words;
use recommender_core::{Error, FitOptions, Query, Result};
use serde::Serialize;
use serde_json::Value;

/// Items in an answer.
const LIMIT: usize = 20;

/// The share of the baskets that sets are mined to.
const MINED_SUPPORT: f64 = 0.002;

const NAMES: [&str; 9] = [
    "--train",
    "--test",
    "--baskets",
    "--python",
    "--only",
    "--rounds",
    "--threads",
    "--neighbours",
    "--json",
];

struct Options {
    train: Option<PathBuf>,
    test: Option<PathBuf>,
    baskets: Option<PathBuf>,
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
            train: words.last("--train").map(Into::into),
            test: words.last("--test").map(Into::into),
            baskets: words.last("--baskets").map(Into::into),
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
        all.retain(|contest| self.asks_for(&contest.name));
        all
    }

    /// The contests of association rules asked for.
    fn mining_contests(&self) -> Result<Vec<MiningContest>> {
        let invoices = online_retail()?;
        let contest =
            |length| MiningContest::new("Online Retail", invoices.clone(), MINED_SUPPORT, length);
        let mut all = [2, 3].map(contest).to_vec();
        if let Some(file) = &self.baskets {
            let name = file.display().to_string();
            let baskets = basket_lines(file)?;
            all.push(MiningContest::new(&name, baskets, MINED_SUPPORT, 6));
        }
        // mlxtend takes minutes, so that nobody is to wait for it who did not ask.
        all.retain(|contest| !self.only.is_empty() && self.asks_for(&contest.name));
        Ok(all)
    }

    fn asks_for(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| name.contains(&**word))
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
        let (Some(train), Some(test)) = (&options.train, &options.test) else {
            return Err(Error::config(
                "--train and --test",
                "a file each",
                "nothing",
            ));
        };
        let whole = Split::read(train, test)?;
        let (train, split) = match cut {
            Cut::Whole => (train.clone(), whole),
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

/// Holds the contests of association rules.
fn mine_all(options: &Options) -> Result<Vec<Value>> {
    let mut outcomes = Vec::new();
    for contest in options.mining_contests()? {
        let directory =
            tempfile::tempdir().map_err(|error| Error::data("peers", error.to_string()))?;
        let seat = Seat {
            pythons: &options.pythons,
            train: directory.path(),
            limit: LIMIT,
            threads: options.threads,
            directory: directory.path(),
        };
        if let Some(outcome) = contest.hold(&seat, options.rounds)? {
            println!("{outcome}");
            outcomes.push(as_value(&outcome)?);
        } else {
            let pythons = options.pythons.join(", ");
            println!("skipped: no interpreter of {pythons} can import mlxtend");
            break;
        }
    }
    Ok(outcomes)
}

fn as_value(outcome: &impl Serialize) -> Result<Value> {
    serde_json::to_value(outcome).map_err(|error| Error::Internal(error.to_string()))
}

fn run() -> Result<()> {
    let words = Words::read(std::env::args().skip(1), &NAMES, &[])?;
    let options = Options::read(&words)?;
    let threads = FitOptions {
        threads: Some(options.threads),
        ..FitOptions::default()
    };
    let outcomes = threads.run(|| {
        let mut outcomes = mine_all(&options)?;
        let duels = hold_all(&options)?;
        for duel in &duels {
            outcomes.push(as_value(duel)?);
        }
        Ok(outcomes)
    })?;
    let Some(path) = &options.json else {
        return Ok(());
    };
    write_json(path, &outcomes)
}

fn main() -> ExitCode {
    exit_code(run())
}
