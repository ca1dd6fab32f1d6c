//! The work itself: runs on a worker thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use recommender_store::identity::Identifier;
use recommender_store::record::StoredEvent;
use recommender_store::{Clock, Store, SystemClock};

use crate::answering::ServedModel;
use crate::answering::answer::Answer;
use crate::answering::consultation::Consultation;
use crate::answering::history::{Remembered, recall};
use crate::answering::{Freshness, Question, Refused, readers};
use crate::serving::Recipe;
use crate::status::Refusal;
use crate::telemetry::{Metrics, Trace};
use crate::workers::{WorkError, panic_message};

/// A question and who answers it.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) question: Question,
    pub(crate) recipe: Arc<Recipe>,
    pub(crate) model: Arc<ServedModel>,
    /// Who answers if the model fails, or would take too long.
    pub(crate) fallback: Option<Arc<ServedModel>>,
    pub(crate) store: Option<Store>,
    pub(crate) catalog: Arc<str>,
    /// What the store tells of who asks.
    pub(crate) remembered: Remembered,
    pub(crate) metrics: Metrics,
    pub(crate) trace: Trace,
    /// When there must be an answer.
    pub(crate) deadline: tokio::time::Instant,
}

/// What came of a task.
#[derive(Debug)]
pub(crate) struct Outcome<T> {
    /// None if the question was only to be checked.
    pub(crate) answer: Option<T>,
    /// The question that was answered.
    pub(crate) question: Question,
    /// Who answered.
    pub(crate) model: Arc<ServedModel>,
    /// Why the answer is less than it should be, if it is.
    pub(crate) degraded: Vec<Shortfall>,
}

/// Why an answer is less than it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shortfall {
    /// In a word, for those who count.
    pub(crate) word: &'static str,
    /// For the caller.
    pub(crate) text: String,
}

impl Shortfall {
    fn new(word: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { word, text }
    }
}

/// What is to be worked out of a question; it is told whether the store told anything of who asks.
pub(crate) type Work<'w, T> = dyn Fn(&Consultation<'_>, bool) -> Result<T, Refused> + 'w;

/// Why an answer rests on less than it should.
const LOST: &str = "what the store knows of the shopper could not be read in time";

/// Why the fallback answers without the model having been asked.
const SHORT: &str = "the time left would not have been enough for the serving config's own model";

impl Task {
    /// Does the work; the fallback does it if the model has a fault or would take too long.
    pub(crate) fn run<T>(mut self, work: &Work<'_, T>) -> Result<Outcome<T>, Refusal> {
        if let Some(store) = &self.store {
            self.question.seen = Some(Freshness(store.seen()));
        }
        let stored = self.stored()?;
        let lost = stored.is_none();
        let stored = stored.unwrap_or_default();
        let remembers = recall(self.store.as_ref(), &mut self.question, stored)?;
        let mut reasons: Vec<Shortfall> = Vec::new();
        if lost {
            reasons.push(Shortfall::new("history", LOST));
        }
        let start = Instant::now();
        let (answer, model) = self.worked_out(remembers, &mut reasons, work)?;
        self.metrics.stage("answer", start.elapsed());
        // Let go of where it was made: on another thread that takes longer than making it.
        self.question.engine.events = Vec::new();
        Ok(Outcome {
            answer,
            model,
            degraded: reasons,
            question: self.question,
        })
    }

    fn worked_out<T>(
        &self,
        remembers: bool,
        reasons: &mut Vec<Shortfall>,
        work: &Work<'_, T>,
    ) -> Result<(Option<T>, Arc<ServedModel>), Refusal> {
        let model = &self.model;
        if self.question.validate_only {
            let around = (&*self.catalog, self.store.as_ref());
            let (engine, recipe) = (model.engine(), &self.recipe);
            model.desk().prepared(recipe, engine, around)?;
            return Ok((None, Arc::clone(model)));
        }
        if let Some(fallback) = self.faster() {
            reasons.push(Shortfall::new("time", SHORT));
            let answer = self.attempt(fallback, remembers, work)?;
            return Ok((Some(answer), Arc::clone(fallback)));
        }
        match (self.attempt(model, remembers, work), &self.fallback) {
            (Ok(answer), _) => Ok((Some(answer), Arc::clone(model))),
            (Err(refusal), Some(fallback)) if refusal.is_fault() => {
                let status = tonic::Status::from(refusal);
                reasons.push(Shortfall::new("model", status.message()));
                let answer = self.attempt(fallback, remembers, work)?;
                Ok((Some(answer), Arc::clone(fallback)))
            }
            (Err(refusal), _) => Err(refusal),
        }
    }

    /// The fallback, if the model usually takes longer than there is time, and the fallback does not.
    fn faster(&self) -> Option<&Arc<ServedModel>> {
        let fallback = self.fallback.as_ref()?;
        let now = tokio::time::Instant::now();
        let left = self.deadline.saturating_duration_since(now);
        let pace = self.model.desk().pace();
        (pace > left && fallback.desk().pace() < pace).then_some(fallback)
    }

    /// What the store tells of who asks; nothing if it could not be read in time.
    fn stored(&mut self) -> Result<Option<Vec<StoredEvent>>, Refusal> {
        let Some(store) = &self.store else {
            return Ok(Some(Vec::new()));
        };
        let limit = self.recipe.config.history_limit;
        if matches!(self.remembered, Remembered::Unread) {
            let start = Instant::now();
            let mut stage = self.trace.stage("history");
            let read = readers::read(store, &self.question, self.question.events_read(limit));
            if let Ok(Remembered::Read(events)) = &read {
                stage.count("recommender.events", events.len());
            }
            drop(stage);
            self.metrics.stage("history", start.elapsed());
            self.remembered = read.unwrap_or_else(|error| {
                tracing::error!(%error, "what a shopper did could not be read");
                Remembered::Lost
            });
        }
        match std::mem::take(&mut self.remembered) {
            Remembered::Read(events) => Ok(Some(self.question.that_count(events, limit))),
            // What was to be seen is perhaps not.
            Remembered::Lost | Remembered::Unread if self.question.min_freshness.is_some() => {
                Err(Refusal::NotYetVisible)
            }
            Remembered::Lost | Remembered::Unread => Ok(None),
        }
    }

    /// One model's work; a panic in it is an error like any other.
    fn attempt<T>(
        &self,
        model: &ServedModel,
        remembers: bool,
        work: &Work<'_, T>,
    ) -> Result<T, Refusal> {
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| self.consult(model, remembers, work)));
        let result =
            result.unwrap_or_else(|panic| Err(WorkError::Panicked(panic_message(&*panic)).into()));
        match &result {
            Ok(_) => model.desk().took(start.elapsed()),
            Err(refusal) if refusal.is_fault() => {
                tracing::error!(model = model.version(), ?refusal, "a model failed");
            }
            Err(_) => {}
        }
        result
    }

    fn consult<T>(
        &self,
        model: &ServedModel,
        remembers: bool,
        work: &Work<'_, T>,
    ) -> Result<T, Refusal> {
        let store = self.store.as_ref();
        let around = (&*self.catalog, store);
        let prepared = model
            .desk()
            .prepared(&self.recipe, model.engine(), around)?;
        let now = store.map_or_else(|| SystemClock.now(), Store::now);
        let around = (store, now, &self.trace);
        let consultation = Consultation::new(&self.question, model, &prepared, around)?;
        work(&consultation, remembers)
    }
}

/// Answers the tasks one after another, each with the time it took, until `stop` says so. With `distinct`,
/// what one answer shows is left out of those after it. A shopper's events are read once.
pub(crate) fn batch(
    tasks: Vec<Result<Task, Refusal>>,
    distinct: bool,
    stop: impl Fn() -> bool,
) -> Vec<Result<(Outcome<Answer>, Duration), Refusal>> {
    let mut shown: Vec<String> = Vec::new();
    let mut known = None;
    let mut outcomes = Vec::with_capacity(tasks.len());
    for task in tasks {
        if stop() {
            outcomes.push(Err(WorkError::DeadlineExceeded.into()));
            continue;
        }
        let start = Instant::now();
        let outcome = task.and_then(|mut task| {
            task.question.engine.exclude.extend_from_slice(&shown);
            task.remember_as(&mut known);
            task.run(&|consultation, remembers| consultation.answer(remembers))
        });
        if let (true, Ok(outcome)) = (distinct, &outcome) {
            let answered = outcome.answer.iter().flat_map(|answer| &answer.results);
            shown.extend(answered.map(|result| result.key.clone()));
        }
        outcomes.push(outcome.map(|outcome| (outcome, start.elapsed())));
    }
    outcomes
}

/// Who was asked about, how many of her events, and what the store told.
type Known = (Vec<Identifier>, usize, Remembered);

impl Task {
    /// Takes what the store told of the same person before, or reads it and notes it for the next.
    fn remember_as(&mut self, known: &mut Option<Known>) {
        let Some(store) = &self.store else {
            return;
        };
        if !matches!(self.remembered, Remembered::Unread) {
            return;
        }
        let limit = self.recipe.config.history_limit;
        let asker = &self.question.asker;
        if let Some((identifiers, most, remembered)) = known
            && (identifiers.as_slice(), *most) == (asker.identifiers.as_slice(), limit)
        {
            self.remembered = remembered.clone();
            return;
        }
        if let Ok(read) = readers::read(store, &self.question, limit) {
            *known = Some((asker.identifiers.clone(), limit, read.clone()));
            self.remembered = read;
        }
    }
}
