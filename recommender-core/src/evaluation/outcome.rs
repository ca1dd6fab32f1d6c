//! What one run of one recommender gave.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// A metric's mean with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricReport {
    /// The mean over the queries covered, or the figure of the run; none if it covers no query.
    pub mean: Option<f64>,
    /// Lower end of the interval; none for figures of the whole run, such as coverage.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
    /// The mean with items of equal scores in the order served, where that makes a difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_served: Option<f64>,
    /// How many queries it covers.
    pub queries: u64,
}

/// Figures of a part of the queries.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SliceReport {
    /// How many queries belong to it.
    pub queries: u64,
    /// Figures by name with cut-off.
    pub metrics: IndexMap<String, MetricReport>,
}

/// All figures of one recommender.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ModelReport {
    /// What the caller calls it.
    pub name: String,
    /// Seconds its fit took, as measured by the caller.
    pub fit_seconds: Option<f64>,
    /// Answers per second of wall time in the batch call, if the evaluator has a clock.
    pub queries_per_second: Option<f64>,
    /// Milliseconds a single request takes, the median of a sample, if the evaluator has a clock.
    pub request_ms_p50: Option<f64>,
    /// Milliseconds that 95 % of the sampled requests stay within.
    pub request_ms_p95: Option<f64>,
    /// Most memory the process held, in bytes, as measured by the caller.
    pub peak_memory_bytes: Option<u64>,
    /// Queries asked.
    pub queries: u64,
    /// Answers with fewer items than asked for; what is missing counts as misses.
    pub short_lists: u64,
    /// Answers without any item, which are short lists too.
    pub empty_lists: u64,
    /// Answers whose last ties could not be settled, because a longer list begins otherwise.
    pub unsettled_ties: u64,
    /// Items answered that were neither learned from nor are in the catalogue: each is a leak.
    pub outside_catalogue: u64,
    /// Figures by name with cut-off, in the order asked for.
    pub metrics: IndexMap<String, MetricReport>,
    /// Figures of parts of the queries, by name.
    pub slices: IndexMap<String, SliceReport>,
}

/// One run of one recommender: its figures and the numbers behind them.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    pub(super) report: ModelReport,
    pub(super) per_query: IndexMap<String, Vec<f64>>,
    /// For each query the cluster it is drawn with.
    pub(super) clusters: Vec<usize>,
    pub(super) cases_digest: String,
}

impl Evaluation {
    /// All figures.
    #[must_use]
    pub fn report(&self) -> &ModelReport {
        &self.report
    }

    /// The mean of `metric`, such as `recall@20`, if it was asked for and is defined.
    #[must_use]
    pub fn mean(&self, metric: &str) -> Option<f64> {
        self.report.metrics.get(metric)?.mean
    }

    /// The number of each query in the order of the cases, NaN where the metric does not cover the query;
    /// none for figures of the whole run.
    #[must_use]
    pub fn per_query(&self, metric: &str) -> Option<&[f64]> {
        self.per_query.get(metric).map(Vec::as_slice)
    }

    /// Adds what only the caller can measure: the seconds of the fit.
    #[must_use]
    pub fn with_fit_seconds(mut self, seconds: f64) -> Self {
        self.report.fit_seconds = Some(seconds);
        self
    }

    /// Adds what only the caller can measure: the most memory held.
    #[must_use]
    pub fn with_peak_memory_bytes(mut self, bytes: u64) -> Self {
        self.report.peak_memory_bytes = Some(bytes);
        self
    }
}
