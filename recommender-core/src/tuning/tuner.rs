//! The search: trial after trial, within its budget.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::recommender::FitOptions;
use crate::tuning::log::{LogHeader, TrialRecord};
use crate::tuning::report::{ModelResult, Stop, TuningReport};
use crate::tuning::sampler::{Observation, Sampler};
use crate::tuning::space::{ModelSpace, Point};
use crate::tuning::study::{Judged, Study};

/// Seconds since any fixed moment.
pub type Clock = Arc<dyn Fn() -> f64 + Send + Sync>;

/// What one model may use. Every model gets the same.
///
/// | field | default | range |
/// |---|---|---|
/// | `trials` | 30 | ≥ 1 |
/// | `seconds` | none: no limit | > 0 |
/// | `patience` | none: all trials are made | ≥ 1 |
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Most trials, the first of which takes the defaults.
    pub trials: u64,
    /// Most seconds of all trials together. A trial that runs into the limit is broken off and not counted.
    pub seconds: Option<f64>,
    /// Stop after so many trials in a row that were no better than the best before them.
    pub patience: Option<u64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            trials: 30,
            seconds: None,
            patience: None,
        }
    }
}

impl Budget {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.trials == 0 {
            return Err(Error::config("trials", "at least 1", 0));
        }
        if let Some(seconds) = self.seconds
            && !(seconds.is_finite() && seconds > 0.0)
        {
            return Err(Error::config("seconds", "a finite number above 0", seconds));
        }
        if self.patience == Some(0) {
            return Err(Error::config("patience", "at least 1", 0));
        }
        Ok(())
    }
}

/// Searches the best settings of models.
///
/// The same study, spaces, sampler and seed give the same trials, in the same order, at any number of threads;
/// a limit of time only decides after how many of them the search stops.
#[derive(Clone)]
pub struct Tuner {
    budget: Budget,
    sampler: Sampler,
    options: FitOptions,
    clock: Clock,
}

impl fmt::Debug for Tuner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tuner")
            .field("budget", &self.budget)
            .field("sampler", &self.sampler)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// What became of one trial.
enum Outcome {
    Done(Judged),
    Failed(String),
    OutOfTime,
}

impl Tuner {
    /// A tuner that spends `budget` on each model, with the seed and threads of `options`, and takes time from `clock`,
    /// which gives seconds since any fixed moment.
    ///
    /// # Errors
    /// [`Error::Config`] if the budget is out of range.
    pub fn new(
        budget: Budget,
        sampler: Sampler,
        options: FitOptions,
        clock: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<Self> {
        budget.validate()?;
        Ok(Self {
            budget,
            sampler,
            options,
            clock: Arc::new(clock),
        })
    }

    /// What a log of this search begins with.
    ///
    /// # Errors
    /// [`Error::Internal`] only.
    pub fn header(&self, study: &Study, spaces: &[ModelSpace]) -> Result<LogHeader> {
        let chosen_by = (self.sampler, self.options.seed);
        Ok(LogHeader::new(
            study.subject()?,
            &study.metric(),
            chosen_by,
            spaces,
        ))
    }

    /// Searches each of `spaces`, going on after the trials `past` of a log, and hands every new trial to `record`.
    ///
    /// # Errors
    /// [`Error::Config`] if two spaces share a name; [`Error::Data`] if no trial of any model gave a figure, with the
    /// reasons; [`Error::Cancelled`] if the options say so; what `record` gives.
    pub fn run(
        &self,
        study: &Study,
        spaces: &[ModelSpace],
        past: &[TrialRecord],
        record: &mut dyn FnMut(&TrialRecord) -> Result<()>,
    ) -> Result<TuningReport> {
        for (place, space) in spaces.iter().enumerate() {
            if spaces[..place].iter().any(|it| it.name() == space.name()) {
                let found = format!("\"{}\" twice", space.name());
                return Err(Error::config("models", "each name once", found));
            }
        }
        let search = |space: &ModelSpace| {
            let of_model = past.iter().filter(|it| it.model == space.name());
            self.search(study, space, of_model.cloned().collect(), record)
        };
        let models = spaces.iter().map(search).collect::<Result<Vec<_>>>()?;
        TuningReport::new(study, models)
    }

    fn search(
        &self,
        study: &Study,
        space: &ModelSpace,
        mut records: Vec<TrialRecord>,
        record: &mut dyn FnMut(&TrialRecord) -> Result<()>,
    ) -> Result<ModelResult> {
        records.sort_by_key(|it| it.trial);
        let numbers = (0..).zip(&records);
        if let Some((expected, found)) = numbers.into_iter().find(|(place, it)| it.trial != *place)
        {
            let reason = format!("trial {} stands where {expected} should", found.trial);
            return Err(Error::data(format!("log of {}", space.name()), reason));
        }
        let stop = loop {
            if let Some(stop) = self.stop(&records) {
                break stop;
            }
            let Some(point) = self.next(study, space, &records)? else {
                break Stop::UsedUp;
            };
            let start = (self.clock)();
            let used: f64 = records.iter().map(|it| it.seconds).sum();
            let left = self.budget.seconds.map(|seconds| seconds - used);
            let outcome = self.try_out(study, space, &point, left)?;
            let seconds = (self.clock)() - start;
            let number = records.len() as u64;
            let Some(trial) = entry(space, number, (point, outcome), seconds) else {
                break Stop::Time;
            };
            record(&trial)?;
            records.push(trial);
        };
        ModelResult::new(study, space, records, stop)
    }

    /// Why no further trial is made.
    fn stop(&self, records: &[TrialRecord]) -> Option<Stop> {
        if records.len() as u64 >= self.budget.trials {
            return Some(Stop::Trials);
        }
        let used: f64 = records.iter().map(|it| it.seconds).sum();
        if self.budget.seconds.is_some_and(|seconds| used >= seconds) {
            return Some(Stop::Time);
        }
        let best = ModelResult::best_of(records)?;
        let since = records.len() as u64 - 1 - best.trial;
        let patience = self.budget.patience?;
        (since >= patience).then_some(Stop::Patience)
    }

    /// What to try after `records`; none if there is nothing else.
    fn next(
        &self,
        study: &Study,
        space: &ModelSpace,
        records: &[TrialRecord],
    ) -> Result<Option<Point>> {
        if records.is_empty() {
            return Ok(Some(Point::new()));
        }
        let defaults = space.default_point(&study.data().interactions)?;
        let observed = |it: &TrialRecord| Observation {
            point: match it.trial {
                0 => defaults.clone(),
                _ => it.settings.clone(),
            },
            score: it.score,
        };
        let before: Vec<Observation> = records.iter().map(observed).collect();
        Ok(self.sampler.suggest_new(space, &before, self.options.seed))
    }

    fn try_out(
        &self,
        study: &Study,
        space: &ModelSpace,
        point: &Point,
        left: Option<f64>,
    ) -> Result<Outcome> {
        let overdue = Arc::new(AtomicBool::new(false));
        let options = self.watched(&overdue, left);
        let judged = self.options.run(|| {
            let (interactions, model) = space.configs(&study.data().interactions, point)?;
            let weighed = study.weighed(&interactions)?;
            study.judge(&model, &weighed, (&options, &self.clock))
        });
        if self.options.cancel.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        Ok(match judged {
            Err(_) if overdue.load(Ordering::Relaxed) => Outcome::OutOfTime,
            Err(error) => Outcome::Failed(error.to_string()),
            Ok(judged) if judged.metric.mean.is_none() => {
                Outcome::Failed("the metric covers no query".into())
            }
            Ok(judged) => Outcome::Done(judged),
        })
    }

    /// Options that pass on progress and cancellation, and break off once `left` seconds are over.
    fn watched(&self, overdue: &Arc<AtomicBool>, left: Option<f64>) -> FitOptions {
        let stopped = Arc::new(AtomicBool::new(false));
        let (clock, start) = (Arc::clone(&self.clock), (self.clock)());
        let outer = self.options.clone();
        let (overdue, stop) = (Arc::clone(overdue), Arc::clone(&stopped));
        let progress = move |stage: &str, done: f64| {
            if left.is_some_and(|left| clock() - start > left) {
                overdue.store(true, Ordering::Relaxed);
            }
            let cancelled = outer.cancel.load(Ordering::Relaxed);
            if cancelled || overdue.load(Ordering::Relaxed) {
                stop.store(true, Ordering::Relaxed);
            }
            if let Some(progress) = &outer.progress {
                progress(stage, done);
            }
        };
        FitOptions {
            seed: self.options.seed,
            threads: None,
            progress: Some(Arc::new(progress)),
            cancel: stopped,
        }
    }
}

/// The record of a trial; none if it was broken off.
fn entry(
    space: &ModelSpace,
    number: u64,
    (settings, outcome): (Point, Outcome),
    seconds: f64,
) -> Option<TrialRecord> {
    let (judged, failure) = match outcome {
        Outcome::Done(judged) => (Some(judged), None),
        Outcome::Failed(reason) => (None, Some(reason)),
        Outcome::OutOfTime => return None,
    };
    let metric = judged.as_ref().map(|it| it.metric).unwrap_or_default();
    Some(TrialRecord {
        model: space.name().into(),
        trial: number,
        settings,
        score: metric.mean,
        low: metric.low,
        high: metric.high,
        failure,
        fit_seconds: judged.map(|it| it.fit_seconds),
        seconds,
    })
}
