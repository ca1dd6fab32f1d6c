//! The methods of `recommender.v1.ControlService`: check, keep as documents of the store, answer.

use std::time::Duration;

use recommender_store::record::Table;
use tonic::{Request, Response, Status};

use crate::convert::{self, CONTROLS, List, Violations};
use crate::proto::control_service_server::ControlService;
use crate::proto::{
    Control as Message, CreateControlRequest, DeleteControlRequest, GetControlRequest,
    ListControlsRequest, ListControlsResponse, UpdateControlRequest,
};
use crate::resource::name_of;
use crate::service::replays::{Repeating, Replays};
use crate::serving::{Change, Control, RecipeBook, RecipesAt, ServingConfig};
use crate::shop::Shop;
use crate::status::Refusal;

/// The service. A handle: clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Controls {
    shop: Shop,
    book: RecipeBook,
    replays: Replays,
}

/// The serving configs that name the control `id`.
fn users<'a>(recipes: &'a RecipesAt, id: &str) -> Vec<&'a ServingConfig> {
    let configs = recipes.iter().map(|recipe| &recipe.config);
    let named = |config: &&ServingConfig| config.controls.iter().any(|control| control == id);
    configs.filter(named).collect()
}

impl Controls {
    pub(crate) fn new(shop: Shop, book: RecipeBook) -> Self {
        Self {
            shop,
            book,
            replays: Replays::default(),
        }
    }

    fn message(&self, control: &Control, recipes: &RecipesAt) -> Message {
        let users = users(recipes, &control.id).into_iter();
        let users = users.map(|config| config.id.clone()).collect();
        convert::of_control(control, &self.shop.catalog, users)
    }

    /// The id in a name, which stands in `field`.
    fn id(&self, name: &str, field: &str, wrong: &mut Violations) -> String {
        convert::id_in((field, name), (&self.shop.catalog, CONTROLS), wrong)
    }

    fn found<'a>(&self, id: &str, recipes: &'a RecipesAt) -> Result<&'a Control, Refusal> {
        let found = recipes.control(id).map(|control| &**control);
        found.ok_or_else(|| Refusal::NotFound {
            resource_type: "recommender.v1.Control",
            name: name_of(&self.shop.catalog, CONTROLS, id),
        })
    }

    fn list(&self, request: &ListControlsRequest) -> Result<ListControlsResponse, Refusal> {
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.shop.catalog, &mut wrong);
        let asked = (request.page_size, request.page_token.as_str());
        let list = List::of("controls", [request.parent.as_bytes()]);
        let page = convert::page(asked, list, &mut wrong);
        let page = wrong.or(page)?;
        let recipes = self.book.now();
        let (controls, next_page_token) = page.of_all(recipes.controls(), |control| &control.id);
        let messages = controls
            .into_iter()
            .map(|control| self.message(control, &recipes));
        Ok(ListControlsResponse {
            controls: messages.collect(),
            next_page_token,
        })
    }

    fn get(&self, request: &GetControlRequest) -> Result<Message, Refusal> {
        let mut wrong = Violations::default();
        let id = self.id(&request.name, "name", &mut wrong);
        let id = wrong.or(id)?;
        let recipes = self.book.now();
        Ok(self.message(self.found(&id, &recipes)?, &recipes))
    }

    async fn create(&self, request: CreateControlRequest) -> Result<Message, Refusal> {
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.shop.catalog, &mut wrong);
        let id = request.control_id;
        convert::check_id(&id, "control_id", &mut wrong);
        let message = given(request.control, &mut wrong);
        let control = read(message, &id, wrong)?;
        let change = self.book.change().await?;
        let recipes = change.now();
        if recipes.control(&id).is_some() {
            return Err(Refusal::AlreadyExists {
                resource_type: "recommender.v1.Control",
                name: name_of(&self.shop.catalog, CONTROLS, &id),
            });
        }
        if !request.validate_only {
            change.put(Table::Control, &id, &control).await?;
        }
        Ok(self.message(&control, &recipes))
    }

    async fn update(&self, request: UpdateControlRequest) -> Result<Message, Refusal> {
        let mut wrong = Violations::default();
        let new = given(request.control, &mut wrong);
        let id = self.id(&new.name, "control.name", &mut wrong);
        let id = wrong.or(id)?;
        let change = self.book.change().await?;
        let recipes = change.now();
        let mut wrong = Violations::default();
        let message = match self.found(&id, &recipes) {
            Ok(old) => {
                let old = self.message(old, &recipes);
                convert::changed_control(old, new, request.update_mask.as_ref(), &mut wrong)
            }
            Err(_) if request.allow_missing => {
                convert::check_id(&id, "control.name", &mut wrong);
                new
            }
            Err(refusal) => return Err(refusal),
        };
        let control = read(message, &id, wrong)?;
        if !request.validate_only {
            change.put(Table::Control, &id, &control).await?;
        }
        Ok(self.message(&control, &recipes))
    }

    async fn delete(&self, request: DeleteControlRequest) -> Result<(), Refusal> {
        let mut wrong = Violations::default();
        let id = self.id(&request.name, "name", &mut wrong);
        let id = wrong.or(id)?;
        let change = self.book.change().await?;
        let recipes = change.now();
        match self.found(&id, &recipes) {
            Ok(_) => (),
            Err(_) if request.allow_missing => return Ok(()),
            Err(refusal) => return Err(refusal),
        }
        let users = users(&recipes, &id);
        if !users.is_empty() && !request.force {
            let users: Vec<&str> = users.iter().map(|config| &*config.id).collect();
            let users = users.join(", ");
            return Err(Refusal::Precondition {
                reason: "CONTROL_IN_USE",
                message: format!("control \"{id}\" is named by the serving configs {users}"),
            });
        }
        if !request.validate_only {
            take_from(&users, &id, &change).await?;
            change.delete(Table::Control, &id).await?;
        }
        Ok(())
    }
}

/// Takes the control `id` from the serving configs that name it.
async fn take_from(users: &[&ServingConfig], id: &str, change: &Change) -> Result<(), Refusal> {
    for config in users {
        let mut config = (*config).clone();
        config.controls.retain(|control| control != id);
        let table = Table::ServingConfig;
        change.put(table, &config.id, &config).await?;
    }
    Ok(())
}

/// The control of a request.
fn given(message: Option<Message>, wrong: &mut Violations) -> Message {
    message.unwrap_or_else(|| {
        wrong.add("control", "expected a control, found none");
        Message::default()
    })
}

/// The control that a message describes, or all that is wrong.
fn read(message: Message, id: &str, mut wrong: Violations) -> Result<Control, Refusal> {
    let control = convert::control(message, id, &mut wrong);
    match wrong.or(control)? {
        Some(control) => Ok(control),
        // Without a control something is named wrong.
        None => Err(Refusal::Invalid(Vec::new())),
    }
}

impl Repeating for Controls {
    fn replays(&self) -> &Replays {
        &self.replays
    }

    fn timeout(&self) -> Duration {
        self.shop.rules.timeout
    }
}

#[tonic::async_trait]
impl ControlService for Controls {
    async fn create_control(
        &self,
        request: Request<CreateControlRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = ("CreateControl", request);
        let work = |it: Self, request| async move { it.create(request).await };
        self.once(call, |it| &it.request_id, work).await
    }

    async fn get_control(
        &self,
        request: Request<GetControlRequest>,
    ) -> Result<Response<Message>, Status> {
        Ok(Response::new(self.get(request.get_ref())?))
    }

    async fn list_controls(
        &self,
        request: Request<ListControlsRequest>,
    ) -> Result<Response<ListControlsResponse>, Status> {
        Ok(Response::new(self.list(request.get_ref())?))
    }

    async fn update_control(
        &self,
        request: Request<UpdateControlRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = ("UpdateControl", request);
        let work = |it: Self, request| async move { it.update(request).await };
        self.once(call, |it| &it.request_id, work).await
    }

    async fn delete_control(
        &self,
        request: Request<DeleteControlRequest>,
    ) -> Result<Response<()>, Status> {
        let call = ("DeleteControl", request);
        let work = |it: Self, request| async move { it.delete(request).await };
        self.once(call, |it| &it.request_id, work).await
    }
}
