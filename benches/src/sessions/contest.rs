//! Both sides on one ground.

use std::fmt;
use std::path::{Path, PathBuf};

use recommender_core::models::VmisKnnConfig;
use recommender_core::{Error, Result};
use serde::Serialize;
use tempfile::TempDir;

use crate::output::failed;
use crate::sessions::side::build_peer;
use crate::sessions::synthetic::{write_sessions, write_visits};
use crate::sessions::{Agreement, Answered, Built, Side, SyntheticSize, Visits, Work, compare};

/// Sessions to index and visits to answer, as files.
#[derive(Debug)]
pub struct Grounds {
    directory: TempDir,
    train: PathBuf,
    visits: PathBuf,
}

impl Grounds {
    /// Synthetic ones, with visits of at most `last_items`.
    ///
    /// # Errors
    /// [`Error::Data`] if files can't be written.
    pub fn synthetic(size: SyntheticSize, last_items: usize) -> Result<Self> {
        let grounds = Self::empty()?;
        write_sessions(&grounds.train, size, 1)?;
        write_visits(&grounds.visits, (size, 2), last_items)?;
        Ok(grounds)
    }

    /// The sessions of `train`, and every prefix of those of `test`, of which the last `last_items` count. Sessions are
    /// written anew, an item once in each and all at its end, so that both sides see the same.
    ///
    /// # Errors
    /// As [`Visits::of_tables`], and if files can't be written.
    pub fn of_files(train: &Path, test: &Path, last_items: usize) -> Result<Self> {
        let grounds = Self::empty()?;
        let visits = Visits::of_tables(train, test)?;
        crate::output::write(&grounds.train, &visits.train_table()?)?;
        let keys = visits.train.items();
        let line = |case: &crate::sessions::Case| {
            let start = case.visit.len().saturating_sub(last_items);
            let words = case.visit[start..].iter().map(|&item| keys.key(item));
            words.collect::<Vec<_>>().join(" ") + "\n"
        };
        let text: String = visits.cases.iter().map(line).collect();
        crate::output::write(&grounds.visits, &text)?;
        Ok(grounds)
    }

    fn empty() -> Result<Self> {
        let directory = tempfile::tempdir().map_err(|error| failed("a directory", &error))?;
        Ok(Self {
            train: directory.path().join("train.tsv"),
            visits: directory.path().join("visits"),
            directory,
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// What both sides are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Contest {
    /// Latest sessions looked at.
    pub recent_sessions: usize,
    /// Neighbours with a say.
    pub neighbours: usize,
    /// Items of a visit that count.
    pub last_items: usize,
    /// Items in an answer.
    pub limit: usize,
    /// How often all visits are answered; each counts with its fastest.
    pub rounds: usize,
}

/// What a side did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Performance {
    /// What its index took.
    pub built: Built,
    /// Processor microseconds of an answer.
    pub mean_microseconds: f64,
    /// Microseconds of an answer that half and all but one in two hundred do not go past.
    pub microseconds_p50_p995: [f64; 2],
}

impl Performance {
    fn of(built: &Built, answered: &Answered, rounds: usize) -> Self {
        let answers = (answered.nanoseconds.len() * rounds).max(1) as f64;
        let at = |quantile| answered.quantile(quantile) as f64 / 1e3;
        Self {
            built: built.clone(),
            mean_microseconds: answered.answer_seconds * 1e6 / answers,
            microseconds_p50_p995: [at(0.5), at(0.995)],
        }
    }
}

impl fmt::Display for Performance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, most] = self.microseconds_p50_p995;
        write!(
            f,
            "{}: {:.2} s from file to index, {:.2} s of it the index, {:.1} MB; answer {:.2} µs in the mean, {half:.1} µs p50, {most:.1} µs p99.5",
            self.built.name,
            self.built.build_seconds,
            self.built.index_seconds,
            self.built.resident_bytes as f64 / 1e6,
            self.mean_microseconds,
        )
    }
}

/// Both sides, or ours alone where the peer can't be built.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// What was asked for.
    pub contest: Contest,
    /// Our side.
    pub ours: Performance,
    /// The peer and how the lists agree.
    pub peer: Option<(Performance, Agreement)>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.ours)?;
        let Some((theirs, agreement)) = &self.peer else {
            return write!(
                f,
                "skipped: the peer in benches/peers/serenade can't be built here"
            );
        };
        let (ours, build) = (&self.ours, |it: &Performance| it.built.index_seconds);
        let memory = |it: &Performance| it.built.resident_bytes as f64;
        writeln!(f, "{theirs}")?;
        writeln!(
            f,
            "ours over theirs: answers {:.3}, p99.5 {:.3}, index {:.3}, memory {:.3}",
            ours.mean_microseconds / theirs.mean_microseconds,
            ours.microseconds_p50_p995[1] / theirs.microseconds_p50_p995[1],
            build(ours) / build(theirs),
            memory(ours) / memory(theirs),
        )?;
        write!(f, "{agreement}")
    }
}

impl Contest {
    /// Has both sides index the sessions and answer the visits, one after the other.
    ///
    /// # Errors
    /// [`Error::Data`] if a side breaks off.
    pub fn hold(&self, grounds: &Grounds) -> Result<Outcome> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = manifest.join("../target/peers/serenade");
        let peer = build_peer(&manifest.join("peers/serenade"), &target);
        let train = grounds.train.display().to_string();
        let work = Work {
            visits: &grounds.visits,
            neighbours: self.neighbours,
            limit: self.limit,
            rounds: self.rounds,
        };
        let Some(peer) = peer else {
            let mut ours = self.our_side(&train, None)?;
            let (answered, _) = ours.answer(work, &grounds.file("ours"))?;
            return Ok(self.outcome(Performance::of(&ours.built, &answered, self.rounds), None));
        };
        let sample = self.recent_sessions.to_string();
        let mut theirs = Side::start(&peer, &[&train, &sample])?;
        let mut ours = self.our_side(&train, theirs.longest_session)?;
        let (their_answers, their_lists) = theirs.answer(work, &grounds.file("theirs"))?;
        let (our_answers, our_lists) = ours.answer(work, &grounds.file("ours"))?;
        let agreement = compare((&our_lists, &their_lists), &our_answers.tied);
        let performance =
            |side: &Side, answered: &Answered| Performance::of(&side.built, answered, self.rounds);
        let peer = (performance(&theirs, &their_answers), agreement);
        Ok(self.outcome(performance(&ours, &our_answers), Some(peer)))
    }

    fn outcome(&self, ours: Performance, peer: Option<(Performance, Agreement)>) -> Outcome {
        Outcome {
            contest: *self,
            ours,
            peer,
        }
    }

    fn our_side(&self, train: &str, longest: Option<usize>) -> Result<Side> {
        let config = VmisKnnConfig {
            recent_sessions: self.recent_sessions,
            neighbours: self.neighbours,
            last_items: self.last_items,
            current_item: false,
            most_items: longest.unwrap_or(VmisKnnConfig::default().most_items),
            ..VmisKnnConfig::default()
        };
        let config =
            serde_json::to_string(&config).map_err(|error| Error::Internal(error.to_string()))?;
        let program = std::env::current_exe().map_err(|error| failed("this program", &error))?;
        let arguments = ["--task", "side", "--train", train, "--config", &config];
        Side::start(&program, &arguments)
    }
}
