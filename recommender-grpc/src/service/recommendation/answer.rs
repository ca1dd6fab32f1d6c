//! The work itself: runs on a worker thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use recommender_core::engine::{EngineAnswer, EngineRequest};

use crate::convert::Question;
use crate::models::ServedModel;
use crate::status::Refusal;
use crate::workers::{WorkError, panic_message};

/// A question and who answers it.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) question: Question,
    pub(crate) model: Arc<ServedModel>,
    /// Who answers if the model fails.
    pub(crate) fallback: Option<Arc<ServedModel>>,
}

/// What came of a task.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// None if the question was only to be checked.
    pub(crate) answer: Option<EngineAnswer>,
    /// Who answered.
    pub(crate) model: Arc<ServedModel>,
    /// Why the fallback answered, if it did.
    pub(crate) degraded: Option<String>,
    /// Whether the answer may be tied to what follows from it.
    pub(crate) attributable: bool,
}

impl Task {
    /// Answers the question; the fallback answers it if the model has a fault.
    pub(crate) fn answer(self) -> Result<Outcome, Refusal> {
        let Self {
            question,
            model,
            fallback,
        } = self;
        let outcome = |answer, model, degraded| Outcome {
            answer,
            model,
            degraded,
            attributable: question.attributable,
        };
        if question.validate_only {
            return Ok(outcome(None, model, None));
        }
        match (attempt(&model, &question.engine), fallback) {
            (Ok(answer), _) => Ok(outcome(Some(answer), model, None)),
            (Err(refusal), Some(fallback)) if refusal.is_fault() => {
                let reason = tonic::Status::from(refusal).message().to_owned();
                let answer = attempt(&fallback, &question.engine)?;
                Ok(outcome(Some(answer), fallback, Some(reason)))
            }
            (Err(refusal), _) => Err(refusal),
        }
    }
}

/// Answers the tasks one after another, each with the time it took, until `stop` says so. With `distinct`,
/// what one answer shows is left out of those after it.
pub(crate) fn batch(
    tasks: Vec<Result<Task, Refusal>>,
    distinct: bool,
    stop: impl Fn() -> bool,
) -> Vec<Result<(Outcome, Duration), Refusal>> {
    let mut shown: Vec<String> = Vec::new();
    let mut outcomes = Vec::with_capacity(tasks.len());
    for task in tasks {
        if stop() {
            outcomes.push(Err(WorkError::DeadlineExceeded.into()));
            continue;
        }
        let start = Instant::now();
        let outcome = task.and_then(|mut task| {
            task.question.engine.exclude.extend_from_slice(&shown);
            task.answer()
        });
        if let (true, Ok(outcome)) = (distinct, &outcome) {
            let answered = outcome.answer.iter().flat_map(|answer| &answer.results);
            shown.extend(answered.map(|result| result.key.clone()));
        }
        outcomes.push(outcome.map(|outcome| (outcome, start.elapsed())));
    }
    outcomes
}

/// One engine's answer; a panic in it is an error like any other.
fn attempt(model: &ServedModel, request: &EngineRequest) -> Result<EngineAnswer, Refusal> {
    let answer = catch_unwind(AssertUnwindSafe(|| model.answering()?.recommend(request)));
    let result = match answer {
        Ok(answer) => answer.map_err(Refusal::from),
        Err(panic) => Err(WorkError::Panicked(panic_message(&*panic)).into()),
    };
    if let Err(refusal) = &result
        && refusal.is_fault()
    {
        tracing::error!(model = model.version(), ?refusal, "a model failed");
    }
    result
}
