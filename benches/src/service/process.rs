//! A server in a process of its own, and what it takes of the machine.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use recommender_core::{Error, Result};

/// Clock ticks of a processor second: what Linux counts processor time in.
const TICKS: f64 = 100.0;

/// Bytes of a page.
const PAGE: u64 = 4096;

/// A server in a process of its own. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// `host:port`.
    pub address: String,
}

impl Server {
    /// Runs a server by `command`, and waits until it says where it listens, at the end of
    /// a line.
    ///
    /// # Errors
    /// If it ends before.
    pub fn run(mut command: Command) -> Result<Self> {
        let command = command.stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| lost(&error))?;
        let output = child.stdout.take();
        let output = output.ok_or_else(|| Error::data("server", "it has no output"))?;
        let mut server = Self {
            child,
            lines: BufReader::new(output).lines(),
            address: String::new(),
        };
        while server.address.parse::<SocketAddr>().is_err() {
            let line = server.line()?;
            let word = line.split_whitespace().next_back();
            server.address = word.unwrap_or_default().to_owned();
        }
        Ok(server)
    }

    /// The next line it prints.
    ///
    /// # Errors
    /// If it ends before.
    pub fn line(&mut self) -> Result<String> {
        let line = self.lines.next();
        let line = line.ok_or_else(|| Error::data("server", "it ended"))?;
        line.map_err(|error| lost(&error))
    }

    /// Processor seconds it has used.
    #[must_use]
    pub fn processor_seconds(&self) -> f64 {
        processor_seconds(&self.child.id().to_string())
    }

    /// Bytes of memory it has at hand.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        let statm = proc(&self.child.id().to_string(), "statm");
        let pages = statm.split_whitespace().nth(1);
        pages
            .and_then(|pages| pages.parse::<u64>().ok())
            .map_or(0, |pages| pages * PAGE)
    }

    /// Bytes of memory that are its own: what it has written to, in memory or swapped out, without the files it maps.
    #[must_use]
    pub fn own_bytes(&self) -> u64 {
        let status = proc(&self.child.id().to_string(), "status");
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            number.unwrap_or_default()
        };
        (kibibytes("RssAnon:") + kibibytes("VmSwap:")) * 1024
    }

    /// Waits until it has done nothing for a second, so that what starting it took is not counted.
    pub fn settle(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut before = self.processor_seconds();
        while Instant::now() < deadline {
            std::thread::sleep(Duration::from_secs(1));
            let now = self.processor_seconds();
            if now - before < 0.05 {
                return;
            }
            before = now;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already if this fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program once more, as the server `kind` of what stands in `dir`.
///
/// # Errors
/// If it does not know where it stands.
pub fn this_program(kind: &str, dir: &Path) -> Result<Command> {
    let program = std::env::current_exe().map_err(|error| lost(&error))?;
    let mut command = Command::new(program);
    command.args(["--serve", kind, "--dir"]).arg(dir);
    Ok(command)
}

/// Processor seconds that a process has used; `self` is this one.
#[must_use]
pub fn processor_seconds(process: &str) -> f64 {
    let stat = proc(process, "stat");
    // The name of the program may hold blanks; what follows its bracket does not.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |field: usize| {
        let number = fields.get(field).and_then(|text| text.parse::<f64>().ok());
        number.unwrap_or_default()
    };
    (ticks(11) + ticks(12)) / TICKS
}

fn proc(process: &str, file: &str) -> String {
    fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default()
}

fn lost(error: &std::io::Error) -> Error {
    Error::data("server", error.to_string())
}
