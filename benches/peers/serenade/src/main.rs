//! Serenade's own answers, beside which the bench `sessions` puts ours.
//!
//! `serenade-peer TRAIN SAMPLE`: indexes the sessions of TRAIN (`SessionId`, `ItemId`, `Time`, tab separated) with lists
//! of SAMPLE sessions and idf weight 2, and says in a line of JSON what that took. For each line
//! `QUERIES LISTS NEIGHBOURS LIMIT ROUNDS` of its input it answers the sessions in the file QUERIES, one a line, puts the
//! lists of the first round into the file LISTS, as `item:score` best first, and says what that took.

use std::fs;
use std::io::{self, BufRead, Write};
use std::time::Instant;

use serde_json::json;
use serenade::vmisknn::predict;
use serenade::vmisknn::vmis_index::VMISIndex;

type Failure = Box<dyn std::error::Error>;

/// Processor seconds of this process so far, to the hundredth.
fn processor_seconds() -> Result<f64, Failure> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit(") ").next().ok_or("no fields")?;
    let field = |number: usize| fields.split(' ').nth(number).ok_or("a field is missing");
    let (user, system): (f64, f64) = (field(11)?.parse()?, field(12)?.parse()?);
    Ok((user + system) / 100.0)
}

fn resident_bytes() -> Result<u64, Failure> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kilobytes.ok_or("no VmRSS")?.parse::<u64>()? * 1024)
}

fn queries(path: &str) -> Result<Vec<Vec<u64>>, Failure> {
    let text = fs::read_to_string(path)?;
    let session = |line: &str| line.split(' ').map(str::parse).collect::<Result<_, _>>();
    Ok(text.lines().map(session).collect::<Result<_, _>>()?)
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, train, sample] = &arguments[..] else {
        return Err("serenade-peer TRAIN SAMPLE".into());
    };
    let sample: usize = sample.parse()?;
    let before = resident_bytes()?;
    let started = processor_seconds()?;
    let index = VMISIndex::new_from_csv(train, sample, 2.0);
    let built = json!({
        "name": "serenade 0.3.1",
        "build_seconds": processor_seconds()? - started,
        "resident_bytes": resident_bytes()?.saturating_sub(before),
    });
    println!("{built}");
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split('\t').collect();
        let [queries_path, lists_path, neighbours, limit, rounds] = words[..] else {
            return Err("QUERIES LISTS NEIGHBOURS LIMIT ROUNDS".into());
        };
        let queries = queries(queries_path)?;
        let (neighbours, limit): (usize, usize) = (neighbours.parse()?, limit.parse()?);
        let mut lists = Vec::with_capacity(queries.len());
        let mut nanoseconds = vec![u64::MAX; queries.len()];
        let started = processor_seconds()?;
        for round in 0..rounds.parse()? {
            for (query, least) in queries.iter().zip(&mut nanoseconds) {
                let started = Instant::now();
                let answer = predict(&index, query, neighbours, sample, limit, false);
                let answer = answer.into_sorted_vec();
                *least = (*least).min(u64::try_from(started.elapsed().as_nanos())?);
                if round == 0 {
                    lists.push(answer);
                }
            }
        }
        let took = json!({
            "answer_seconds": processor_seconds()? - started,
            "nanoseconds": nanoseconds,
        });
        let mut file = io::BufWriter::new(fs::File::create(lists_path)?);
        for list in lists {
            let entries = list.iter().map(|it| format!("{}:{:e}", it.id, it.score));
            writeln!(file, "{}", entries.collect::<Vec<_>>().join(" "))?;
        }
        file.flush()?;
        println!("{took}");
    }
    Ok(())
}
