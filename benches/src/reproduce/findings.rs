//! What came of the runs: the JSON.

use recommender_core::evaluation::{Difference, ModelReport, Report};
use serde::Serialize;
use serde_json::Value;

use crate::growth::Growth;
use crate::reproduce::published::Published;
use crate::reproduce::recipe::Entry;

/// Everything on the page.
#[derive(Debug, Clone, Serialize)]
pub struct Findings {
    /// Threads used.
    pub threads: usize,
    /// The seed of everything random.
    pub seed: u64,
    /// The sets that were at hand.
    pub sets: Vec<SetResult>,
    /// Those that were not.
    pub skipped: Vec<Skipped>,
    /// How times grow, as the program `growth` wrote it.
    pub growth: Vec<Growth>,
    /// The comparisons with other packages, as the program `peers` wrote them.
    pub peers: Value,
}

/// A set that was not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A set, ours beside published.
#[derive(Debug, Clone, Serialize)]
pub struct SetResult {
    /// The word it is asked for by.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// Its protocol.
    pub protocol: String,
    /// How the settings were chosen.
    pub tuning: String,
    /// The metric models are ranked by.
    pub headline: String,
    /// The metric of the plot of coverage.
    pub coverage: String,
    /// The evaluation room's report.
    pub report: Report,
    /// What was tried, in the order of the recipe.
    pub tried: Vec<Tried>,
    /// The pipelines against the best single model, by the headline metric, paired query by query.
    pub over_best_single: Vec<Difference>,
    /// What others published.
    pub published: Vec<Published>,
}

/// A model of the recipe and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct Tried {
    /// The recipe's entry.
    pub entry: Entry,
    /// Why there are no figures, if there are none.
    pub not_run: Option<String>,
}

impl SetResult {
    /// The mean of a model's metric.
    #[must_use]
    pub fn mean(&self, model: &ModelReport, metric: &str) -> Option<f64> {
        model.metrics.get(metric)?.mean
    }

    /// The models that ran, the best by the headline metric first.
    #[must_use]
    pub fn ranked(&self) -> Vec<&ModelReport> {
        let mut models: Vec<&ModelReport> = self.report.models.iter().collect();
        let headline = |model: &ModelReport| self.mean(model, &self.headline).unwrap_or(-1.0);
        models.sort_by(|a, b| headline(b).total_cmp(&headline(a)));
        models
    }

    /// The recipe's entry of a model.
    #[must_use]
    pub fn entry(&self, model: &ModelReport) -> Option<&Entry> {
        let mut tried = self.tried.iter();
        tried
            .find(|tried| tried.entry.label == model.name)
            .map(|tried| &tried.entry)
    }
}
