//! A peer in a process of its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use recommender_core::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

/// Where a peer sits: its data, its share of the machine, and where it may write.
#[derive(Debug, Clone)]
pub struct Seat<'a> {
    /// Python interpreters, tried in turn.
    pub pythons: &'a [String],
    /// The adjacency file to learn from.
    pub train: &'a Path,
    /// Items in an answer.
    pub limit: usize,
    /// Threads it may use.
    pub threads: usize,
    /// A directory of its own.
    pub directory: &'a Path,
}

/// What a peer says after each command.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Reply {
    /// Seconds by stage.
    pub seconds: BTreeMap<String, f64>,
    /// The most memory its process has held.
    pub peak_memory_bytes: u64,
}

#[derive(Deserialize)]
struct Ready {
    ready: String,
}

/// The running process.
#[derive(Debug)]
pub struct Peer {
    process: Child,
    commands: ChildStdin,
    replies: BufReader<ChildStdout>,
    out: PathBuf,
    complaints: PathBuf,
    limit: usize,
    /// Package and version.
    pub name: String,
}

impl Peer {
    /// Starts `script` of `benches/peers/` with the first interpreter that can; none if no interpreter has the package.
    ///
    /// # Errors
    /// [`Error::Data`] if it breaks off after its start.
    pub fn start(script: &str, seat: &Seat<'_>) -> Result<Option<Self>> {
        for python in seat.pythons {
            if let Some(peer) = Self::with_interpreter(python, script, seat)? {
                return Ok(Some(peer));
            }
        }
        Ok(None)
    }

    fn with_interpreter(python: &str, script: &str, seat: &Seat<'_>) -> Result<Option<Self>> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        let (out, complaints) = (seat.directory.join("lists"), seat.directory.join("errors"));
        // Packages with threads of their own multiply them by those of the library under them.
        let library_threads = match script {
            "implicit_models.py" => 1,
            _ => seat.threads,
        };
        let process = Command::new(python)
            .env("OPENBLAS_NUM_THREADS", library_threads.to_string())
            .env("OMP_NUM_THREADS", seat.threads.to_string())
            .env("RAYON_NUM_THREADS", seat.threads.to_string())
            .arg("-B")
            .arg(scripts.join(script))
            .arg(seat.train)
            .args([seat.limit, seat.threads].map(|number| number.to_string()))
            .arg(&out)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&complaints).map_err(broken)?)
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
            out,
            complaints,
            limit: seat.limit,
            name: String::new(),
        };
        let Ok(Ready { ready }) = serde_json::from_str(&peer.line()?) else {
            return Ok(None);
        };
        peer.name = ready;
        Ok(Some(peer))
    }

    /// Fits with `settings`.
    ///
    /// # Errors
    /// [`Error::Data`] with its last complaint if it breaks off.
    pub fn fit(&mut self, settings: &Value) -> Result<Reply> {
        self.obey(&format!("fit {settings}"))
    }

    /// Answers all users; the lists are item numbers in the order of the users.
    ///
    /// # Errors
    /// As [`Peer::fit`].
    pub fn answer(&mut self) -> Result<(Reply, Vec<Vec<u32>>)> {
        let reply = self.obey("answer")?;
        Ok((
            reply,
            lists(&fs::read(&self.out).map_err(broken)?, self.limit),
        ))
    }

    fn obey(&mut self, command: &str) -> Result<Reply> {
        writeln!(self.commands, "{command}").map_err(broken)?;
        let line = self.line()?;
        serde_json::from_str(&line).map_err(|_| {
            let complaints = fs::read_to_string(&self.complaints).unwrap_or_default();
            let last = complaints.lines().last().unwrap_or("no word why");
            broken(format!("{}: {last}", self.name))
        })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.replies.read_line(&mut line).map_err(broken)?;
        Ok(line)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left of it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Rows of `limit` little-endian numbers; negative ones stand behind the end of a short list.
fn lists(bytes: &[u8], limit: usize) -> Vec<Vec<u32>> {
    let numbers: Vec<i32> = bytes
        .chunks_exact(4)
        .map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let list = |row: &[i32]| {
        let items = row.iter().filter_map(|&item| item.try_into().ok());
        items.collect()
    };
    numbers.chunks_exact(limit).map(list).collect()
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::data("peer", format!("it broke off: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lists_end_at_the_first_negative_number() {
        let bytes: Vec<u8> = [4i32, 2, -1, 7, -1, -1]
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        assert_eq!(lists(&bytes, 3), [vec![4, 2], vec![7]]);
    }

    #[test]
    fn without_an_interpreter_there_is_no_peer() {
        let directory = tempfile::tempdir().unwrap();
        let pythons = ["no-such-interpreter".to_owned()];
        let seat = Seat {
            pythons: &pythons,
            train: directory.path(),
            limit: 20,
            threads: 1,
            directory: directory.path(),
        };
        assert!(Peer::start("implicit_models.py", &seat).unwrap().is_none());
    }
}
