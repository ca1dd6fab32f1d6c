//! Asks a recommender the questions of a split and judges its answers.

use std::fmt;
use std::sync::Arc;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evaluation::bootstrap::Bootstrap;
use crate::evaluation::cases::TestCases;
use crate::evaluation::judging::Ties;
use crate::evaluation::metrics::MetricList;
use crate::evaluation::outcome::Evaluation;
use crate::evaluation::report::{Difference, difference};
use crate::evaluation::run::Run;
use crate::evaluation::slices::Slice;
use crate::recommender::{FitOptions, Recommender};

/// Seconds since any fixed moment.
type Clock = Arc<dyn Fn() -> f64 + Send + Sync>;

/// How recommenders are measured: which metrics, with how many resamples, on which parts.
///
/// Answers are rankings of the whole catalogue. Items of equal scores are taken in the worst order for the recommender
/// unless asked otherwise, with the mean of the order served beside it; a short list counts as misses at its end, and a score that is not a number is an error. Queries are made and
/// answered a thousand at a time, so memory grows by 8 bytes a query and metric and not with the lists.
/// The same questions, recommender and seed give the same figures at any thread count.
///
/// | setting | default |
/// |---|---|
/// | [`Evaluator::with_options`]: seed, threads, progress, cancel | [`FitOptions::default`] |
/// | [`Evaluator::with_resamples`] | 1,000 |
/// | [`Evaluator::with_slices`] | [`Slice::standard`] |
/// | [`Evaluator::with_ties`] | [`Ties::Worst`] |
/// | [`Evaluator::with_clock`] | none: no times are reported |
#[derive(Clone)]
pub struct Evaluator {
    pub(super) metrics: MetricList,
    pub(super) slices: Vec<Slice>,
    pub(super) options: FitOptions,
    pub(super) clock: Option<Clock>,
    pub(super) ties: Ties,
    resamples: usize,
}

impl fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluator")
            .field("metrics", &self.metrics.to_string())
            .field("slices", &self.slices)
            .field("options", &self.options)
            .field("ties", &self.ties)
            .field("resamples", &self.resamples)
            .finish_non_exhaustive()
    }
}

impl Evaluator {
    /// Measures `metrics`; each query asks for as many items as the longest cut-off.
    #[must_use]
    pub fn new(metrics: MetricList) -> Self {
        Self {
            metrics,
            slices: Slice::standard(),
            options: FitOptions::default(),
            clock: None,
            ties: Ties::default(),
            resamples: 1000,
        }
    }

    /// Runs with this seed (of the bootstrap), number of threads, progress and cancellation.
    #[must_use]
    pub fn with_options(mut self, options: FitOptions) -> Self {
        self.options = options;
        self
    }

    /// Takes this many bootstrap resamples; with none there are no intervals.
    #[must_use]
    pub fn with_resamples(mut self, resamples: usize) -> Self {
        self.resamples = resamples;
        self
    }

    /// Reports these parts of the queries as well.
    #[must_use]
    pub fn with_slices(mut self, slices: Vec<Slice>) -> Self {
        self.slices = slices;
        self
    }

    /// Judges items of equal scores in this order.
    #[must_use]
    pub fn with_ties(mut self, ties: Ties) -> Self {
        self.ties = ties;
        self
    }

    /// Measures answers per second and the time of single requests by this clock, which gives seconds since any fixed moment:
    /// `let start = Instant::now(); evaluator.with_clock(move || start.elapsed().as_secs_f64())`.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Measures `recommender`, to be called `name`, by `cases` of `dataset`, which holds what it learned from.
    ///
    /// # Errors
    /// What the recommender or a query gives, [`Error::Internal`] if an answer breaks the promises of
    /// [`Recommender`], [`Error::Cancelled`] if the options say so.
    pub fn evaluate(
        &self,
        name: &str,
        recommender: &dyn Recommender,
        dataset: &Dataset,
        cases: &TestCases,
    ) -> Result<Evaluation> {
        let measured = self.options.run(|| {
            let run = Run::new(self, recommender, dataset, cases);
            run.evaluation(name)
        });
        measured.map_err(|error| {
            if let Error::Internal(reason) = error {
                return Error::Internal(format!("{name}: {reason}"));
            }
            error
        })
    }

    /// `model` minus `baseline` on the same queries, for every metric per query, with a 95 % interval.
    ///
    /// # Errors
    /// [`Error::Data`] if they were not asked the same questions.
    pub fn compare(&self, model: &Evaluation, baseline: &Evaluation) -> Result<Vec<Difference>> {
        if model.cases_digest != baseline.cases_digest {
            return Err(Error::data(
                "paired comparison",
                format!(
                    "{} and {} were not asked the same questions",
                    model.report.name, baseline.report.name
                ),
            ));
        }
        self.options
            .run(|| Ok(difference(self.bootstrap(), model, baseline)))
    }

    pub(super) fn bootstrap(&self) -> Bootstrap {
        Bootstrap {
            seed: self.options.seed,
            resamples: self.resamples,
        }
    }
}
