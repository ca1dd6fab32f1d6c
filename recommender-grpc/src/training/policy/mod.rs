//! Serving configs judged by lists that were shown, whatever showed them.
//!
//! 1. `lists`: the lists of one person, and what followed each.
//! 2. `judging`: what the serving config would have shown instead, weighed; person by person, on the threads of a training.
//! 3. `document`: what was found, as it is kept.

mod document;
mod judging;
mod lists;

use std::sync::Arc;
use std::time::Duration;

use recommender_core::Timestamp;
use recommender_core::evaluation::Estimator;
use recommender_core::events::{Event, EventKind};

pub(crate) use document::{PolicyDocument, WarningKind};
pub(crate) use judging::MOST_SLOTS;

use crate::answering::Retrospect;
use crate::operations::Progress;
use crate::proto::longrunning::Operation;
use crate::resource::name_of;
use crate::serving::Recipe;
use crate::status::Refusal;
use crate::training::evaluation::EvaluationDocument;
use crate::training::offline::EVALUATIONS;
use crate::training::registry::Registry;
use judging::Judging;

/// The collection of serving configs in resource names.
const SERVING_CONFIGS: &str = "servingConfigs";

/// Which serving config is judged, by which lists, and how.
#[derive(Debug, Clone)]
pub(crate) struct PolicyOrder {
    /// Name of the evaluation within the catalogue.
    pub(crate) id: String,
    /// Id of the serving config.
    pub(crate) serving_config: String,
    pub(crate) estimator: Estimator,
    /// The largest weight that counts; none does not clip.
    pub(crate) clip: Option<f64>,
    /// Lists shown from this time on.
    pub(crate) from: Timestamp,
    /// Lists shown before this time.
    pub(crate) to: Timestamp,
    /// What counts as a reward.
    pub(crate) rewards: Vec<EventKind>,
    /// How long after a list a reward counts.
    pub(crate) window: Duration,
    /// How long answers are; as long as each list if 0.
    pub(crate) limit: usize,
    /// Seed of the intervals.
    pub(crate) seed: u64,
    /// What an event of the store says of the list that it was shown in, or of what it follows from.
    pub(crate) told: fn(&Event) -> ToldOfList,
}

/// What an event of the store says of the list that it was shown in, or of what it follows from.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ToldOfList {
    /// The place of its product in the list, from 1; none if it was in no list.
    pub(crate) position: Option<usize>,
    /// The probability with which it was shown there, if anybody knows.
    pub(crate) propensity: Option<f64>,
    /// The token of the answer; empty if it names none.
    pub(crate) token: String,
    /// What was searched for.
    pub(crate) search: String,
    /// Categories of the page.
    pub(crate) categories: Vec<String>,
}

impl Registry {
    /// Begins to judge `recipe`; what the operation answers is made by `answer`.
    ///
    /// # Errors
    /// As [`Registry::begin_offline`]; [`Refusal::NotLoaded`] if the model of the serving config is not there.
    pub(crate) fn begin_policy<R: prost::Name>(
        &self,
        order: PolicyOrder,
        recipe: &Arc<Recipe>,
        answer: impl FnOnce(&EvaluationDocument) -> R + Send + 'static,
    ) -> Result<Operation, Refusal> {
        let catalog = &self.0.around.catalog;
        let name = name_of(catalog, EVALUATIONS, &order.id);
        self.must_be_new_evaluation(&order.id)?;
        let models = self.0.around.models.snapshot();
        let Some(model) = models.get(&recipe.config.model).cloned() else {
            let config = name_of(catalog, SERVING_CONFIGS, &recipe.config.id);
            return Err(Refusal::NotLoaded(config));
        };
        let turn = self.turn(&order.id)?;
        let (registry, recipe) = (self.clone(), Arc::clone(recipe));
        let operations = &self.0.around.operations;
        operations.begin("EvaluatePolicy", name, move |progress| {
            let _turn = turn;
            let around = (&*registry.0.around.catalog, registry.store()?);
            let retrospect = Retrospect::new(&recipe, &model, around)?;
            let document = registry.judge_policy(&order, &retrospect, progress)?;
            registry.keep_evaluation(&document)?;
            Ok(answer(&document))
        })
    }

    fn judge_policy(
        &self,
        order: &PolicyOrder,
        retrospect: &Retrospect,
        progress: &Progress,
    ) -> Result<EvaluationDocument, Refusal> {
        let store = self.store()?;
        let create_time = store.now();
        let options = self.running(order.seed, "finding lists", progress);
        let judging = Judging {
            order,
            retrospect,
            store,
            progress,
        };
        let found = options.run(|| Ok(judging.found(&options)))??;
        let end_time = store.now();
        Ok(EvaluationDocument {
            id: order.id.clone(),
            model: Some(retrospect.model_id().to_owned()),
            seed: order.seed,
            create_time,
            end_time,
            policy: Some(PolicyDocument::of(order, retrospect, (found, end_time))),
            ..EvaluationDocument::default()
        })
    }
}
