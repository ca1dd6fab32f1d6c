//! The methods of `recommender.v1.EvaluationService`: check, have it done by the registry, answer.

use std::sync::Arc;
use std::time::Duration;

use tonic::{Request, Response, Status};

use crate::convert::{self, List, Violations};
use crate::proto::evaluation_service_server::EvaluationService;
use crate::proto::longrunning::Operation;
use crate::proto::{
    EvaluateOfflineRequest, EvaluatePolicyRequest, Evaluation, GetEvaluationRequest,
    ListEvaluationsRequest, ListEvaluationsResponse,
};
use crate::service::replays::{Repeating, Replays};
use crate::service::room::Room;
use crate::service::unique_keys::UniqueKeys;
use crate::shop::Shop;
use crate::status::Refusal;
use crate::training::EVALUATIONS;

/// Digits of a key that tell apart what was asked for in one millisecond.
const KEY_DIGITS: usize = 8;

/// Calls at once; those beyond are turned away.
const AT_ONCE: usize = 32;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct Evaluations {
    shop: Shop,
    keys: Arc<UniqueKeys>,
    room: Room,
    replays: Replays,
}

impl Evaluations {
    pub(crate) fn new(shop: Shop) -> Self {
        Self {
            shop,
            keys: Arc::default(),
            room: Room::new(AT_ONCE),
            replays: Replays::default(),
        }
    }

    /// An id that nothing else has; later ones come after it.
    fn new_id(&self) -> Result<String, Refusal> {
        let now = self.shop.store()?.now();
        let key = self.keys.next();
        Ok(format!("{:013}-{}", now.0.max(0), &key[..KEY_DIGITS]))
    }

    fn begin(&self, request: &EvaluateOfflineRequest) -> Result<Operation, Refusal> {
        let mut wrong = Violations::default();
        let new_id = self.new_id()?;
        let order = convert::offline_order(request, (&self.shop.catalog, new_id), &mut wrong);
        let order = wrong.or(order)?;
        let order = order.expect("an order is left out only where something is wrong");
        let catalog = Arc::clone(&self.shop.catalog);
        self.shop.registry.begin_offline(order, move |document| {
            convert::of_evaluation(document, &catalog)
        })
    }

    fn begin_policy(&self, request: &EvaluatePolicyRequest) -> Result<Operation, Refusal> {
        let mut wrong = Violations::default();
        let new_id = self.new_id()?;
        let order = convert::policy_order(request, (&self.shop.catalog, new_id), &mut wrong);
        let order = wrong.or(order)?;
        let order = order.expect("an order is left out only where something is wrong");
        let recipes = self.shop.recipes.now();
        let recipe = recipes.get(&order.serving_config);
        let recipe = recipe.ok_or_else(|| Refusal::NotFound {
            resource_type: "recommender.v1.ServingConfig",
            name: request.serving_config.clone(),
        })?;
        let catalog = Arc::clone(&self.shop.catalog);
        let registry = &self.shop.registry;
        registry.begin_policy(order, recipe, move |document| {
            convert::of_evaluation(document, &catalog)
        })
    }

    fn get(&self, name: &str) -> Result<Evaluation, Refusal> {
        let mut wrong = Violations::default();
        let catalog = &self.shop.catalog;
        let id = convert::id_in(("name", name), (catalog, EVALUATIONS), &mut wrong);
        let document = self.shop.registry.found_evaluation(&wrong.or(id)?)?;
        Ok(convert::of_evaluation(&document, catalog))
    }

    fn list(&self, request: &ListEvaluationsRequest) -> Result<ListEvaluationsResponse, Refusal> {
        let mut wrong = Violations::default();
        let catalog = &*self.shop.catalog;
        convert::check_parent(&request.parent, catalog, &mut wrong);
        let asked = (request.page_size, &*request.page_token);
        let list = List::of("evaluations", [request.parent.as_bytes()]);
        let page = convert::page(asked, list, &mut wrong);
        let page = wrong.or(page)?;
        let documents = self.shop.registry.evaluations()?;
        let (documents, next_page_token) = page.of_all(documents, |document| &document.id);
        let evaluations = documents.iter().map(|document| Evaluation {
            pipeline: String::new(),
            segments: Vec::new(),
            ..convert::of_evaluation(document, catalog)
        });
        Ok(ListEvaluationsResponse {
            evaluations: evaluations.collect(),
            next_page_token,
        })
    }
}

impl Repeating for Evaluations {
    fn replays(&self) -> &Replays {
        &self.replays
    }

    fn timeout(&self) -> Duration {
        self.shop.rules.timeout
    }
}

#[tonic::async_trait]
impl EvaluationService for Evaluations {
    async fn evaluate_offline(
        &self,
        request: Request<EvaluateOfflineRequest>,
    ) -> Result<Response<Operation>, Status> {
        let work = |calls: Self, request| async move {
            let room = calls.room.clone();
            room.blocking(move || calls.begin(&request)).await
        };
        let call = ("EvaluateOffline", request);
        self.once(call, |it| &it.request_id, work).await
    }

    async fn evaluate_policy(
        &self,
        request: Request<EvaluatePolicyRequest>,
    ) -> Result<Response<Operation>, Status> {
        let work = |calls: Self, request| async move {
            let room = calls.room.clone();
            room.blocking(move || calls.begin_policy(&request)).await
        };
        let call = ("EvaluatePolicy", request);
        self.once(call, |it| &it.request_id, work).await
    }

    async fn get_evaluation(
        &self,
        request: Request<GetEvaluationRequest>,
    ) -> Result<Response<Evaluation>, Status> {
        let (calls, request) = (self.clone(), request.into_inner());
        let answered = self.room.blocking(move || calls.get(&request.name)).await?;
        Ok(Response::new(answered))
    }

    async fn list_evaluations(
        &self,
        request: Request<ListEvaluationsRequest>,
    ) -> Result<Response<ListEvaluationsResponse>, Status> {
        let (calls, request) = (self.clone(), request.into_inner());
        let answered = self.room.blocking(move || calls.list(&request)).await?;
        Ok(Response::new(answered))
    }
}
