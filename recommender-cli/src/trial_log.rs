//! The file of a search's trials: read before it, added to after each trial.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use recommender_core::tuning::{LogHeader, TrialRecord, log_line, read_log};

use crate::failure::Failure;

/// An open log; without a file nothing is kept.
#[derive(Debug)]
pub(crate) struct TrialLog {
    file: Option<File>,
    past: Vec<TrialRecord>,
}

impl TrialLog {
    /// The log in `path`, begun with `header`, or gone on with if it is of the same search.
    pub(crate) fn open(path: Option<&Path>, header: &LogHeader) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self {
                file: None,
                past: Vec::new(),
            });
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Failure::file(path, &error)),
        };
        let logged = read_log(&path.display().to_string(), &text, header)?;
        let failed = |error: io::Error| Failure::file(path, &error);
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(path);
        let mut file = file.map_err(failed)?;
        // What a kill left of a line goes before the next is added.
        file.set_len(logged.whole_bytes as u64).map_err(failed)?;
        if logged.whole_bytes == 0 {
            file.write_all(log_line(header)?.as_bytes())
                .map_err(failed)?;
        }
        Ok(Self {
            file: Some(file),
            past: logged.records,
        })
    }

    /// The trials the log held when it was opened.
    pub(crate) fn past(&self) -> Vec<TrialRecord> {
        self.past.clone()
    }

    /// Adds a trial.
    pub(crate) fn add(&mut self, record: &TrialRecord) -> recommender_core::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let line = log_line(record)?;
        let written = file.write_all(line.as_bytes()).and_then(|()| file.flush());
        written.map_err(|error| recommender_core::Error::data("log", error.to_string()))
    }
}
