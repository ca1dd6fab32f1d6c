//! Speed, promptness and room of the store.
//!
//! ```text
//! cargo run --release -p recommender-benches --bin store -- --dir /var/tmp
//! ```
//! Options, with their defaults: `--dir` (where to write; the system's temporary directory), `--only` (`ingest`,
//! `singles`, `large`, `fresh`, `eligibility`, `filter`), `--rounds 3`, `--batches 300` (of 1,000 events, an engine and
//! round), `--events 10000000` (in the store that is killed, opened and read), `--reads 100000`, `--pairs 100000`. With `--postgres URL` also
//! what a PostgreSQL database takes (`--only shared`), in a schema of its own, reached without encryption.
#![expect(clippy::print_stdout, reason = "a program that reports to a terminal")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use recommender_benches::output::exit_code;
use recommender_benches::store::shared::{Database, Shared, Singles};
use recommender_benches::store::workload::{SHOP, Workload};
use recommender_benches::store::{eligibility, filter, ingest, reading};
use recommender_benches::words::Words;
use recommender_core::{Error, Result};
use recommender_store::engine::Contents;
use recommender_store::exchange::{ExportManifest, ExportOptions, export};
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Engine, StoreError};

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NAMES: [&str; 9] = [
    "--dir",
    "--only",
    "--rounds",
    "--batches",
    "--events",
    "--pairs",
    "--postgres",
    "--reads",
    "--fill",
];

fn failed(error: &StoreError) -> Error {
    Error::data("store", error.to_string())
}

fn ingest(dir: &Path, words: &Words) -> Result<()> {
    let (count, rounds) = (words.count("--batches", 300)?, words.count("--rounds", 3)?);
    let found = ingest::batches(dir, count, rounds).map_err(|error| failed(&error))?;
    println!("durable batches of 1,000, events a second: ours, redb, bare file; ratios to them");
    for round in found {
        println!(
            "{:>10.0}{:>10.0}{:>10.0}{:>8.2}{:>8.2}",
            round.ours,
            round.redb,
            round.file,
            round.ours / round.redb,
            round.ours / round.file
        );
    }
    Ok(())
}

fn singles(dir: &Path) -> Result<()> {
    let run = |name: &str, clients: u64, each: usize| {
        let opened = EmbeddedEngine::open(&dir.join(name), EmbeddedConfig::default());
        let engine: Arc<dyn Engine> = Arc::new(opened.map_err(|error| failed(&error))?);
        ingest::singles(&engine, clients, each).map_err(|error| failed(&error))
    };
    let (one, many) = (run("one", 1, 500)?, run("many", 64, 500)?);
    println!(
        "single durable events a second: one client {one:.0}, 64 clients {many:.0}, ratio {:.1}",
        many / one
    );
    Ok(())
}

fn shared(url: &str, words: &Words) -> Result<()> {
    let (count, rounds) = (words.count("--batches", 300)?, words.count("--rounds", 3)?);
    let mut database = Database::open(url).map_err(|error| failed(&error))?;
    let found = database.batches(count, rounds);
    println!("PostgreSQL, batches of 1,000, events a second: ours, one bare INSERT each; ratio");
    for round in found.map_err(|error| failed(&error))? {
        let Shared { ours, bare } = round;
        println!("{ours:>10.0}{bare:>10.0}{:>8.2}", ours / bare);
    }
    let Singles { one, many, bare } = database.singles(500).map_err(|error| failed(&error))?;
    println!(
        "PostgreSQL, single events a second: one client {one:.0}, 64 clients {many:.0}, ratio {:.1}; one bare INSERT each {bare:.0}, ratio {:.2}",
        many / one,
        one / bare
    );
    database.remove().map_err(|error| failed(&error))
}

/// Fills a store until it is killed, saying how many events it was told are on disk.
fn fill(dir: &Path) -> Result<()> {
    let store = || -> Result<(), StoreError> {
        let engine = EmbeddedEngine::open(dir, EmbeddedConfig::default())?;
        let mut workload = Workload::new(SHOP, 3);
        for batches in 1u64.. {
            engine.write(workload.batch(1_000))?.wait()?;
            println!("{}", batches * 1_000);
        }
        Ok(())
    };
    store().map_err(|error| failed(&error))
}

/// Kills a process that fills a store once it has that many events.
fn kill_at(dir: &Path, events: u64) -> Result<u64> {
    let lost = |error: std::io::Error| Error::data("store", error.to_string());
    let program = std::env::current_exe().map_err(lost)?;
    let mut child = Command::new(program)
        .arg("--fill")
        .arg(dir)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(lost)?;
    let output = child.stdout.take().map(BufReader::new);
    let mut told = 0;
    for line in output.into_iter().flat_map(BufRead::lines) {
        told = line.map_err(lost)?.parse().unwrap_or(told);
        if told >= events {
            break;
        }
    }
    child.kill().map_err(lost)?;
    child.wait().map_err(lost)?;
    Ok(told)
}

fn large(dir: &Path, words: &Words) -> Result<()> {
    let dir = dir.join("large");
    let events = words.count("--events", 10_000_000)? as u64;
    let told = kill_at(&dir, events)?;
    let start = Instant::now();
    let open = || EmbeddedEngine::open(&dir, EmbeddedConfig::default());
    let engine = open().map_err(|error| failed(&error))?;
    let seconds = start.elapsed().as_secs_f64();
    let status = || engine.status().map_err(|error| failed(&error));
    let found = status()?.contents.events;
    println!("killed after {told} events: opened in {seconds:.2} s with {found} events");
    settle(&engine)?;
    let contents = status()?.contents;
    room(&engine, contents, &dir.with_file_name("export"))?;
    let reads = words.count("--reads", 100_000)?;
    let found = reading::recent(&engine, 50, reads).map_err(|error| failed(&error))?;
    let (first, later) = found;
    println!(
        "latest 50 events of a visitor of {}: first time median {:.1} us, p99 {:.1} us; later median {:.1} us, p99 {:.1} us",
        SHOP.visitors, first.median, first.p99, later.median, later.p99
    );
    let start = Instant::now();
    let scanned = engine
        .events(Default::default())
        .map_err(|error| failed(&error))?
        .count();
    println!(
        "all {scanned} events in order: {:.0} a second",
        scanned as f64 / start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Bytes an event takes in the store and in its Parquet files.
fn room(engine: &EmbeddedEngine, contents: Contents, directory: &Path) -> Result<()> {
    let exported = export(engine, directory, &ExportOptions::default());
    let rows = exported.map_err(|error| failed(&error))?.rows as f64;
    let manifest = ExportManifest::read(directory).map_err(|error| failed(&error))?;
    let parts = manifest.into_iter().flat_map(|manifest| manifest.files);
    let parquet = parts.map(|part| part.bytes).sum::<u64>() as f64 / rows;
    let ours = contents.bytes as f64 / contents.events as f64;
    println!(
        "settled: {ours:.1} bytes an event on disk, {parquet:.1} as a row of Parquet, ratio {:.2}",
        ours / parquet
    );
    Ok(())
}

/// Waits until files are no longer merged.
fn settle(engine: &EmbeddedEngine) -> Result<()> {
    let bytes = || engine.status().map(|status| status.contents.bytes);
    let mut before = 0;
    loop {
        let now = bytes().map_err(|error| failed(&error))?;
        if now == before {
            return Ok(());
        }
        before = now;
        std::thread::sleep(Duration::from_secs(2));
    }
}

fn fresh(dir: &Path, words: &Words) -> Result<()> {
    let pairs = words.count("--pairs", 100_000)? as u64;
    let open = EmbeddedEngine::open(&dir.join("fresh"), EmbeddedConfig::default());
    let engine = open.map_err(|error| failed(&error))?;
    let stale = reading::stale_reads(&engine, 64, pairs).map_err(|error| failed(&error))?;
    println!("written and read at once {pairs} times under load: {stale} stale reads");
    Ok(())
}

fn eligible() -> Result<()> {
    const ITEMS: u32 = 100_000;
    let found = eligibility::asked(ITEMS, 10_000).map_err(|error| failed(&error))?;
    let (asked, changed) = found;
    println!(
        "what of {ITEMS} items may be offered at a place: median {:.1} us, p99 {:.1} us; a change of stock: median {:.1} us, p99 {:.1} us",
        asked.median, asked.p99, changed.median, changed.p99
    );
    Ok(())
}

fn filters() -> Result<()> {
    const ITEMS: u32 = 100_000;
    let found = filter::asked(ITEMS, 10_000).map_err(|error| failed(&error))?;
    println!(
        "a filter of five clauses over {ITEMS} items, leaving {}, in microseconds: median, p99",
        found.kept
    );
    for (name, waits) in [
        ("its clauses known", found.cut),
        ("counting what each did", found.counted),
        ("a product changed", found.changed),
        ("made, no clause known", found.compiled),
        ("first at a place", found.new_place),
        ("product by product", found.product_by_product),
    ] {
        println!("{name:>24}{:>12.1}{:>12.1}", waits.median, waits.p99);
    }
    Ok(())
}

fn run() -> Result<()> {
    let words = Words::read(std::env::args().skip(1), &NAMES, &[])?;
    if let Some(dir) = words.last("--fill") {
        return fill(Path::new(dir));
    }
    let place = words
        .last("--dir")
        .map_or_else(std::env::temp_dir, Into::into);
    let dir = tempfile::tempdir_in(&place)
        .map_err(|error| Error::data(place.display().to_string(), error.to_string()))?;
    let dir = dir.path();
    let only = words.list("--only");
    let asked = |name: &str| only.is_empty() || only.iter().any(|it| it == name);
    if asked("ingest") {
        ingest(dir, &words)?;
    }
    if asked("singles") {
        singles(dir)?;
    }
    if let Some(url) = words.last("--postgres")
        && asked("shared")
    {
        shared(url, &words)?;
    }
    if asked("large") {
        large(dir, &words)?;
    }
    if asked("fresh") {
        fresh(dir, &words)?;
    }
    if asked("eligibility") {
        eligible()?;
    }
    if asked("filter") {
        filters()?;
    }
    Ok(())
}

fn main() -> ExitCode {
    exit_code(run())
}
