//! How a candidate stands beside the version in service, on the latest window of events.

use std::sync::Arc;

use recommender_core::evaluation::{
    CaseOptions, Difference, Evaluator, MetricList, Split, Splitter, TestCases,
};
use recommender_core::pipeline::PipelineConfig;
use recommender_core::{Dataset, Error, FitOptions, Product, Result};

use crate::training::document::{Comparison, Figure, Promotion};
use crate::training::evaluation::figures;

/// What is judged, and by what.
#[derive(Debug)]
pub(super) struct Judgement<'a> {
    /// Every event, as the candidate weighs them.
    pub(super) dataset: &'a Dataset,
    /// The products.
    pub(super) products: Vec<Product>,
    /// The recipe of the candidate.
    pub(super) candidate: &'a PipelineConfig,
    /// The recipe of the version in service, with its number.
    pub(super) incumbent: Option<(u64, PipelineConfig)>,
    /// The figures.
    pub(super) metrics: MetricList,
    /// Share of the events that are the window.
    pub(super) window_share: f64,
    /// How it is run.
    pub(super) options: FitOptions,
}

impl Judgement<'_> {
    /// Fits both recipes to what was before the window and asks both what came in it. The version in service is not
    /// asked itself: it may have learned from the window, and would then only repeat what it knows.
    ///
    /// None if the events leave nobody to ask.
    ///
    /// # Errors
    /// As the fits; [`Error::Cancelled`].
    pub(super) fn compare(self) -> Result<Option<Comparison>> {
        let Some((split, train)) = self.before_window()? else {
            return Ok(None);
        };
        let cases = match TestCases::new(&train, &split, CaseOptions::default()) {
            Err(Error::Data { .. }) => return Ok(None),
            cases => cases?,
        };
        let evaluator = Evaluator::new(self.metrics.clone())
            .with_slices(Vec::new())
            .with_options(self.options.clone());
        let judge = |name: &str, config: &PipelineConfig, train: &Dataset| {
            let model = config.fit(train, &self.options)?;
            evaluator.evaluate(name, &model, train, &cases)
        };
        let candidate = judge("candidate", self.candidate, &train)?;
        let incumbent = match &self.incumbent {
            None => None,
            Some((_, config)) if config == self.candidate => Some(candidate.clone()),
            Some((_, config)) => {
                let weighed = train.weighed_by(config.interactions.clone())?;
                Some(judge("incumbent", config, &weighed)?)
            }
        };
        let difference = match &incumbent {
            Some(incumbent) => evaluator.compare(&candidate, incumbent)?,
            None => Vec::new(),
        };
        Ok(Some(Comparison {
            window_start: split.time(),
            queries: cases.counts().queries,
            candidate: figures(&candidate.report().metrics),
            incumbent: incumbent
                .as_ref()
                .map(|it| figures(&it.report().metrics))
                .unwrap_or_default(),
            difference: difference.into_iter().map(Figure::from).collect(),
            incumbent_version: self.incumbent.map(|(number, _)| number),
        }))
    }

    /// The split at the beginning of the window, and what was before it; none if there are not two parts.
    fn before_window(&self) -> Result<Option<(Split, Dataset)>> {
        let splitter = Splitter::TimeShare {
            train: 1.0 - self.window_share,
        };
        let table = self.dataset.table();
        let split = match splitter.split(table, 0) {
            Err(Error::Data { .. }) => return Ok(None),
            split => split?,
        };
        let rows = split.train().to_vec();
        let interactions = self.candidate.interactions.clone();
        let products = self.products.clone();
        let train = Dataset::of_rows(Arc::clone(table), rows, products, interactions)?;
        Ok(Some((split, train)))
    }
}

impl From<Difference> for Figure {
    fn from(difference: Difference) -> Self {
        Self {
            metric: difference.metric,
            mean: difference.mean,
            low: difference.low,
            high: difference.high,
            queries: difference.queries,
        }
    }
}

/// Whether a version takes the place of the one in service, and why, in words.
pub(super) fn verdict(
    promotion: &Promotion,
    comparison: Option<&Comparison>,
    serving: Option<u64>,
) -> (bool, String) {
    let (metric, tolerance) = match promotion {
        Promotion::Always => return (true, "promoted: the policy says always".into()),
        Promotion::Manual => return (false, "held back: the policy says by hand".into()),
        Promotion::NotWorse { metric, tolerance } => (metric, *tolerance),
    };
    let Some(serving) = serving else {
        return (true, "promoted: no version was in service".into());
    };
    let differences = comparison.map(|comparison| &*comparison.difference);
    let mut differences = differences.unwrap_or_default().iter();
    let Some(difference) = differences.find(|difference| difference.metric == *metric) else {
        let reason = "held back: the latest window leaves nobody to ask";
        return (false, reason.into());
    };
    let mean = difference.mean;
    let promoted = mean >= -tolerance;
    let word = if promoted { "promoted" } else { "held back" };
    let reason = format!("{word}: {} beside version {serving}", told(difference));
    (promoted, reason)
}

/// A difference in words.
pub(super) fn told(difference: &Figure) -> String {
    let interval = match (difference.low, difference.high) {
        (Some(low), Some(high)) => format!(" (95 %: {low:+.4} to {high:+.4})"),
        _ => String::new(),
    };
    format!("{} {:+.4}{interval}", difference.metric, difference.mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(mean: f64) -> Comparison {
        Comparison {
            window_start: None,
            queries: 10,
            candidate: Vec::new(),
            incumbent: Vec::new(),
            difference: vec![Figure {
                metric: "ndcg@20".into(),
                mean,
                low: Some(mean - 0.01),
                high: Some(mean + 0.01),
                queries: 10,
            }],
            incumbent_version: Some(1),
        }
    }

    #[test]
    fn a_version_is_promoted_as_its_policy_says() {
        let not_worse = |tolerance| Promotion::NotWorse {
            metric: "ndcg@20".into(),
            tolerance,
        };
        for (promotion, mean, promoted) in [
            (Promotion::Always, -1.0, true),
            (Promotion::Manual, 1.0, false),
            (not_worse(0.0), 0.0, true),
            (not_worse(0.0), -0.001, false),
            (not_worse(0.01), -0.01, true),
            (not_worse(0.01), -0.011, false),
        ] {
            let comparison = comparison(mean);
            let (said, reason) = verdict(&promotion, Some(&comparison), Some(1));
            assert_eq!(said, promoted, "{promotion:?} {mean}: {reason}");
        }
    }

    #[test]
    fn the_first_version_is_promoted_and_one_that_nobody_could_judge_is_not() {
        let promotion = Promotion::default();
        assert!(verdict(&promotion, None, None).0);
        assert!(!verdict(&promotion, None, Some(1)).0);
        let (_, reason) = verdict(&promotion, Some(&comparison(-0.25)), Some(7));
        let expected = "held back: ndcg@20 -0.2500 (95 %: -0.2600 to -0.2400) beside version 7";
        assert_eq!(reason, expected);
    }
}
