//! Our side: the same file, the same visits, the same words.

use std::fs;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use recommender_core::events::EventTable;
use recommender_core::models::{VmisKnn, VmisKnnConfig};
use recommender_core::{
    Dataset, DenseIndex, Error, FitOptions, InteractionConfig, ItemIx, Query, Ranked, Recommender,
    Result, Vocabulary,
};
use serde_json::json;

use crate::output::failed;
use crate::sessions::side::{Answered, Built, processor_seconds};
use crate::sessions::visits::read_table;

/// Sessions of a file and the keys of its items.
#[derive(Debug)]
pub struct IndexedFile {
    dataset: Dataset,
}

/// A line of commands, taken apart.
#[derive(Debug)]
pub struct Request<'a> {
    /// File of visits.
    pub visits: &'a Path,
    /// Where the lists go.
    pub lists: &'a Path,
    /// Items in an answer.
    pub limit: usize,
    /// How often all are answered.
    pub rounds: usize,
}

/// Resident memory of this process in bytes, where the system tells.
#[must_use]
pub fn resident_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

impl IndexedFile {
    /// Reads a file with the columns `SessionId`, `ItemId` and `Time`.
    ///
    /// # Errors
    /// As reading events.
    pub fn read(train: &Path) -> Result<Self> {
        let mut table = EventTable::new();
        read_table(train, &mut table)?;
        let dataset = Dataset::new(table, Vec::new(), InteractionConfig::default())?;
        Ok(Self { dataset })
    }

    fn model(&self, config: &VmisKnnConfig) -> Result<VmisKnn> {
        config.fit(&self.dataset, &FitOptions::default())
    }
}

/// Serves as a side: indexes `train` by `config`, then answers what stands on the lines of `commands`, as the peer's own
/// program says.
///
/// # Errors
/// As [`IndexedFile::read`], and if a line is no command.
pub fn serve(
    (train, config): (&Path, &VmisKnnConfig),
    commands: impl BufRead,
    mut replies: impl Write,
) -> Result<()> {
    let before = resident_bytes();
    let started = processor_seconds();
    let file = IndexedFile::read(train)?;
    let read = Instant::now();
    let model = file.model(config)?;
    let (index_seconds, built) = (read.elapsed().as_secs_f64(), processor_seconds());
    let items = file.dataset.items().clone();
    drop(file);
    // What stays is the index and the keys of the items.
    let said = Built {
        name: format!("recommender-core {}", env!("CARGO_PKG_VERSION")),
        build_seconds: built - started,
        index_seconds,
        resident_bytes: resident_bytes().saturating_sub(before),
    };
    say(&mut replies, &json!(said))?;
    for line in commands.lines() {
        let line = line.map_err(|error| Error::data("commands", error.to_string()))?;
        let words: Vec<&str> = line.split('\t').collect();
        let [visits, lists, _, limit, rounds] = words[..] else {
            return Err(Error::config("commands", "five words between tabs", line));
        };
        let number = |word: &str| {
            let parsed = word.parse::<usize>();
            parsed.map_err(|error| Error::config("commands", "a number", error))
        };
        let request = Request {
            visits: visits.as_ref(),
            lists: lists.as_ref(),
            limit: number(limit)?,
            rounds: number(rounds)?,
        };
        let answered = answer(&model, &items, &request)?;
        say(&mut replies, &json!(answered))?;
    }
    Ok(())
}

fn say(replies: &mut impl Write, value: &serde_json::Value) -> Result<()> {
    writeln!(replies, "{value}")
        .and_then(|()| replies.flush())
        .map_err(|error| Error::data("replies", error.to_string()))
}

fn answer(model: &VmisKnn, items: &Vocabulary<ItemIx>, request: &Request<'_>) -> Result<Answered> {
    let text =
        fs::read_to_string(request.visits).map_err(|error| failed(request.visits, &error))?;
    let unknown = ItemIx::at(items.len());
    let item = |key: &str| items.get(key).unwrap_or(unknown);
    let query = |line: &str| {
        let mut query = Query::new(request.limit);
        query.session = line.split(' ').map(item).collect();
        query
    };
    let queries: Vec<Query> = text.lines().map(query).collect();
    let mut nanoseconds = vec![u64::MAX; queries.len()];
    let mut lists: Vec<Ranked> = Vec::with_capacity(queries.len());
    let started = processor_seconds();
    for round in 0..request.rounds {
        for (query, least) in queries.iter().zip(&mut nanoseconds) {
            let started = Instant::now();
            let answer = model.recommend(query)?;
            let took = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            *least = (*least).min(took);
            if round == 0 {
                lists.push(answer);
            }
        }
    }
    let answer_seconds = processor_seconds() - started;
    let mut text = String::new();
    for list in lists {
        let entry = |entry: &recommender_core::Scored| {
            format!("{}:{:e}", items.key(entry.item), entry.score)
        };
        let words: Vec<String> = list.entries().iter().map(entry).collect();
        text += &words.join(" ");
        text.push('\n');
    }
    crate::output::write(request.lists, &text)?;
    let tied = queries.iter().map(|query| !model.is_settled(query));
    Ok(Answered {
        answer_seconds,
        nanoseconds,
        tied: tied.collect(),
    })
}
