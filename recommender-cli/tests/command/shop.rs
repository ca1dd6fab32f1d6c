//! A small shop to run the command in.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Forty shoppers of two tastes, five products each, and a recipe.
pub(crate) struct Shop(TempDir);

impl Shop {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut rows = String::from("visitor,item,kind,time\n");
        for visitor in 0..40 {
            for step in 0..5 {
                let item = (visitor / 2 + step * 2) % 20 * 2 + visitor % 2;
                rows.push_str(&format!(
                    "v{visitor},i{item},purchase,2024-05-{:02}\n",
                    step + 1
                ));
            }
        }
        let shop = Self(folder);
        shop.write("events.csv", &rows);
        let recipe = "[[sources]]\nmodel = { kind = \"item_knn\" }\n[fallback]\nmodel = { kind = \"popularity\" }\n";
        shop.write("pipeline.toml", recipe);
        shop
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect(name);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the command in the shop's folder.
    pub(crate) fn run(&self, call: &str) -> Output {
        self.command(call).output().expect("the command runs")
    }

    pub(crate) fn command(&self, call: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recommender"));
        command
            .args(call.split_whitespace())
            .current_dir(self.0.path());
        command
    }

    pub(crate) fn train(&self) {
        assert_done(&self.run("train --events events.csv --config pipeline.toml --out model"));
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn assert_done(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
}

/// Exit status 2, and a message that says all of `words`.
pub(crate) fn assert_refused(output: &Output, words: &[&str]) {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    for word in words {
        assert!(message.contains(word), "expected {word} in: {message}");
    }
}
