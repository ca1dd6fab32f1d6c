//! Our item_knn beside implicit's, on one data set, with the same threads, taking turns.
//!
//! ```text
//! python3 -m venv /tmp/peers && /tmp/peers/bin/pip install implicit
//! cargo run --release -p recommender-benches --bin implicit_item_knn -- \
//!     --train train.txt.gz --test test.txt.gz --python /tmp/peers/bin/python
//! ```
//! Further options, with their defaults: `--similarity cosine` (or `tf_idf`, `bm25`; may come several times),
//! `--neighbours 100`, `--threads 2`, `--rounds 5`. Without implicit it says so and exits with 0.
#![expect(clippy::print_stdout, reason = "a program that reports to a terminal")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::Instant;

use recommender_benches::accuracy::{Accuracy, accuracy};
use recommender_benches::split::Split;
use recommender_core::pipeline::ModelConfig;
use recommender_core::{Error, FitOptions, Query, Result};
use serde_json::{Map, json};

/// Items in an answer.
const LIMIT: usize = 20;

struct Options {
    train: PathBuf,
    test: PathBuf,
    python: String,
    similarities: Vec<String>,
    neighbours: usize,
    threads: usize,
    rounds: usize,
}

impl Options {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            train: PathBuf::new(),
            test: PathBuf::new(),
            python: "python3".into(),
            similarities: vec![],
            neighbours: 100,
            threads: 2,
            rounds: 5,
        };
        while let Some(name) = words.next() {
            let value = words.next().unwrap_or_default();
            let number = || {
                let wrong = |_| Error::config(&*name, "a number", &value);
                value.parse::<usize>().map_err(wrong)
            };
            match name.as_str() {
                "--train" => options.train = value.into(),
                "--test" => options.test = value.into(),
                "--python" => options.python = value,
                "--similarity" => options.similarities.push(value),
                "--neighbours" => options.neighbours = number()?,
                "--threads" => options.threads = number()?,
                "--rounds" => options.rounds = number()?.max(1),
                _ => return Err(Error::config("options", "those of the first comment", name)),
            }
        }
        if options.similarities.is_empty() {
            options.similarities = vec!["cosine".into(), "bm25".into()];
        }
        Ok(options)
    }
}

/// One side of the comparison: what it took, and what it answered in the last round.
#[derive(Default)]
struct Side {
    fit_seconds: Vec<f64>,
    answer_seconds: Vec<f64>,
    lists: Vec<Vec<u32>>,
}

/// The peer, in a process of its own.
struct Implicit {
    process: Child,
    commands: ChildStdin,
    replies: BufReader<ChildStdout>,
    version: String,
    out: PathBuf,
}

impl Implicit {
    /// Starts it; none if Python or the package is missing.
    fn start(options: &Options, similarity: &str, directory: &Path) -> Result<Option<Self>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/run_implicit.py");
        let out = directory.join("answers");
        let process = Command::new(&options.python)
            .env("OPENBLAS_NUM_THREADS", "1")
            .arg(script)
            .arg(&options.train)
            .arg(similarity)
            .args([options.neighbours, options.threads, LIMIT].map(|number| number.to_string()))
            .arg(&out)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut process) = process else {
            return Ok(None);
        };
        let (Some(commands), Some(replies)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(Error::Internal("the pipes asked for are missing".into()));
        };
        let mut peer = Self {
            process,
            commands,
            replies: BufReader::new(replies),
            version: String::new(),
            out,
        };
        peer.version = peer.reply()?.replace("ready", "").trim().into();
        Ok((!peer.version.is_empty()).then_some(peer))
    }

    fn reply(&mut self) -> Result<String> {
        let mut line = String::new();
        self.replies.read_line(&mut line).map_err(broken)?;
        Ok(line)
    }

    /// The seconds that `command` took.
    fn seconds(&mut self, command: &str) -> Result<f64> {
        writeln!(self.commands, "{command}").map_err(broken)?;
        self.reply()?.trim().parse().map_err(broken)
    }

    fn round(&mut self, side: &mut Side) -> Result<()> {
        side.fit_seconds.push(self.seconds("fit")?);
        side.answer_seconds.push(self.seconds("answer")?);
        let bytes = std::fs::read(&self.out).map_err(broken)?;
        let numbers = bytes
            .chunks_exact(4)
            .map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let numbers: Vec<i32> = numbers.collect();
        let list = |row: &[i32]| {
            row.iter()
                .filter_map(|&item| item.try_into().ok())
                .collect()
        };
        side.lists = numbers.chunks_exact(LIMIT).map(list).collect();
        Ok(())
    }
}

impl Drop for Implicit {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left of it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::data("implicit", format!("the peer broke off: {error}"))
}

struct Data {
    split: Split,
    /// One per user of the training file.
    queries: Vec<Query>,
}

/// Fits and answers with our model.
fn our_round(config: &ModelConfig, data: &Data, side: &mut Side) -> Result<()> {
    let start = Instant::now();
    let model = config.fit(&data.split.dataset, &FitOptions::default())?;
    side.fit_seconds.push(start.elapsed().as_secs_f64());
    let start = Instant::now();
    let answers = model.recommend_batch(&data.queries)?;
    side.answer_seconds.push(start.elapsed().as_secs_f64());
    side.lists = answers
        .iter()
        .map(|answer| data.split.numbers(answer))
        .collect();
    Ok(())
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn compare(options: &Options, similarity: &str, data: &Data, directory: &Path) -> Result<bool> {
    let settings = Map::from_iter([
        ("similarity".to_owned(), json!(similarity)),
        ("neighbours".to_owned(), json!(options.neighbours)),
    ]);
    let config = ModelConfig::from_settings("item_knn", settings)?;
    let Some(mut peer) = Implicit::start(options, similarity, directory)? else {
        return Ok(false);
    };
    let (mut ours, mut theirs) = (Side::default(), Side::default());
    for _ in 0..options.rounds {
        our_round(&config, data, &mut ours)?;
        peer.round(&mut theirs)?;
    }
    println!(
        "item_knn {similarity}, {} neighbours, {} threads, median of {} rounds in turn",
        options.neighbours, options.threads, options.rounds
    );
    println!(
        "{:<20}{:>12}{:>14}{:>10}{:>10}",
        "", "fit seconds", "answers/s", "R@20", "N@20"
    );
    let sides = [
        ("ours".to_owned(), &ours),
        (format!("implicit {}", peer.version), &theirs),
    ];
    for (name, side) in sides {
        let Accuracy { recall, ndcg } = accuracy(&side.lists, &data.split.held_out, LIMIT);
        let rate = data.queries.len() as f64 / median(&side.answer_seconds);
        let fit = median(&side.fit_seconds);
        println!("{name:<20}{fit:>12.3}{rate:>14.0}{recall:>10.4}{ndcg:>10.4}");
    }
    println!(
        "our time over theirs: fit {:.2}, answers {:.2}\n",
        median(&ours.fit_seconds) / median(&theirs.fit_seconds),
        median(&ours.answer_seconds) / median(&theirs.answer_seconds)
    );
    Ok(true)
}

fn run() -> Result<()> {
    let options = Options::read(std::env::args().skip(1))?;
    let split = Split::read(&options.train, &options.test)?;
    let queries = split.queries(LIMIT)?;
    let data = Data { split, queries };
    let directory = tempfile::tempdir().map_err(broken)?;
    FitOptions {
        threads: Some(options.threads),
        ..FitOptions::default()
    }
    .run(|| {
        for similarity in &options.similarities {
            if !compare(&options, similarity, &data, directory.path())? {
                println!(
                    "skipped: {} can't import implicit (pip install implicit, then --python)",
                    options.python
                );
                break;
            }
        }
        Ok(())
    })
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}
