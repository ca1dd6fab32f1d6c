//! A committee: the best of each model in one blend, with weights learned on the validation part.
//!
//! The members are fitted to the training part and asked the validation questions through the code that serves. For each
//! way of blending, weights are learned by logistic regression on the differences between right and wrong answers
//! (Burges et al., *Learning to rank using gradient descent*, ICML 2005, with a linear scorer; `linfa-logistic` does the
//! fit), and carried on from there by coordinate ascent on the metric itself (Metzler & Croft, *Linear feature-based
//! models for information retrieval*, Information Retrieval 2007, §4). Whether the ascent stays, which way of blending is
//! taken, and whether shoppers with short histories get weights of their own is decided by cross-validation over the
//! questions: weights from four fifths, the metric on the fifth. A member without a positive weight is dropped.

mod choice;
mod learner;
mod members;
mod questions;

use crate::error::{Error, Result};
use crate::evaluation::Interval;
use crate::evaluation::metrics::TrainingFacts;
use crate::interactions::InteractionConfig;
use crate::pipeline::PipelineConfig;
use crate::recommender::FitOptions;
use crate::tuning::committee::choice::Choice;
use crate::tuning::committee::members::Asked;
use crate::tuning::committee::questions::Judge;
use crate::tuning::report::{BestTrial, TuningReport};
use crate::tuning::study::Study;

/// Ways of weighing events that are tried, at most.
const MOST_WEIGHINGS: usize = 4;

/// A committee with what cross-validation says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Committee {
    /// The committee as a recipe, with popularity behind it.
    pub pipeline: PipelineConfig,
    /// The mean of the metric over the questions, each answered with weights learned from others.
    pub score: f64,
    /// What each member reaches alone, by its name, where events weigh as they do for the committee.
    pub alone: Vec<(String, f64)>,
    /// The best model of the search, by its name.
    pub best_single: String,
    /// What it reaches alone on the same questions, where events weigh as its best trial has them.
    pub best_single_score: f64,
    /// The 95 % interval of the committee minus the best model alone, paired by question.
    pub gain: Option<Interval>,
    /// The way of blending, in words.
    pub way: String,
    /// The ways of blending that were tried, with their cross-validated metric, best first.
    pub tried: Vec<(String, f64)>,
}

impl Committee {
    /// The committee of the best trial of each model in `report`. A pipeline has one history for everybody, so its members
    /// share one way of weighing events: of those of the best trials, from the best on, the one with the best committee.
    ///
    /// # Errors
    /// [`Error::Data`] if fewer than two members can be fitted, or none proposes anything right; [`Error::Cancelled`] if
    /// the options say so.
    pub fn learn(study: &Study, report: &TuningReport, options: &FitOptions) -> Result<Self> {
        let inner = FitOptions {
            threads: None,
            ..options.clone()
        };
        options.run(|| {
            let mut single: Option<Vec<f64>> = None;
            let mut best: Option<Self> = None;
            for interactions in weighings(report) {
                let weighed = study.weighed(&interactions)?;
                let facts = TrainingFacts::new(&weighed.dataset);
                let judge = Judge::new(study.metric_at(), &facts)?;
                let asked = Asked::of(judge, &weighed, report, &inner)?;
                // The first weighing is that of the best model.
                let single = single.get_or_insert_with(|| asked.values_of(report.best().0));
                let found = Self::under(&asked, report, (single, &inner))?;
                if best.as_ref().is_none_or(|best| found.score > best.score) {
                    best = Some(found);
                }
            }
            best.ok_or_else(|| Error::Internal("no way of weighing events was tried".into()))
        })
    }

    fn under(
        asked: &Asked<'_>,
        report: &TuningReport,
        (single, options): (&[f64], &FitOptions),
    ) -> Result<Self> {
        let choice = Choice::make(asked, options)?;
        let pipeline = choice.recipe(asked, report);
        pipeline.validate()?;
        Ok(Self {
            pipeline,
            score: choice.score(),
            alone: asked.alone(),
            best_single: report.best().0.to_owned(),
            best_single_score: mean(single),
            gain: Interval::of_mean(&choice.gaps(single), options.seed),
            way: choice.way(),
            tried: choice.into_tried(),
        })
    }
}

/// How the best trials weigh events, from the best model on, each way once.
fn weighings(report: &TuningReport) -> Vec<InteractionConfig> {
    let mut trials: Vec<&BestTrial> = report
        .models
        .iter()
        .filter_map(|it| it.best.as_ref())
        .collect();
    trials.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut weighings: Vec<InteractionConfig> = Vec::new();
    for trial in trials {
        if !weighings.contains(&trial.interactions) {
            weighings.push(trial.interactions.clone());
        }
    }
    weighings.truncate(MOST_WEIGHINGS);
    weighings
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Refuses a committee of fewer than two.
fn check_size(members: usize, reasons: &[String]) -> Result<()> {
    if members >= 2 {
        return Ok(());
    }
    let reason = format!(
        "expected at least two members that can be fitted, found {members}; {}",
        reasons.join("; ")
    );
    Err(Error::data("committee", reason))
}

#[cfg(test)]
mod tests;
