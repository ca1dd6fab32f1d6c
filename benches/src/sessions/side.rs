//! A process that indexes a file of sessions and answers visits.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use recommender_core::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::output::failed;

/// What a side says once it has indexed the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Built {
    /// Package and version.
    pub name: String,
    /// Processor seconds from the file to the index.
    pub build_seconds: f64,
    /// Seconds of them from sessions, or for us from events, to the index.
    #[serde(default)]
    pub index_seconds: f64,
    /// Resident memory that the index added.
    pub resident_bytes: u64,
}

/// What a side says once it has answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Processor seconds of all rounds.
    pub answer_seconds: f64,
    /// Per visit: nanoseconds of its fastest round.
    pub nanoseconds: Vec<u64>,
    /// Per visit: whether its neighbours are a choice among equals; empty where a side does not say.
    #[serde(default)]
    pub tied: Vec<bool>,
}

impl Answered {
    /// Nanoseconds that a share of `quantile` of the visits do not go past.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in the list"
    )]
    pub fn quantile(&self, quantile: f64) -> u64 {
        let mut sorted = self.nanoseconds.clone();
        sorted.sort_unstable();
        let place = (quantile * sorted.len() as f64).ceil() as usize;
        sorted.get(place.saturating_sub(1)).copied().unwrap_or(0)
    }
}

/// Items of an answer by their keys, with their scores, best first.
pub type List = Vec<(String, f64)>;

/// What is answered.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    /// Visits, one a line, items separated by blanks.
    pub visits: &'a Path,
    /// Neighbours with a say.
    pub neighbours: usize,
    /// Items in an answer.
    pub limit: usize,
    /// How often all are answered.
    pub rounds: usize,
}

/// The running process.
#[derive(Debug)]
pub struct Side {
    process: Child,
    commands: ChildStdin,
    replies: BufReader<ChildStdout>,
    /// What it said of its index.
    pub built: Built,
    /// How long a session the peer indexes, where it says so.
    pub longest_session: Option<usize>,
}

/// What the peer calls the length past which it leaves a session out.
const LONGEST: &str = "qty_events_p99_5: ";

/// What the peer says of its index, before the microseconds.
const INDEXED: &str = "prepare indexes:";

/// Glibc keeps what is freed, the more the larger it was; with these both sides give it back.
const GIVE_BACK: [(&str, &str); 2] = [
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
    ("MALLOC_TRIM_THRESHOLD_", "131072"),
];

impl Side {
    /// Starts `program` with `arguments` and waits for its index.
    ///
    /// # Errors
    /// [`Error::Data`] if it does not start or breaks off.
    pub fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut process = Command::new(program)
            .args(arguments)
            .envs(GIVE_BACK)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(program, &error))?;
        let (Some(commands), Some(replies)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(Error::Internal("the pipes asked for are missing".into()));
        };
        let mut replies = BufReader::new(replies);
        let (mut longest_session, mut index_micros) = (None, None);
        let mut built: Built = reply(&mut replies, |line| {
            let number = |prefix| line.strip_prefix(prefix)?.split(' ').next()?.parse().ok();
            longest_session = number(LONGEST).or(longest_session);
            index_micros = number(INDEXED).or(index_micros);
        })?;
        if let Some(micros) = index_micros {
            built.index_seconds = micros as f64 / 1e6;
        }
        Ok(Self {
            process,
            commands,
            replies,
            built,
            longest_session,
        })
    }

    /// Has `work` done; gives the lists of the first round too.
    ///
    /// # Errors
    /// [`Error::Data`] if it breaks off.
    pub fn answer(&mut self, work: Work<'_>, lists: &Path) -> Result<(Answered, Vec<List>)> {
        let (visits, out) = (work.visits.display(), lists.display());
        let numbers = format!("{}\t{}\t{}", work.neighbours, work.limit, work.rounds);
        writeln!(self.commands, "{visits}\t{out}\t{numbers}").map_err(|error| broken(&error))?;
        let answered = reply(&mut self.replies, |_| {})?;
        let text = fs::read_to_string(lists).map_err(|error| failed(lists, &error))?;
        let entry = |word: &str| {
            let (item, score) = word.split_once(':')?;
            Some((item.to_owned(), score.parse().ok()?))
        };
        let list = |line: &str| line.split_whitespace().filter_map(entry).collect();
        Ok((answered, text.lines().map(list).collect()))
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left of it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The next line of JSON; others, which a library under the peer prints, go to `aside`.
fn reply<T: DeserializeOwned>(
    replies: &mut impl BufRead,
    mut aside: impl FnMut(&str),
) -> Result<T> {
    loop {
        let mut line = String::new();
        let read = replies.read_line(&mut line);
        if read.map_err(|error| broken(&error))? == 0 {
            return Err(Error::data("peer", "it broke off"));
        }
        match serde_json::from_str(&line) {
            Ok(reply) => return Ok(reply),
            Err(_) => aside(line.trim()),
        }
    }
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::data("peer", format!("it broke off: {error}"))
}

/// Builds the peer under `directory`, which holds its manifest; none if that can't be done here.
///
/// # Errors
/// [`Error::Internal`] only.
pub(super) fn build_peer(directory: &Path, target: &Path) -> Option<PathBuf> {
    let built = Command::new("cargo")
        .args(["build", "--release", "--locked", "--quiet"])
        .arg("--target-dir")
        .arg(target)
        .current_dir(directory)
        .status();
    let program = target.join("release/serenade-peer");
    (built.is_ok_and(|status| status.success()) && program.exists()).then_some(program)
}

/// Processor seconds of this process so far, to the hundredth, where the system tells.
#[must_use]
pub fn processor_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |field: usize| fields.get(field).and_then(|it| it.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_value_that_so_many_do_not_go_past() {
        let answered = Answered {
            answer_seconds: 0.0,
            nanoseconds: (1..=1000).rev().collect(),
            tied: Vec::new(),
        };
        assert_eq!(answered.quantile(0.995), 995);
        assert_eq!(answered.quantile(0.5), 500);
        assert_eq!(answered.quantile(1.0), 1000);
    }

    #[test]
    fn replies_are_found_among_what_else_is_printed() {
        let text =
            "reading\nqty_events_p99_5: 14\n{\"answer_seconds\": 2.5, \"nanoseconds\": [3]}\n";
        let mut asides = Vec::new();
        let mut bytes = text.as_bytes();
        let answered: Answered = reply(&mut bytes, |line| asides.push(line.to_owned())).unwrap();
        assert_eq!(answered.nanoseconds, [3]);
        assert_eq!(asides, ["reading", "qty_events_p99_5: 14"]);
        let nothing: Result<Answered> = reply(&mut bytes, |_| {});
        assert!(nothing.is_err());
    }
}
