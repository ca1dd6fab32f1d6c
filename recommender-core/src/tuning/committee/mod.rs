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
use crate::pipeline::PipelineConfig;
use crate::recommender::FitOptions;
use crate::tuning::committee::choice::Choice;
use crate::tuning::committee::members::Asked;
use crate::tuning::committee::questions::Judge;
use crate::tuning::report::TuningReport;
use crate::tuning::study::Study;

/// A committee with what cross-validation says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Committee {
    /// The committee as a recipe, with popularity behind it.
    pub pipeline: PipelineConfig,
    /// The mean of the metric over the questions, each answered with weights learned from others.
    pub score: f64,
    /// What each member that was asked reaches alone, by its name.
    pub alone: Vec<(String, f64)>,
    /// The member that is best alone, by its place.
    pub best_alone: usize,
    /// The 95 % interval of the committee minus the best member alone, paired by question.
    pub gain: Option<Interval>,
    /// The ways of blending that were tried, with their cross-validated metric, best first.
    pub tried: Vec<(String, f64)>,
}

impl Committee {
    /// The committee of the best trial of each model in `report`. All weigh events as the best model of all does, since
    /// a pipeline has one history for everybody.
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
            let weighed = study.weighed(&report.best().1.interactions)?;
            let facts = TrainingFacts::new(&weighed.dataset);
            let judge = Judge::new(study.metric_at(), &facts)?;
            let asked = Asked::of(judge, &weighed, report, &inner)?;
            let choice = Choice::make(&asked, &inner)?;
            let pipeline = choice.recipe(&asked, report);
            pipeline.validate()?;
            let gaps = choice.gaps(&asked);
            Ok(Self {
                pipeline,
                score: choice.score(),
                alone: asked.alone(),
                best_alone: asked.best_alone(),
                gain: Interval::of_mean(&gaps, inner.seed),
                tried: choice.into_tried(),
            })
        })
    }
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
