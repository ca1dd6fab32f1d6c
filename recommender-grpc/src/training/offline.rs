//! Evaluations of recipes on past events, kept as documents of the store.

use std::sync::Arc;

use recommender_core::pipeline::PipelineConfig;
use recommender_store::record::Table;

use crate::operations::Progress;
use crate::proto::longrunning::Operation;
use crate::resource::name_of;
use crate::status::Refusal;
use crate::training::evaluation::{EvaluationDocument, OfflineOrder, Subject};
use crate::training::giving_way::giving_way;
use crate::training::held_out::HeldOut;
use crate::training::registry::Registry;

/// The collection of evaluations in resource names.
pub(crate) const EVALUATIONS: &str = "evaluations";

/// What sort of thing an evaluation is, as the contract calls it.
const EVALUATION_TYPE: &str = "recommender.v1.Evaluation";

/// Evaluations that are kept; of more, the oldest go.
const MOST_KEPT: usize = 200;

impl Registry {
    /// Begins an evaluation; what the operation answers is made by `answer`.
    ///
    /// # Errors
    /// [`Refusal::AlreadyExists`] if there is one of that id; as [`Registry::begin_training`], but that no directory is
    /// needed.
    pub(crate) fn begin_offline<R: prost::Name>(
        &self,
        order: OfflineOrder,
        answer: impl FnOnce(&EvaluationDocument) -> R + Send + 'static,
    ) -> Result<Operation, Refusal> {
        let name = name_of(&self.0.around.catalog, EVALUATIONS, &order.id);
        self.must_be_new_evaluation(&order.id)?;
        let recipe = self.recipe(&order.subject)?;
        let turn = self.turn(&order.id)?;
        let registry = self.clone();
        let operations = &self.0.around.operations;
        operations.begin("EvaluateOffline", name, move |progress| {
            let _turn = turn;
            let document = registry.evaluate(order, &recipe, progress)?;
            registry.keep_evaluation(&document)?;
            Ok(answer(&document))
        })
    }

    fn evaluate(
        &self,
        order: OfflineOrder,
        recipe: &PipelineConfig,
        progress: &Progress,
    ) -> Result<EvaluationDocument, Refusal> {
        let store = self.store()?;
        let create_time = store.now();
        let dataset = self.dataset(recipe.interactions.clone(), progress)?;
        let held_out = HeldOut {
            table: Arc::clone(dataset.table()),
            products: store.products(),
            recipe,
            order: &order,
            options: self.running(order.seed, "judging", progress),
        };
        drop(dataset);
        let (report, parts) = giving_way(|| held_out.judge())?;
        let mut document = EvaluationDocument::of(&report, &parts);
        document.pipeline = recipe.to_toml()?;
        document.model = match order.subject {
            Subject::Model(id) => Some(id),
            Subject::Recipe(_) => None,
        };
        document.id = order.id;
        document.cut = order.cut;
        document.seed = order.seed;
        document.create_time = create_time;
        document.end_time = store.now();
        Ok(document)
    }

    /// The recipe that is judged: a model of the settings answers by that of its artefact.
    fn recipe(&self, subject: &Subject) -> Result<PipelineConfig, Refusal> {
        self.store()?;
        let id = match subject {
            Subject::Recipe(recipe) => return Ok((**recipe).clone()),
            Subject::Model(id) => id,
        };
        if self.find(id)?.is_none()
            && let Some(model) = self.0.around.models.snapshot().get(id)
        {
            return Ok(model.engine().config().clone());
        }
        Ok(PipelineConfig::from_toml(&self.found(id)?.pipeline)?)
    }

    /// Refuses an id that is taken.
    pub(super) fn must_be_new_evaluation(&self, id: &str) -> Result<(), Refusal> {
        if self.find_evaluation(id)?.is_none() {
            return Ok(());
        }
        Err(Refusal::AlreadyExists {
            resource_type: EVALUATION_TYPE,
            name: name_of(&self.0.around.catalog, EVALUATIONS, id),
        })
    }

    /// The evaluations that are kept, in order of their ids.
    ///
    /// # Errors
    /// [`Refusal::NoStore`]; if one can't be read.
    pub(crate) fn evaluations(&self) -> Result<Vec<EvaluationDocument>, Refusal> {
        let documents = self.store()?.documents(Table::Evaluation)?;
        Ok(documents
            .into_iter()
            .map(|(_, document)| document)
            .collect())
    }

    fn find_evaluation(&self, id: &str) -> Result<Option<EvaluationDocument>, Refusal> {
        let mut documents = self.evaluations()?.into_iter();
        Ok(documents.find(|document| document.id == id))
    }

    /// The evaluation of this id.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; as [`Registry::evaluations`].
    pub(crate) fn found_evaluation(&self, id: &str) -> Result<EvaluationDocument, Refusal> {
        let found = self.find_evaluation(id)?;
        found.ok_or_else(|| Refusal::NotFound {
            resource_type: EVALUATION_TYPE,
            name: name_of(&self.0.around.catalog, EVALUATIONS, id),
        })
    }

    /// Keeps an evaluation, and no more than the latest.
    pub(super) fn keep_evaluation(&self, document: &EvaluationDocument) -> Result<(), Refusal> {
        let store = self.store()?;
        let _writing = self.writing();
        let written = store.put_document(Table::Evaluation, &document.id, document)?;
        written.wait()?;
        let mut kept = self.evaluations()?;
        kept.sort_by_key(|document| document.end_time);
        let surplus = kept.len().saturating_sub(MOST_KEPT);
        for old in &kept[..surplus] {
            store.delete_document(Table::Evaluation, &old.id)?.wait()?;
        }
        Ok(())
    }
}
