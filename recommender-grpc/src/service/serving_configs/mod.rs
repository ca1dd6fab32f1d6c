//! The methods of `recommender.v1.ServingConfigService`: check, keep as documents of the store, answer.

use std::time::Duration;

use recommender_store::record::Table;
use tonic::{Request, Response, Status};

use crate::convert::{self, List, SERVING_CONFIGS, Violations};
use crate::models::Models;
use crate::proto::serving_config_service_server::ServingConfigService;
use crate::proto::{
    AddControlRequest, CreateServingConfigRequest, DeleteServingConfigRequest,
    GetServingConfigRequest, ListServingConfigsRequest, ListServingConfigsResponse,
    RemoveControlRequest, ServingConfig as Message, UpdateServingConfigRequest,
};
use crate::resource::name_of;
use crate::service::replays::{Repeating, Replays};
use crate::serving::{Change, RecipeBook, RecipesAt, ServingConfig};
use crate::shop::Shop;
use crate::status::Refusal;

/// The service. A handle: clones share it.
#[derive(Debug, Clone)]
pub(crate) struct ServingConfigs {
    shop: Shop,
    book: RecipeBook,
    replays: Replays,
}

/// Whether a change is only to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Earnest {
    Checked,
    Done,
}

impl From<bool> for Earnest {
    fn from(validate_only: bool) -> Self {
        if validate_only {
            Self::Checked
        } else {
            Self::Done
        }
    }
}

impl ServingConfigs {
    pub(crate) fn new(shop: Shop, book: RecipeBook) -> Self {
        Self {
            shop,
            book,
            replays: Replays::default(),
        }
    }

    fn message(&self, config: &ServingConfig) -> Message {
        let of_settings = self.book.is_of_settings(config);
        convert::of_serving_config(config, &self.shop.catalog, of_settings)
    }

    /// The id in a name, which stands in `field`.
    fn id(&self, name: &str, field: &str, wrong: &mut Violations) -> String {
        convert::id_in((field, name), (&self.shop.catalog, SERVING_CONFIGS), wrong)
    }

    fn not_found(&self, id: &str) -> Refusal {
        Refusal::NotFound {
            resource_type: "recommender.v1.ServingConfig",
            name: name_of(&self.shop.catalog, SERVING_CONFIGS, id),
        }
    }

    fn found(&self, id: &str, recipes: &RecipesAt) -> Result<ServingConfig, Refusal> {
        let found = recipes.get(id).map(|recipe| recipe.config.clone());
        found.ok_or_else(|| self.not_found(id))
    }

    /// Writes a serving config, if what it names is there.
    async fn put(
        &self,
        change: &Change,
        config: &ServingConfig,
        earnest: Earnest,
    ) -> Result<Message, Refusal> {
        let mut wrong = Violations::default();
        check_named(config, &change.now(), &mut wrong);
        if !is_model(&self.shop.models, &self.book, &config.model) {
            let found = format!("expected the id of a model, found {:?}", config.model);
            wrong.add("serving_config.model_id", found);
        }
        wrong.or(())?;
        if earnest == Earnest::Done {
            let table = Table::ServingConfig;
            change.put(table, &config.id, config).await?;
        }
        Ok(self.message(config))
    }

    fn list(
        &self,
        request: &ListServingConfigsRequest,
    ) -> Result<ListServingConfigsResponse, Refusal> {
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.shop.catalog, &mut wrong);
        let asked = (request.page_size, request.page_token.as_str());
        let list = List::of("servingConfigs", [request.parent.as_bytes()]);
        let page = convert::page(asked, list, &mut wrong);
        let page = wrong.or(page)?;
        let recipes = self.book.now();
        let (recipes, next_page_token) = page.of_all(recipes.iter(), |recipe| &recipe.config.id);
        let messages = recipes
            .into_iter()
            .map(|recipe| self.message(&recipe.config));
        Ok(ListServingConfigsResponse {
            serving_configs: messages.collect(),
            next_page_token,
        })
    }

    fn get(&self, request: &GetServingConfigRequest) -> Result<Message, Refusal> {
        let mut wrong = Violations::default();
        let id = self.id(&request.name, "name", &mut wrong);
        let id = wrong.or(id)?;
        Ok(self.message(&self.found(&id, &self.book.now())?))
    }

    async fn create(&self, request: CreateServingConfigRequest) -> Result<Message, Refusal> {
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.shop.catalog, &mut wrong);
        let id = request.serving_config_id;
        convert::check_id(&id, "serving_config_id", &mut wrong);
        let message = given(request.serving_config, &mut wrong);
        let config = convert::serving_config(message, &id, &mut wrong);
        let config = wrong.or(config)?;
        let change = self.book.change().await?;
        if change.now().get(&id).is_some() {
            return Err(Refusal::AlreadyExists {
                resource_type: "recommender.v1.ServingConfig",
                name: name_of(&self.shop.catalog, SERVING_CONFIGS, &id),
            });
        }
        self.put(&change, &config, request.validate_only.into())
            .await
    }

    async fn update(&self, request: UpdateServingConfigRequest) -> Result<Message, Refusal> {
        let mut wrong = Violations::default();
        let new = given(request.serving_config, &mut wrong);
        let id = self.id(&new.name, "serving_config.name", &mut wrong);
        let id = wrong.or(id)?;
        let change = self.book.change().await?;
        let mut wrong = Violations::default();
        let message = match self.found(&id, &change.now()) {
            Ok(old) => {
                let mask = request.update_mask.as_ref();
                convert::changed_serving_config(self.message(&old), new, mask, &mut wrong)
            }
            Err(_) if request.allow_missing => {
                convert::check_id(&id, "serving_config.name", &mut wrong);
                new
            }
            Err(refusal) => return Err(refusal),
        };
        let config = convert::serving_config(message, &id, &mut wrong);
        let config = wrong.or(config)?;
        self.put(&change, &config, request.validate_only.into())
            .await
    }

    async fn delete(&self, request: DeleteServingConfigRequest) -> Result<(), Refusal> {
        let mut wrong = Violations::default();
        let id = self.id(&request.name, "name", &mut wrong);
        let id = wrong.or(id)?;
        let change = self.book.change().await?;
        let recipes = change.now();
        let config = match self.found(&id, &recipes) {
            Ok(config) => config,
            Err(_) if request.allow_missing => return Ok(()),
            Err(refusal) => return Err(refusal),
        };
        if self.book.is_of_settings(&config) {
            return Err(Refusal::Precondition {
                reason: "SERVING_CONFIG_IN_SETTINGS",
                message: format!("serving config \"{id}\" stands in the server's settings"),
            });
        }
        let users = recipes.iter().map(|recipe| &recipe.config);
        let users = users.filter(|config| config.fallback.as_deref() == Some(&*id));
        let mut users: Vec<&str> = users.map(|config| &*config.id).collect();
        if self.shop.rules.fallback.as_deref() == Some(&*id) {
            users.push("the server's settings");
        }
        if !users.is_empty() {
            let users = users.join(", ");
            return Err(Refusal::Precondition {
                reason: "SERVING_CONFIG_IN_USE",
                message: format!("serving config \"{id}\" is the fallback of {users}"),
            });
        }
        if !request.validate_only {
            change.delete(Table::ServingConfig, &id).await?;
        }
        Ok(())
    }

    async fn with_control(&self, request: AddControlRequest) -> Result<Message, Refusal> {
        let mut wrong = Violations::default();
        let id = self.id(&request.serving_config, "serving_config", &mut wrong);
        let id = wrong.or(id)?;
        let change = self.book.change().await?;
        let recipes = change.now();
        let config = self.found(&id, &recipes)?;
        let control = request.control_id;
        let mut wrong = Violations::default();
        if recipes.control(&control).is_none() {
            let found = format!("expected the id of a control, found {control:?}");
            wrong.add("control_id", found);
        }
        wrong.or(())?;
        let mut message = self.message(&config);
        if !message.control_ids.contains(&control) {
            message.control_ids.push(control);
        }
        let mut wrong = Violations::default();
        let config = convert::serving_config(message, &id, &mut wrong);
        let config = wrong.or(config)?;
        self.put(&change, &config, Earnest::Done).await
    }

    async fn without_control(&self, request: RemoveControlRequest) -> Result<Message, Refusal> {
        let mut wrong = Violations::default();
        let id = self.id(&request.serving_config, "serving_config", &mut wrong);
        let id = wrong.or(id)?;
        let change = self.book.change().await?;
        let mut config = self.found(&id, &change.now())?;
        let acting = config
            .controls
            .iter()
            .position(|id| *id == request.control_id);
        let Some(acting) = acting else {
            return Err(Refusal::NotFound {
                resource_type: "recommender.v1.Control",
                name: name_of(&self.shop.catalog, convert::CONTROLS, &request.control_id),
            });
        };
        config.controls.remove(acting);
        self.put(&change, &config, Earnest::Done).await
    }
}

/// The serving config of a request.
fn given(message: Option<Message>, wrong: &mut Violations) -> Message {
    message.unwrap_or_else(|| {
        wrong.add("serving_config", "expected a serving config, found none");
        Message::default()
    })
}

/// Whether `id` is a model that answers, will answer, or may be trained.
fn is_model(models: &Models, book: &RecipeBook, id: &str) -> bool {
    models.expects(id) || models.snapshot().contains_key(id) || book.knows_model(id)
}

/// Checks that the controls and the fallback of a serving config are there.
fn check_named(config: &ServingConfig, recipes: &RecipesAt, wrong: &mut Violations) {
    for (at, id) in config.controls.iter().enumerate() {
        if recipes.control(id).is_none() {
            let found = format!("expected the id of a control, found {id:?}");
            wrong.add(format!("serving_config.control_ids[{at}]"), found);
        }
    }
    let fallback = config.fallback.as_deref();
    if let Some(id) = fallback.filter(|id| recipes.get(id).is_none()) {
        let found = format!("expected the id of a serving config, found {id:?}");
        wrong.add("serving_config.fallback_serving_config_id", found);
    }
}

impl Repeating for ServingConfigs {
    fn replays(&self) -> &Replays {
        &self.replays
    }

    fn timeout(&self) -> Duration {
        self.shop.rules.timeout
    }
}

#[tonic::async_trait]
impl ServingConfigService for ServingConfigs {
    async fn create_serving_config(
        &self,
        request: Request<CreateServingConfigRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = ("CreateServingConfig", request);
        let work = |it: Self, request| async move { it.create(request).await };
        self.once(call, |it| &it.request_id, work).await
    }

    async fn get_serving_config(
        &self,
        request: Request<GetServingConfigRequest>,
    ) -> Result<Response<Message>, Status> {
        Ok(Response::new(self.get(request.get_ref())?))
    }

    async fn list_serving_configs(
        &self,
        request: Request<ListServingConfigsRequest>,
    ) -> Result<Response<ListServingConfigsResponse>, Status> {
        Ok(Response::new(self.list(request.get_ref())?))
    }

    async fn update_serving_config(
        &self,
        request: Request<UpdateServingConfigRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = ("UpdateServingConfig", request);
        let work = |it: Self, request| async move { it.update(request).await };
        self.once(call, |it| &it.request_id, work).await
    }

    async fn delete_serving_config(
        &self,
        request: Request<DeleteServingConfigRequest>,
    ) -> Result<Response<()>, Status> {
        let call = ("DeleteServingConfig", request);
        let work = |it: Self, request| async move { it.delete(request).await };
        self.once(call, |it| &it.request_id, work).await
    }

    async fn add_control(
        &self,
        request: Request<AddControlRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = ("AddControl", request);
        let work = |it: Self, request| async move { it.with_control(request).await };
        self.once(call, |it| &it.request_id, work).await
    }

    async fn remove_control(
        &self,
        request: Request<RemoveControlRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = ("RemoveControl", request);
        let work = |it: Self, request| async move { it.without_control(request).await };
        self.once(call, |it| &it.request_id, work).await
    }
}
