//! What a search found.

use crate::error::{Error, Result};
use crate::interactions::InteractionConfig;
use crate::models::PopularityConfig;
use crate::pipeline::blend::BlendConfig;
use crate::pipeline::{ModelConfig, PipelineConfig, SourceConfig};
use crate::tuning::log::TrialRecord;
use crate::tuning::space::ModelSpace;
use crate::tuning::study::Study;

/// Why a model's search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// All trials were made.
    Trials,
    /// The time was over.
    Time,
    /// Too many trials in a row brought nothing better.
    Patience,
    /// There was nothing left to try.
    UsedUp,
}

/// The best of one model, with its trials.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelResult {
    /// The name of its space.
    pub name: String,
    /// Every trial, in order.
    pub records: Vec<TrialRecord>,
    /// Why the search ended.
    pub stop: Stop,
    /// The best; none if no trial gave a figure.
    pub best: Option<BestTrial>,
}

/// The trial with the highest score, the earlier one of equals.
#[derive(Debug, Clone, PartialEq)]
pub struct BestTrial {
    /// The trial.
    pub record: TrialRecord,
    /// Its score.
    pub score: f64,
    /// How it weighs events.
    pub interactions: InteractionConfig,
    /// The model with its settings.
    pub model: ModelConfig,
}

impl ModelResult {
    pub(super) fn new(
        study: &Study,
        space: &ModelSpace,
        records: Vec<TrialRecord>,
        stop: Stop,
    ) -> Result<Self> {
        let best = Self::best_of(&records).cloned();
        let best = best.and_then(|record| Some((record.score?, record)));
        let configured = |(score, record): (f64, TrialRecord)| {
            let (interactions, model) =
                space.configs(&study.data().interactions, &record.settings)?;
            Ok::<_, Error>(BestTrial {
                record,
                score,
                interactions,
                model,
            })
        };
        Ok(Self {
            name: space.name().into(),
            best: best.map(configured).transpose()?,
            records,
            stop,
        })
    }

    /// The record with the highest score, the earlier one of equals.
    pub(super) fn best_of(records: &[TrialRecord]) -> Option<&TrialRecord> {
        let mut best: Option<&TrialRecord> = None;
        for record in records.iter().filter(|it| it.score.is_some()) {
            if best.is_none_or(|best| record.score > best.score) {
                best = Some(record);
            }
        }
        best
    }

    /// Trials that gave no figure.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.records.iter().filter(|it| it.score.is_none()).count()
    }

    /// Why the last trial that gave no figure did not.
    #[must_use]
    pub fn last_failure(&self) -> Option<&str> {
        self.records
            .iter()
            .rev()
            .find_map(|it| it.failure.as_deref())
    }

    /// Seconds of all trials.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.records.iter().map(|it| it.seconds).sum()
    }
}

/// The best of every model.
#[derive(Debug, Clone, PartialEq)]
pub struct TuningReport {
    /// The metric with its cut-off.
    pub metric: String,
    /// One for each space, in their order.
    pub models: Vec<ModelResult>,
}

impl TuningReport {
    pub(super) fn new(study: &Study, models: Vec<ModelResult>) -> Result<Self> {
        if models.iter().all(|it| it.best.is_none()) {
            let reason = |it: &ModelResult| {
                let why = it.last_failure().unwrap_or("no trial ended in time");
                format!("{} ({} trials): {why}", it.name, it.records.len())
            };
            let reasons: Vec<String> = models.iter().map(reason).collect();
            let reasons = format!("no trial gave a figure; {}", reasons.join("; "));
            return Err(Error::data("tuning", reasons));
        }
        Ok(Self {
            metric: study.metric(),
            models,
        })
    }

    /// The best of all, the earlier model of equals, with its name.
    #[must_use]
    pub fn best(&self) -> (&str, &BestTrial) {
        let found = self
            .models
            .iter()
            .filter_map(|it| Some((&*it.name, it.best.as_ref()?)));
        let better =
            |a: (&'_ str, &'_ BestTrial), b: (&'_ str, &'_ BestTrial)| a.1.score >= b.1.score;
        found
            .reduce(|a, b| if better(a, b) { a } else { b })
            .expect("a report has at least one best trial")
    }

    /// The best model as a pipeline, with popularity behind it for shoppers it knows nothing of.
    #[must_use]
    pub fn pipeline(&self) -> PipelineConfig {
        let (name, best) = self.best();
        let source = SourceConfig {
            name: (name != best.model.name()).then(|| name.to_owned()),
            weight: 1.0,
            model: best.model.clone(),
        };
        let popular = matches!(best.model, ModelConfig::Popularity(_));
        PipelineConfig {
            interactions: best.interactions.clone(),
            // Keeps ties of the model as ties.
            blend: BlendConfig::weighted(),
            fallback: (!popular).then(|| self.fallback(&[name])),
            ..PipelineConfig::of_sources(vec![source])
        }
    }

    /// What answers for those that no source knows: the best popularity of the search, or its default.
    pub(super) fn fallback(&self, taken: &[&str]) -> SourceConfig {
        let tuned = self.models.iter().filter_map(|it| it.best.as_ref());
        let popular = tuned
            .map(|best| &best.model)
            .find(|model| matches!(model, ModelConfig::Popularity(_)));
        let default = || ModelConfig::Popularity(PopularityConfig::default());
        let names = ["popularity", "fallback", "all_else"];
        let free = names.iter().find(|name| !taken.contains(*name));
        let name = free.copied().unwrap_or("behind_all");
        SourceConfig {
            name: Some(name.into()),
            weight: 1.0,
            model: popular.cloned().unwrap_or_else(default),
        }
    }
}
