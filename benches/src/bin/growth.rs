//! How fit and answer time of every model grow with the interactions.
//!
//! ```text
//! cargo run --release -p recommender-benches --bin growth -- --train train.txt.gz --json growth.json
//! ```
//! Sizes are 1, 2, 4 and 8 times the data: its own users, then users drawn from them again with a tenth of their items
//! exchanged, over the same catalogue. Models that hold a matrix of all pairs of items are run on the 4,096 most popular
//! items. Without `--train` the data is synthetic. Further options, with their defaults: `--only` (names of models),
//! `--rounds 3`, `--threads 2`, `--most 8` (the largest size).
#![expect(clippy::print_stdout, reason = "a program that reports to a terminal")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use recommender_benches::growth::{Growth, GrowthPoint, Pairs, Run, most_popular, resampled};
use recommender_benches::output::{exit_code, write_json};
use recommender_benches::synthetic::{self, Size};
use recommender_benches::words::Words;
use recommender_core::events::EventTable;
use recommender_core::pipeline::ModelConfig;
use recommender_core::rows::Format;
use recommender_core::{Dataset, FitOptions, InteractionConfig, Result};
use recommender_files::{EventOptions, read_events};
use serde_json::Map;

const NAMES: [&str; 6] = [
    "--train",
    "--only",
    "--rounds",
    "--threads",
    "--most",
    "--json",
];

/// Models that hold, or look at, all pairs of items.
const DENSE: [&str; 4] = ["ease", "edlae", "rdlae", "slim"];

/// Items they are run on.
const DENSE_ITEMS: usize = 4_096;

/// Models that learn nothing from interactions.
const BLIND: [&str; 2] = ["content", "random"];

/// Data for want of a file.
const SYNTHETIC: Size = Size {
    users: 10_000,
    items: 10_000,
    purchases: 25,
};

struct Options {
    models: Vec<ModelConfig>,
    rounds: usize,
    most: usize,
}

impl Options {
    fn read(words: &Words) -> Result<Self> {
        let only = words.list("--only");
        let asked = |name: &&&str| match only.is_empty() {
            true => !BLIND.contains(name),
            false => only.iter().any(|it| it == **name),
        };
        let models = ModelConfig::NAMES.iter().filter(asked);
        let models = models.map(|name| ModelConfig::from_settings(name, Map::new()));
        Ok(Self {
            models: models.collect::<Result<_>>()?,
            rounds: words.count("--rounds", 3)?,
            most: words.count("--most", 8)?,
        })
    }

    /// The models that are run on few items, or the others.
    fn models(&self, dense: bool) -> Vec<&ModelConfig> {
        let mut all: Vec<&ModelConfig> = self.models.iter().collect();
        all.retain(|config| DENSE.contains(&config.name()) == dense);
        all
    }
}

/// The items of each user of an adjacency file, or of synthetic data.
fn base(train: Option<&str>) -> Result<Pairs> {
    let dataset = match train {
        None => synthetic::dataset(SYNTHETIC, 1)?,
        Some(path) => {
            let options = EventOptions {
                format: Some(Format::Adjacency),
                ..EventOptions::default()
            };
            let mut table = EventTable::new();
            read_events(Path::new(path), &options, &mut table)?;
            Dataset::new(table, vec![], InteractionConfig::binary())?
        }
    };
    let matrix = dataset.interactions().by_user();
    let rows = (0..matrix.rows()).map(|user| matrix.row(user).indices.to_vec());
    Ok(rows.collect())
}

/// Runs `models` at every size; a model that refuses is named and passed over.
fn grow(base: &Pairs, models: &[&ModelConfig], options: &Options) -> Result<Vec<Growth>> {
    let mut points: BTreeMap<&str, Vec<GrowthPoint>> = BTreeMap::new();
    let mut items = 0;
    let sizes = std::iter::successors(Some(1), |times| Some(times * 2));
    for times in sizes.take_while(|&times| !models.is_empty() && times <= options.most) {
        let dataset = resampled(base, times, 1)?;
        items = dataset.items().len();
        for config in models {
            let rounds = options.rounds;
            match (Run { config, rounds }).at(&dataset, times) {
                Ok(point) => points.entry(config.name()).or_default().push(point),
                Err(error) => println!("{} at {times} times: {error}", config.name()),
            }
        }
    }
    let rounds = options.rounds;
    let of = |config: &&ModelConfig| {
        let points = points.get(config.name()).cloned()?;
        Some(Run { config, rounds }.growth(items, points))
    };
    Ok(models.iter().filter_map(of).collect())
}

fn print(growth: &Growth) {
    let slope = |exponent: Option<f64>| exponent.map_or("-".into(), |it| format!("{it:.2}"));
    println!(
        "{}, {} items: fit ~ interactions^{}, an answer ~ interactions^{}",
        growth.model,
        growth.items,
        slope(growth.fit_exponent),
        slope(growth.answer_exponent)
    );
    println!(
        "  times  interactions      users  fit seconds  ms an answer  peak MiB  bytes an entry, by user and item"
    );
    for point in &growth.points {
        let [by_user, by_item] = point.bytes_per_interaction;
        println!(
            "{:>7}{:>14}{:>11}{:>13.3}{:>14.4}{:>10}  {by_user:.2}, {by_item:.2}",
            point.times,
            point.interactions,
            point.users,
            point.fit_seconds,
            point.answer_ms,
            point.peak_memory_bytes.unwrap_or(0) >> 20,
        );
    }
    println!();
}

fn run() -> Result<()> {
    let words = Words::read(std::env::args().skip(1), &NAMES, &[])?;
    let options = Options::read(&words)?;
    let base = base(words.last("--train"))?;
    let threads = FitOptions {
        threads: Some(words.count("--threads", 2)?),
        ..FitOptions::default()
    };
    let all = threads.run(|| {
        let mut all = grow(&base, &options.models(false), &options)?;
        let few = most_popular(&base, DENSE_ITEMS);
        all.extend(grow(&few, &options.models(true), &options)?);
        Ok(all)
    })?;
    all.iter().for_each(print);
    let Some(path) = words.last("--json") else {
        return Ok(());
    };
    write_json(path, &all)
}

fn main() -> ExitCode {
    exit_code(run())
}
