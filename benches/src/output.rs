//! How the programs end: files written, an exit code.
#![expect(clippy::print_stdout, reason = "the programs report to a terminal")]

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use recommender_core::{Error, Result};
use serde::Serialize;

/// Tells what went wrong, if anything did.
#[must_use]
pub fn exit_code(outcome: Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with the file at `path`.
pub fn failed(path: impl AsRef<Path>, error: &dyn Display) -> Error {
    Error::data(path.as_ref().display().to_string(), error.to_string())
}

/// Puts `text` into the file at `path`.
///
/// # Errors
/// [`Error::Data`] if that fails.
pub fn write(path: impl AsRef<Path>, text: &str) -> Result<()> {
    std::fs::write(&path, text).map_err(|error| failed(path, &error))
}

/// Puts `value` into the file at `path`, as indented JSON.
///
/// # Errors
/// [`Error::Data`] if that fails.
pub fn write_json(path: impl AsRef<Path>, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| failed(&path, &error))?;
    write(path, &(text + "\n"))
}
