//! Progress on a terminal, silence in a pipe.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use recommender_core::recommender::Progress;

/// A line on standard error that tells what is being done; gone when dropped.
#[derive(Debug)]
pub(crate) struct ProgressLine(ProgressBar);

impl ProgressLine {
    /// A line that starts with `work`; hidden unless standard error is a terminal.
    pub(crate) fn start(work: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner} {prefix} {msg} {elapsed}");
        let bar = ProgressBar::new_spinner().with_prefix(work.to_owned());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// What is told how many events are done.
    pub(crate) fn events(&self) -> impl Fn(u64) + Sync + use<> {
        let bar = self.0.clone();
        move |events| bar.set_message(format!("{} events", HumanCount(events)))
    }

    /// What a fit calls at each of its steps.
    pub(crate) fn callback(&self) -> Progress {
        let bar = self.0.clone();
        Arc::new(move |stage, done| bar.set_message(format!("{stage} {:.0} %", done * 100.0)))
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
