//! How well session models answer, by both protocols.

use std::fmt;
use std::time::Instant;

use recommender_core::evaluation::Interval;
use recommender_core::pipeline::ModelConfig;
use recommender_core::{
    Error, FitOptions, ItemIx, PipelineConfig, Query, Ranked, Recommender, Result,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::output::failed;
use crate::sessions::{Case, Visits};

/// What may be answered after a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Every item.
    AllAllowed,
    /// All but the item at hand.
    CurrentExcluded,
    /// Only what the visit has not shown yet.
    SeenExcluded,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AllAllowed, Self::CurrentExcluded, Self::SeenExcluded];

    fn query(self, case: &Case, limit: usize) -> Query {
        let mut query = case.query(limit);
        match self {
            Self::AllAllowed => query,
            Self::CurrentExcluded => {
                query.exclusions.extend(case.visit.last().copied());
                query
            }
            Self::SeenExcluded => query.excluding_seen(),
        }
    }
}

/// A mean over all cases, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// The interval, by bootstrap.
    pub interval: Option<Interval>,
}

impl Mean {
    fn of(values: &[f64]) -> Self {
        Self {
            mean: values.iter().sum::<f64>() / values.len().max(1) as f64,
            interval: Interval::of_mean(values, 1),
        }
    }
}

impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4}", self.mean)?;
        match self.interval {
            None => Ok(()),
            Some(Interval { low, high }) => write!(f, " [{low:.4}, {high:.4}]"),
        }
    }
}

/// What a model reaches under a protocol.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reached {
    /// What may be answered.
    pub protocol: Protocol,
    /// The share of cases whose next item stands in the list.
    pub hit_rate: Mean,
    /// The mean of one over its place, zero where it does not.
    pub mrr: Mean,
    /// Per case: one over the place of its next item, or zero.
    #[serde(skip)]
    pub by_case: Vec<f64>,
}

/// A model's line in the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// As it was called.
    pub model: String,
    /// Seconds to fit it.
    pub fit_seconds: f64,
    /// Answers in a second, over all protocols.
    pub answers_per_second: f64,
    /// What it reaches.
    pub reached: Vec<Reached>,
}

/// Fits the model called `name[:setting=value,…]` or `pipeline:FILE` and answers all cases.
///
/// # Errors
/// [`Error::Config`] for a model or setting that is unknown, else as the fit.
pub fn judge(call: &str, visits: &Visits, limit: usize) -> Result<Line> {
    let started = Instant::now();
    let model = fitted(call, visits)?;
    let fit_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let reached = Protocol::ALL
        .into_iter()
        .map(|protocol| reach(&*model, visits, (protocol, limit)))
        .collect::<Result<Vec<_>>>()?;
    let answers = (visits.cases.len() * Protocol::ALL.len()) as f64;
    Ok(Line {
        model: call.into(),
        fit_seconds,
        answers_per_second: answers / started.elapsed().as_secs_f64(),
        reached,
    })
}

fn fitted(call: &str, visits: &Visits) -> Result<Box<dyn Recommender>> {
    let options = FitOptions::default();
    let (name, settings) = call.split_once(':').unwrap_or((call, ""));
    if name == "pipeline" {
        let text = std::fs::read_to_string(settings).map_err(|error| failed(settings, &error))?;
        let config = PipelineConfig::from_toml(&text)?;
        return Ok(Box::new(config.fit(&visits.train, &options)?));
    }
    let mut object = Map::new();
    for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(Error::config(call, "setting=value", setting));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.into()));
        object.insert(key.into(), value);
    }
    let model = ModelConfig::from_settings(name, object)?.fit(&visits.train, &options)?;
    Ok(model)
}

fn reach(
    model: &dyn Recommender,
    visits: &Visits,
    (protocol, limit): (Protocol, usize),
) -> Result<Reached> {
    let mut by_case = Vec::with_capacity(visits.cases.len());
    for cases in visits.cases.chunks(4096) {
        let queries: Vec<Query> = cases.iter().map(|it| protocol.query(it, limit)).collect();
        let answers = model.recommend_batch(&queries)?;
        let gains = answers.iter().zip(cases);
        by_case.extend(gains.map(|(ranked, case)| gain(ranked, case.next)));
    }
    let hits: Vec<f64> = by_case
        .iter()
        .map(|gain| f64::from(u8::from(*gain > 0.0)))
        .collect();
    Ok(Reached {
        protocol,
        hit_rate: Mean::of(&hits),
        mrr: Mean::of(&by_case),
        by_case,
    })
}

/// One over the place of `next`, or zero.
fn gain(ranked: &Ranked, next: ItemIx) -> f64 {
    let place = ranked.items().position(|item| item == next);
    place.map_or(0.0, |place| 1.0 / (place as f64 + 1.0))
}

/// The mean gain of `line` over `other` in reciprocal rank, paired by case.
#[must_use]
pub fn gain_over(line: &Reached, other: &Reached) -> Mean {
    let pairs = line.by_case.iter().zip(&other.by_case);
    Mean::of(&pairs.map(|(a, b)| a - b).collect::<Vec<_>>())
}
