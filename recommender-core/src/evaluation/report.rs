//! Several evaluations side by side: the JSON and the table of the command line.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::evaluation::bootstrap::{Bootstrap, Sample};
use crate::evaluation::cases::{CaseCounts, TestCases};
use crate::evaluation::evaluator::Evaluator;
use crate::evaluation::outcome::{Evaluation, ModelReport};
use crate::evaluation::split::Split;
use crate::time::Timestamp;

/// How the events were split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitReport {
    /// As [`Split::kind`].
    pub kind: String,
    /// As [`Split::digest`].
    pub sha256: String,
    /// The moment of a split by global time, in milliseconds since 1970.
    pub time: Option<Timestamp>,
    /// Events learned from.
    pub train_events: u64,
    /// Events that are the history of held-out users.
    pub fold_in_events: u64,
    /// Events asked about.
    pub test_events: u64,
}

/// A model's figure minus the baseline's on the same queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The model.
    pub model: String,
    /// What it is compared with.
    pub baseline: String,
    /// The metric with its cut-off.
    pub metric: String,
    /// Mean difference over the queries both cover.
    pub mean: f64,
    /// Lower end of the 95 % interval; none without resamples.
    pub low: Option<f64>,
    /// Upper end of the 95 % interval.
    pub high: Option<f64>,
    /// Whether the interval excludes zero.
    pub significant: bool,
    /// Queries both cover.
    pub queries: u64,
}

/// The paired differences of all metrics per query.
pub(super) fn difference(
    bootstrap: Bootstrap,
    model: &Evaluation,
    baseline: &Evaluation,
) -> Vec<Difference> {
    let clusters = &model.clusters;
    let shared = model.per_query.iter().filter_map(|(name, values)| {
        let pairs = values.iter().zip(baseline.per_query.get(name)?);
        let gaps = pairs.map(|(value, base)| value - base);
        Some((name, Sample::of(clusters.iter().copied().zip(gaps))))
    });
    let (names, gaps): (Vec<&String>, Vec<Sample>) = shared.unzip();
    let intervals = bootstrap.intervals(&gaps);
    let named = names.into_iter().zip(&gaps).zip(intervals);
    named
        .filter_map(|((metric, gaps), interval)| {
            Some(Difference {
                model: model.report.name.clone(),
                baseline: baseline.report.name.clone(),
                metric: metric.clone(),
                mean: gaps.mean()?,
                low: interval.map(|interval| interval.low),
                high: interval.map(|interval| interval.high),
                significant: interval.is_some_and(|interval| interval.excludes_zero()),
                queries: gaps.values() as u64,
            })
        })
        .collect()
}

/// All that an evaluation says. Serialises to the JSON of `recommender evaluate`; displays as its table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// One entry for each recommender, in the order given.
    pub models: Vec<ModelReport>,
    /// Every further recommender against the first, metric by metric.
    pub differences: Vec<Difference>,
    /// How the events were split.
    pub split: SplitReport,
    /// Who was asked and who was not.
    pub cases: CaseCounts,
    /// The seed of the bootstrap.
    pub seed: u64,
}

impl Report {
    /// The report of `evaluations`, all by `evaluator` on `cases` of `split`; the first is the baseline of the
    /// paired differences.
    ///
    /// # Errors
    /// [`crate::Error::Data`] if they were not asked the same questions.
    pub fn new(
        evaluator: &Evaluator,
        split: &Split,
        cases: &TestCases,
        evaluations: &[Evaluation],
    ) -> Result<Self> {
        let mut differences = Vec::new();
        if let Some((baseline, others)) = evaluations.split_first() {
            for model in others {
                differences.extend(evaluator.compare(model, baseline)?);
            }
        }
        let models = evaluations.iter().map(|it| it.report.clone()).collect();
        Ok(Self {
            models,
            differences,
            split: SplitReport {
                kind: split.kind().into(),
                sha256: split.digest(),
                time: split.time(),
                train_events: split.train().len() as u64,
                fold_in_events: split.fold_in().len() as u64,
                test_events: split.test().len() as u64,
            },
            cases: cases.counts().clone(),
            seed: evaluator.bootstrap().seed,
        })
    }

    /// This report with the models of `other` behind its own: the same questions under another protocol, such as whether
    /// the current item may be recommended. Differences stay within a protocol.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.models.extend(other.models);
        self.differences.extend(other.differences);
        self
    }
}
