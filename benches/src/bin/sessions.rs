//! Session models beside the crate `serenade`, and on public click sessions.
//!
//! `sessions --task speed` makes sessions with a long tail, has both sides index them and answer the same visits, each in
//! a process of its own, and says processor time, memory and where the lists part. The peer is built on demand, and
//! reported as skipped where it can't be. Options: `--sessions`, `--items`, `--visits`, `--rounds`, `--neighbours`,
//! `--recent-sessions`, `--last-items`, `--json FILE`.
//!
//! `sessions --task agreement --train FILE --test FILE` compares both sides on every prefix of a file of sessions.
//!
//! `sessions --task accuracy --train FILE [--test FILE] [--lines] --model NAME[:key=value,…]…` prints hit rate and mean
//! reciprocal rank with their intervals, by all protocols; `--lines` reads sessions one a line, and as test pairs of a
//! prefix and what came next. The first model is what the others are compared with.
#![expect(clippy::print_stdout, reason = "the program reports to a terminal")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use recommender_benches::output::{exit_code, write_json};
use recommender_benches::sessions::accuracy::{Line, gain_over, judge};
use recommender_benches::sessions::{Contest, Grounds, SyntheticSize, Visits, serve};
use recommender_benches::words::Words;
use recommender_core::models::VmisKnnConfig;
use recommender_core::{Error, FitOptions, Result};

const NAMES: [&str; 16] = [
    "--task",
    "--train",
    "--test",
    "--model",
    "--at",
    "--threads",
    "--sessions",
    "--items",
    "--visits",
    "--rounds",
    "--neighbours",
    "--recent-sessions",
    "--last-items",
    "--most-items",
    "--config",
    "--json",
];

/// Items in an answer.
const LIMIT: usize = 20;

fn accuracy(words: &Words) -> Result<()> {
    let train = Path::new(words.required("--train")?);
    let test = words.last("--test").map(Path::new);
    let visits = match test {
        test if words.has("--lines") => Visits::of_lines(train, test)?,
        Some(test) => Visits::of_tables(train, test)?,
        None => return Err(Error::config("--test", "a file", "nothing")),
    };
    println!("{} cases", visits.cases.len());
    let limit = words.count("--at", LIMIT)?;
    let mut lines: Vec<Line> = Vec::new();
    for call in words.all("--model") {
        let line = judge(call, &visits, limit)?;
        let seconds = line.fit_seconds;
        println!(
            "{call}: {seconds:.2} s, {:.0} answers/s",
            line.answers_per_second
        );
        for (at, reached) in line.reached.iter().enumerate() {
            let (hits, mrr) = (&reached.hit_rate, &reached.mrr);
            print!(
                "  {:?}: HR@{limit} {hits}, MRR@{limit} {mrr}",
                reached.protocol
            );
            match lines.first() {
                Some(first) => println!(", gain {}", gain_over(reached, &first.reached[at])),
                None => println!(),
            }
        }
        lines.push(line);
    }
    match words.last("--json") {
        Some(path) => write_json(path, &lines),
        None => Ok(()),
    }
}

fn contest(words: &Words) -> Result<Contest> {
    Ok(Contest {
        recent_sessions: words.count("--recent-sessions", 500)?,
        neighbours: words.count("--neighbours", 100)?,
        last_items: words.count("--last-items", 4)?,
        limit: LIMIT,
        rounds: words.count("--rounds", 5)?,
    })
}

fn speed(words: &Words) -> Result<()> {
    let number = |name: &str, default: usize| -> Result<u32> {
        let count = words.count(name, default)?;
        u32::try_from(count).map_err(|error| Error::config(name, "a number below 2^32", error))
    };
    let size = SyntheticSize {
        sessions: number("--sessions", 1_000_000)?,
        items: number("--items", 100_000)?,
        visits: number("--visits", 10_000)?,
    };
    let contest = contest(words)?;
    let grounds = Grounds::synthetic(size, contest.last_items)?;
    hold(&contest, &grounds, words)
}

fn agreement(words: &Words) -> Result<()> {
    let (train, test) = (words.required("--train")?, words.required("--test")?);
    let mut contest = contest(words)?;
    contest.rounds = 1;
    let grounds = Grounds::of_files(train.as_ref(), test.as_ref(), contest.last_items)?;
    hold(&contest, &grounds, words)
}

fn hold(contest: &Contest, grounds: &Grounds, words: &Words) -> Result<()> {
    let outcome = contest.hold(grounds)?;
    println!("{outcome}");
    match words.last("--json") {
        Some(path) => write_json(path, &outcome),
        None => Ok(()),
    }
}

/// Serves as our side of a contest.
fn side(words: &Words) -> Result<()> {
    let config = words.required("--config")?;
    let config: VmisKnnConfig = serde_json::from_str(config)
        .map_err(|error| Error::config("--config", "settings of vmis_knn", error))?;
    let train = PathBuf::from(words.required("--train")?);
    serve(
        (&train, &config),
        std::io::stdin().lock(),
        std::io::stdout(),
    )
}

fn run() -> Result<()> {
    let words = Words::read(std::env::args().skip(1), &NAMES, &["--lines"])?;
    let options = FitOptions {
        threads: Some(words.count("--threads", 1)?),
        ..FitOptions::default()
    };
    options.run(|| match words.required("--task")? {
        "accuracy" => accuracy(&words),
        "speed" => speed(&words),
        "agreement" => agreement(&words),
        "side" => side(&words),
        other => {
            let expected = "accuracy, speed or agreement";
            Err(Error::config("--task", expected, other))
        }
    })
}

fn main() -> ExitCode {
    exit_code(run())
}
