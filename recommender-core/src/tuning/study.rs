//! The data a search is about, and what one trial does with it.

use std::sync::Arc;

use crate::catalog::Product;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evaluation::metrics::MetricAt;
use crate::evaluation::{
    Evaluation, Evaluator, MetricList, MetricReport, Questions, Split, TestCases,
};
use crate::events::EventTable;
use crate::interactions::InteractionConfig;
use crate::pipeline::ModelConfig;
use crate::recommender::{FitOptions, Recommender};
use crate::tuning::log::LogSubject;
use crate::tuning::space::DataFacts;
use crate::tuning::tuner::Clock;

/// The events, how a part of them was set aside to choose by, and what is asked.
#[derive(Debug, Clone)]
pub struct StudyData {
    /// All events.
    pub table: Arc<EventTable>,
    /// What is learned from and what is asked about; no other row of the table is looked at.
    pub split: Split,
    /// The products, as known at the split's moment.
    pub products: Vec<Product>,
    /// What is asked, and what counts as right.
    pub cases: Questions,
    /// How events are weighed where a trial says nothing.
    pub interactions: InteractionConfig,
}

/// Metrics that are the better the higher.
const OBJECTIVES: [&str; 11] = [
    "ndcg",
    "ndcg_full_ideal",
    "recall",
    "recall_capped",
    "precision",
    "map",
    "mrr",
    "hit_rate",
    "hit_rate_next",
    "mrr_next",
    "recall_events",
];

/// The questions every trial of a search is judged by.
#[derive(Debug)]
pub struct Study {
    data: StudyData,
    metric: MetricList,
    base: Arc<Weighed>,
}

/// The training part as one configuration weighs it, with its questions.
#[derive(Debug, Clone)]
pub struct Weighed {
    /// What is learned from.
    pub dataset: Dataset,
    /// What is asked.
    pub cases: TestCases,
}

/// What one trial gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The metric, with its interval.
    pub metric: MetricReport,
    /// Seconds the fit took.
    pub fit_seconds: f64,
}

impl Study {
    /// A study of `data` by `metric`, such as `ndcg@20`.
    ///
    /// # Errors
    /// [`Error::Config`] if there is no such metric or less of it is better; [`Error::Data`] if nobody is left to ask.
    pub fn new(data: StudyData, metric: &str) -> Result<Self> {
        let metric = Self::objective(metric)?;
        let dataset = Dataset::of_rows(
            Arc::clone(&data.table),
            data.split.train().to_vec(),
            data.products.clone(),
            data.interactions.clone(),
        )?;
        let cases = TestCases::of(&dataset, &data.split, &data.cases)?;
        let base = Arc::new(Weighed { dataset, cases });
        Ok(Self { data, metric, base })
    }

    /// The metric of these words, such as `ndcg@20`, if settings can be chosen by it.
    ///
    /// # Errors
    /// [`Error::Config`] if there is no such metric or less of it is better.
    pub fn objective(words: &str) -> Result<MetricList> {
        let metric: MetricList = words.parse()?;
        let name = metric.to_string();
        let plain = name.split('@').next().unwrap_or_default();
        if metric.as_slice().len() != 1 || !OBJECTIVES.contains(&plain) {
            let expected = format!("one of {}, with a cut-off", OBJECTIVES.join(", "));
            return Err(Error::config("metric", expected, format!("\"{name}\"")));
        }
        Ok(metric)
    }

    /// The metric with its cut-off.
    #[must_use]
    pub fn metric(&self) -> String {
        self.metric.to_string()
    }

    /// The one metric.
    pub(super) fn metric_at(&self) -> &MetricAt {
        &self.metric.as_slice()[0]
    }

    /// The data.
    #[must_use]
    pub fn data(&self) -> &StudyData {
        &self.data
    }

    /// The questions.
    #[must_use]
    pub fn cases(&self) -> &TestCases {
        &self.base.cases
    }

    /// What a built-in space needs to know of the data.
    #[must_use]
    pub fn facts(&self) -> DataFacts {
        DataFacts::of(&self.base.dataset)
    }

    /// What a log says of this study.
    ///
    /// # Errors
    /// [`Error::Internal`] only.
    pub fn subject(&self) -> Result<LogSubject> {
        let interactions = serde_json::to_value(&self.data.interactions)
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(LogSubject {
            data: self.base.dataset.digest()?,
            questions: self.base.cases.digest().into(),
            split: self.data.split.kind().into(),
            interactions,
        })
    }

    /// The data and questions as `interactions` weighs them.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is wrong, or if other answers would be right than in the rest of the study.
    pub fn weighed(&self, interactions: &InteractionConfig) -> Result<Arc<Weighed>> {
        if *interactions == self.data.interactions {
            return Ok(Arc::clone(&self.base));
        }
        let dataset = self.base.dataset.weighed_by(interactions.clone())?;
        let cases = TestCases::of(&dataset, &self.data.split, &self.data.cases)?;
        if cases.digest() != self.base.cases.digest() {
            return Err(Error::config(
                "interactions",
                "weights that leave the same answers right, so that trials can be compared: above 0 where the others are",
                "weights that change what is asked",
            ));
        }
        Ok(Arc::new(Weighed { dataset, cases }))
    }

    /// Fits `model` to `weighed` and judges it.
    ///
    /// # Errors
    /// As [`ModelConfig::fit`] and [`Evaluator::evaluate`].
    pub fn judge(
        &self,
        model: &ModelConfig,
        weighed: &Weighed,
        (options, clock): (&FitOptions, &Clock),
    ) -> Result<Judged> {
        let start = clock();
        let fitted = model.fit(&weighed.dataset, options)?;
        let fit_seconds = clock() - start;
        let evaluation = self.evaluate(model.name(), &*fitted, weighed, options)?;
        let metric = evaluation.report().metrics.get(&self.metric.to_string());
        Ok(Judged {
            metric: metric.copied().unwrap_or_default(),
            fit_seconds,
        })
    }

    pub(super) fn evaluate(
        &self,
        name: &str,
        recommender: &dyn Recommender,
        weighed: &Weighed,
        options: &FitOptions,
    ) -> Result<Evaluation> {
        let evaluator = Evaluator::new(self.metric.clone())
            .with_options(options.clone())
            .with_slices(Vec::new());
        evaluator.evaluate(name, recommender, &weighed.dataset, &weighed.cases)
    }
}
