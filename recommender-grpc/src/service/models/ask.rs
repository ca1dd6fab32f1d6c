//! What the methods do, on a thread that may block.

use recommender_core::evaluation::MetricList;

use crate::convert::{self, List, Standing, Violations};
use crate::operations::Progress;
use crate::proto::longrunning::Operation;
use crate::proto::{
    CreateModelRequest, DeleteModelRequest, EvaluateModelRequest, EvaluateModelResponse,
    ExportModelRequest, ExportModelResponse, ImportModelRequest, ListModelsRequest,
    ListModelsResponse, Model as Message, PromoteModelRequest, TrainModelResponse,
    TuneModelRequest, UpdateModelRequest,
};
use crate::resource::{id_of, name_of};
use crate::service::models::ModelCalls;
use crate::service::models::transfer::version_of;
use crate::status::Refusal;
use crate::training::{METRICS, MODEL_TYPE, MODELS, ModelDocument, Version};

/// Most figures of an evaluation.
const MOST_METRICS: usize = 50;

/// Ids that are no models': directories beside those of models.
const RESERVED: [&str; 2] = ["import", "export"];

/// What a training answers.
pub(crate) fn trained(version: &Version, promoted: bool) -> TrainModelResponse {
    TrainModelResponse {
        version: Some(convert::version(version)),
        promoted,
    }
}

impl ModelCalls {
    /// Does `work` on a thread that may block.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let calls = self.clone();
        self.room.blocking(move || work(&calls)).await
    }

    fn message(&self, document: &ModelDocument) -> Message {
        let answering = self.registry.answering(&document.id);
        let standing = Standing {
            training: self.registry.is_training(&document.id),
            answering: answering.map(|(_, version)| version),
        };
        convert::of_model(document, &self.shop.catalog, standing)
    }

    /// The message of a model of the settings.
    fn given(&self, id: &str) -> Message {
        let models = self.shop.models.snapshot();
        let version = models.get(id).map(|model| model.version().to_owned());
        convert::of_given(id, &self.shop.catalog, version)
    }

    /// The id in a name.
    fn id(&self, name: &str) -> Result<String, Refusal> {
        let mut wrong = Violations::default();
        let id = self.id_in("name", name, &mut wrong);
        wrong.or(id)
    }

    pub(super) fn id_in(&self, field: &str, name: &str, wrong: &mut Violations) -> String {
        convert::id_in((field, name), (&self.shop.catalog, MODELS), wrong)
    }

    pub(super) fn get(&self, name: &str) -> Result<Message, Refusal> {
        let id = self.id(name)?;
        match self.registry.find(&id)? {
            Some(document) => Ok(self.message(&document)),
            None if self.registry.is_given(&id) => Ok(self.given(&id)),
            None => Err(self.not_found(&id)),
        }
    }

    fn not_found(&self, id: &str) -> Refusal {
        Refusal::NotFound {
            resource_type: MODEL_TYPE,
            name: name_of(&self.shop.catalog, MODELS, id),
        }
    }

    pub(super) fn list(&self, request: &ListModelsRequest) -> Result<ListModelsResponse, Refusal> {
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.shop.catalog, &mut wrong);
        let asked = (request.page_size, request.page_token.as_str());
        let list = List::of("models", [request.parent.as_bytes()]);
        let page = convert::page(asked, list, &mut wrong);
        let page = wrong.or(page)?;
        let kept = self.registry.documents()?;
        let kept = kept.iter().map(|document| self.message(document));
        let given = self.registry.given();
        let given = given.iter().map(|id| self.given(id));
        let mut models: Vec<Message> = kept.chain(given).collect();
        models.sort_by(|one, other| one.name.cmp(&other.name));
        let catalog = &*self.shop.catalog;
        let id = |model: &Message| id_of(&model.name, catalog, MODELS).map(str::len);
        let (models, next_page_token) = page.of_all(models, |model| {
            // The names of all models begin alike.
            &model.name[model.name.len() - id(model).unwrap_or_default()..]
        });
        Ok(ListModelsResponse {
            models,
            next_page_token,
        })
    }

    pub(super) fn create(&self, request: CreateModelRequest) -> Result<Message, Refusal> {
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.shop.catalog, &mut wrong);
        let id = request.model_id;
        check_model_id(&id, "model_id", &mut wrong);
        let message = said(request.model, &mut wrong);
        let document = self.read(message, &id, wrong)?;
        self.registry.must_be_new(&id)?;
        if !request.validate_only {
            self.registry.create(&document)?;
        }
        Ok(self.message(&document))
    }

    /// The new model that a message describes.
    fn read(
        &self,
        message: Message,
        id: &str,
        mut wrong: Violations,
    ) -> Result<ModelDocument, Refusal> {
        let mut document = ModelDocument::new(id, self.shop.store()?.now());
        convert::model(message, &mut document, &mut wrong);
        wrong.or(document)
    }

    pub(super) fn update(&self, request: UpdateModelRequest) -> Result<Message, Refusal> {
        let mut wrong = Violations::default();
        let new = said(request.model, &mut wrong);
        let id = self.id_in("model.name", &new.name, &mut wrong);
        let id = wrong.or(id)?;
        let mut wrong = Violations::default();
        if self.registry.find(&id)?.is_none() && request.allow_missing {
            check_model_id(&id, "model.name", &mut wrong);
            let document = self.read(new, &id, wrong)?;
            self.registry.must_be_new(&id)?;
            if !request.validate_only {
                self.registry.create(&document)?;
            }
            return Ok(self.message(&document));
        }
        let change = |document: &mut ModelDocument| {
            let old = self.message(document);
            let mask = request.update_mask.as_ref();
            let message = convert::changed_model(old, new, mask, &mut wrong);
            convert::model(message, document, &mut wrong);
            wrong.or(())
        };
        if request.validate_only {
            let mut document = self.registry.found(&id)?;
            change(&mut document)?;
            return Ok(self.message(&document));
        }
        let document = self.registry.change(&id, change)?;
        Ok(self.message(&document))
    }

    pub(super) fn delete(&self, request: &DeleteModelRequest) -> Result<(), Refusal> {
        let id = self.id(&request.name)?;
        match self.registry.found(&id) {
            Ok(_) => (),
            Err(Refusal::NotFound { .. }) if request.allow_missing => return Ok(()),
            Err(refusal) => return Err(refusal),
        }
        let recipes = self.book.now();
        let users = recipes.iter().map(|recipe| &recipe.config);
        let users = users.filter(|config| config.model == id);
        let users: Vec<&str> = users.map(|config| &*config.id).collect();
        if !users.is_empty() {
            let users = users.join(", ");
            return Err(Refusal::Precondition {
                reason: "MODEL_IN_USE",
                message: format!("model \"{id}\" answers for the serving configs {users}"),
            });
        }
        if !request.validate_only {
            self.registry.delete(&id)?;
        }
        Ok(())
    }

    pub(super) fn train(&self, name: &str) -> Result<Operation, Refusal> {
        let id = self.id(name)?;
        self.registry.begin_training(&id, trained)
    }

    pub(super) fn evaluate(&self, request: &EvaluateModelRequest) -> Result<Operation, Refusal> {
        let mut wrong = Violations::default();
        let id = self.id_in("name", &request.name, &mut wrong);
        wrong.bound("metrics", request.metrics.len(), MOST_METRICS);
        for (at, metric) in request.metrics.iter().take(MOST_METRICS).enumerate() {
            convert::check_metric(metric, &format!("metrics[{at}]"), &mut wrong);
        }
        wrong.or(())?;
        let metrics = match request.metrics.is_empty() {
            true => METRICS.join(","),
            false => request.metrics.join(","),
        };
        let metrics: MetricList = metrics.parse()?;
        self.registry
            .begin_evaluation(&id, metrics, |comparison| EvaluateModelResponse {
                comparison: Some(convert::comparison(comparison)),
            })
    }

    pub(super) fn tune(&self, request: &TuneModelRequest) -> Result<Operation, Refusal> {
        let mut wrong = Violations::default();
        let id = self.id_in("name", &request.name, &mut wrong);
        let order = convert::tuning_order(request, &mut wrong);
        let order = wrong.or(order)?;
        self.registry.begin_tuning(&id, order, convert::of_tuned)
    }

    pub(super) fn promote(&self, request: &PromoteModelRequest) -> Result<Message, Refusal> {
        let mut wrong = Violations::default();
        let id = self.id_in("name", &request.name, &mut wrong);
        let number = convert::version_number(&request.version, &mut wrong);
        wrong.or(())?;
        Ok(self.message(&self.registry.promote(&id, number)?))
    }

    pub(super) fn roll_back(&self, name: &str) -> Result<Message, Refusal> {
        let id = self.id(name)?;
        Ok(self.message(&self.registry.roll_back(&id)?))
    }

    pub(super) fn import(&self, request: ImportModelRequest) -> Result<Operation, Refusal> {
        let mut wrong = Violations::default();
        let id = self.id_in("name", &request.name, &mut wrong);
        convert::check_id(&request.directory, "directory", &mut wrong);
        wrong.or(())?;
        self.registry.found(&id)?;
        let registry = self.registry.clone();
        let work = move |progress: &Progress| {
            progress.stage("copying");
            let version = registry.import(&id, &request.directory)?;
            Ok(convert::version(&version))
        };
        let operations = &self.shop.operations;
        operations.begin("ImportModel", request.name, work)
    }

    pub(super) fn export(&self, request: ExportModelRequest) -> Result<Operation, Refusal> {
        let mut wrong = Violations::default();
        let id = self.id_in("name", &request.name, &mut wrong);
        convert::check_id(&request.directory, "directory", &mut wrong);
        let number = version_of(&request.version, &mut wrong);
        wrong.or(())?;
        self.registry.found(&id)?;
        let registry = self.registry.clone();
        let work = move |progress: &Progress| {
            progress.stage("copying");
            let (version, directory) = registry.export(&id, number, &request.directory)?;
            Ok(ExportModelResponse {
                directory: directory.display().to_string(),
                version: Some(convert::version(&version)),
            })
        };
        let operations = &self.shop.operations;
        operations.begin("ExportModel", request.name, work)
    }

    pub(super) fn pause(&self, name: &str) -> Result<Message, Refusal> {
        let id = self.id(name)?;
        let document = self.registry.change(&id, |document| {
            document.paused = true;
            Ok(())
        })?;
        Ok(self.message(&document))
    }

    pub(super) fn resume(&self, name: &str) -> Result<Message, Refusal> {
        let id = self.id(name)?;
        let document = self.registry.change(&id, |document| {
            document.paused = false;
            Ok(())
        })?;
        Ok(self.message(&document))
    }
}

/// The model of a request.
fn said(message: Option<Message>, wrong: &mut Violations) -> Message {
    message.unwrap_or_else(|| {
        wrong.add("model", "expected a model, found none");
        Message::default()
    })
}

fn check_model_id(id: &str, field: &str, wrong: &mut Violations) {
    convert::check_id(id, field, wrong);
    if RESERVED.contains(&id) {
        wrong.add(
            field,
            format!("expected an id other than {}", RESERVED.join(" and ")),
        );
    }
}
