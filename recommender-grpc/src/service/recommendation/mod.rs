//! The methods of `recommender.v1.RecommendationService`: check, convert, have it worked out, convert back.

mod answer;
mod attribution;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tonic::{Request, Response, Status};

use crate::convert;
use crate::models::Snapshot;
use crate::proto::recommendation_service_server::RecommendationService;
use crate::proto::{
    BatchRecommendRequest, BatchRecommendResponse, BatchRecommendResult, RecommendRequest,
    RecommendResponse,
};
use crate::service::deadline;
use crate::serving::{Recipe, RecipesAt, ServingConfigName};
use crate::shop::Shop;
use crate::status::Refusal;
pub(crate) use answer::Outcome;
use answer::Task;
use attribution::AttributionTokens;

/// The service.
#[derive(Debug)]
pub(crate) struct Recommendations {
    shop: Shop,
    tokens: AttributionTokens,
}

/// The models and the serving configs of one moment.
struct Moment {
    models: Snapshot,
    recipes: Arc<RecipesAt>,
}

impl Recommendations {
    pub(crate) fn new(shop: Shop) -> Self {
        Self {
            shop,
            tokens: AttributionTokens::default(),
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            models: self.shop.models.snapshot(),
            recipes: self.shop.recipes.now(),
        }
    }

    /// What is to be worked out for `request`, at this moment.
    fn task(&self, request: RecommendRequest, moment: &Moment) -> Result<Task, Refusal> {
        let question = convert::question(request, &self.shop.rules.limits)?;
        let recipe = self.recipe(&question.serving_config, &moment.recipes)?;
        let Some(model) = moment.models.get(&recipe.config.model) else {
            return Err(Refusal::NotLoaded(question.serving_config.to_string()));
        };
        let fallback = recipe.config.fallback.as_ref();
        let fallback = fallback.or(self.shop.rules.fallback.as_ref());
        let fallback = fallback.filter(|id| **id != recipe.config.id);
        let fallback = fallback.and_then(|id| moment.recipes.get(id));
        let fallback = fallback.and_then(|recipe| moment.models.get(&recipe.config.model));
        Ok(Task {
            fallback: fallback.cloned(),
            model: Arc::clone(model),
            question,
        })
    }

    /// The serving config of this name.
    fn recipe<'a>(
        &self,
        name: &ServingConfigName,
        recipes: &'a RecipesAt,
    ) -> Result<&'a Recipe, Refusal> {
        let ours = name.catalog() == &*self.shop.catalog;
        let found = recipes.get(name.id()).filter(|_| ours);
        found.map(|recipe| &**recipe).ok_or_else(|| {
            let known = recipes.iter().map(|recipe| {
                ServingConfigName::new(&*self.shop.catalog, &*recipe.config.id).to_string()
            });
            Refusal::UnknownServingConfig {
                name: name.to_string(),
                known: known.collect(),
            }
        })
    }

    fn response(&self, outcome: Outcome) -> RecommendResponse {
        let token = outcome.attributable.then(|| self.tokens.next());
        let response = convert::response(outcome, token.unwrap_or_default());
        // Nothing of the shopper: the token is empty wherever she is not to be followed.
        tracing::debug!(
            model = response.model_version,
            tier = response.tier().as_str_name(),
            results = response.results.len(),
            degraded = response.degraded,
            attribution_token = response.attribution_token,
            "answered"
        );
        response
    }
}

#[tonic::async_trait]
impl RecommendationService for Recommendations {
    async fn recommend(
        &self,
        request: Request<RecommendRequest>,
    ) -> Result<Response<RecommendResponse>, Status> {
        let received = Instant::now();
        let deadline = deadline::of(request.metadata(), self.shop.rules.timeout);
        let task = self.task(request.into_inner(), &self.moment())?;
        let outcome = self
            .shop
            .workers
            .run(deadline, move |_| task.answer())
            .await
            .map_err(Refusal::from)?;
        let mut response = self.response(outcome?);
        response.server_time = convert::duration(received.elapsed());
        Ok(Response::new(response))
    }

    async fn batch_recommend(
        &self,
        request: Request<BatchRecommendRequest>,
    ) -> Result<Response<BatchRecommendResponse>, Status> {
        let deadline = deadline::of(request.metadata(), self.shop.rules.timeout);
        let batch = request.into_inner();
        convert::check_batch(&batch, &self.shop.rules.limits)?;
        let moment = self.moment();
        let distinct = batch.distinct_across_requests;
        let tasks: Vec<Result<Task, Refusal>> = (batch.requests.into_iter())
            .map(|request| self.task(request, &moment))
            .collect();
        // A whole batch is one piece of work on one thread: batches can't crowd out single calls.
        let outcomes = self
            .shop
            .workers
            .run(deadline, move |caller| {
                answer::batch(tasks, distinct, || caller.is_gone())
            })
            .await
            .map_err(Refusal::from)?;
        let responses = outcomes.into_iter().map(|outcome| self.batched(outcome));
        Ok(Response::new(BatchRecommendResponse {
            responses: responses.collect(),
        }))
    }
}

impl Recommendations {
    fn batched(&self, outcome: Result<(Outcome, Duration), Refusal>) -> BatchRecommendResult {
        match outcome {
            Ok((outcome, time)) => {
                let mut response = self.response(outcome);
                response.server_time = convert::duration(time);
                BatchRecommendResult {
                    status: Some(tonic_types::Status::default()),
                    response: Some(response),
                }
            }
            Err(refusal) => BatchRecommendResult {
                status: Some(convert::status(&refusal.into())),
                response: None,
            },
        }
    }
}

#[cfg(test)]
mod tests;
