//! Our models on the data sets of the field, beside what was published.
//!
//! ```text
//! cargo run --release -p recommender-benches --bin reproduce -- --data DIR --json out.json --html out.html
//! ```
//! DIR holds a directory for each data set; one that is missing is named and passed over, Online Retail comes along with
//! the repository. What runs, and with which settings, stands in `benches/reproduce/sets/`, what others published in
//! `benches/reproduce/published.toml`. Further options, with their defaults: `--only` (names of sets), `--quick` (leaves
//! out what is slow), `--threads 2`, `--seed 0`, `--recipes DIR` (of other files than those in `sets/`), `--growth FILE`
//! and `--peers FILE` (what the programs `growth` and `peers` wrote, for the page).
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that reports to a terminal"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use recommender_benches::output::{exit_code, failed, write, write_json};
use recommender_benches::reproduce::{Findings, Recipe, Trial, page, read_published, read_recipes};
use recommender_benches::words::Words;
use recommender_core::{Error, FitOptions, Result};
use serde::de::DeserializeOwned;

const NAMES: [&str; 9] = [
    "--data",
    "--recipes",
    "--only",
    "--threads",
    "--seed",
    "--growth",
    "--peers",
    "--json",
    "--html",
];

/// What another program wrote, or nothing.
fn written<T: DeserializeOwned + Default>(path: Option<&str>) -> Result<T> {
    let Some(path) = path else {
        return Ok(T::default());
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(path, &error))?;
    serde_json::from_str(&text).map_err(|error| failed(path, &error))
}

/// The recipes asked for.
fn recipes(words: &Words, directory: &Path) -> Result<Vec<Recipe>> {
    let mut recipes = read_recipes(directory)?;
    let only = words.list("--only");
    for name in &only {
        if !recipes.iter().any(|recipe| recipe.name == *name) {
            let names: Vec<&str> = recipes.iter().map(|recipe| &*recipe.name).collect();
            return Err(Error::config("--only", names.join(", "), name));
        }
    }
    recipes.retain(|recipe| only.is_empty() || only.contains(&recipe.name));
    Ok(recipes)
}

fn run() -> Result<()> {
    let words = Words::read(std::env::args().skip(1), &NAMES, &["--quick"])?;
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reproduce");
    let data = PathBuf::from(words.last("--data").unwrap_or("."));
    let seed = words.last("--seed").unwrap_or("0");
    let seed = seed
        .parse()
        .map_err(|_| Error::config("--seed", "a whole number", seed))?;
    let threads = words.count("--threads", 2)?;
    let sets = words.last("--recipes");
    let sets = sets.map_or_else(|| directory.join("sets"), PathBuf::from);
    let trial = Trial {
        data: &data,
        recipes: &sets,
        running: FitOptions {
            seed,
            threads: Some(threads),
            ..FitOptions::default()
        },
        quick: words.has("--quick"),
    };
    let mut findings = Findings {
        threads,
        seed,
        sets: Vec::new(),
        skipped: Vec::new(),
        growth: written(words.last("--growth"))?,
        peers: written(words.last("--peers"))?,
    };
    let published = read_published(&directory.join("published.toml"))?;
    for recipe in recipes(&words, &sets)? {
        let note = |model: &str| eprintln!("{}: {model}", recipe.name);
        match trial.run(&recipe, &published, note)? {
            Ok(set) => findings.sets.push(set),
            Err(skipped) => findings.skipped.push(skipped),
        }
    }
    print!("{findings}");
    if let Some(path) = words.last("--json") {
        write_json(path, &findings)?;
    }
    if let Some(path) = words.last("--html") {
        write(path, &page(&findings))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    exit_code(run())
}
