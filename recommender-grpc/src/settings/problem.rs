//! What is wrong with settings.

use std::fmt;

/// One thing that is wrong with the settings.
///
/// Prints as `server.toml, setting "max_page_size": expected an integer from 1 to 100000, found "many"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    /// Where it was said: a file, an environment variable, an option.
    pub origin: String,
    /// The key; empty if the problem is the file as a whole.
    pub key: String,
    /// What would have been right.
    pub expected: String,
    /// What was there.
    pub found: String,
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        if !self.key.is_empty() {
            write!(f, ", setting \"{}\"", self.key)?;
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)
    }
}

/// Everything that is wrong with the settings, one problem a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// At least one problem.
    pub problems: Vec<SettingProblem>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (line, problem) in self.problems.iter().enumerate() {
            if line > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}
