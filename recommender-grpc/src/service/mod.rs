//! The methods of `recommender.v1.RecommendationService`: check, convert, have it worked out, convert back.

mod answer;
mod attribution;
mod deadline;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tonic::{Request, Response, Status};

use crate::convert;
use crate::models::{Models, Snapshot};
use crate::proto::recommendation_service_server::RecommendationService;
use crate::proto::{
    BatchRecommendRequest, BatchRecommendResponse, BatchRecommendResult, RecommendRequest,
    RecommendResponse,
};
pub(crate) use crate::service::answer::Outcome;
use crate::service::answer::Task;
use crate::service::attribution::AttributionTokens;
use crate::settings::RequestLimits;
use crate::status::Refusal;
use crate::workers::Workers;

/// The service: what every call needs.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) models: Models,
    pub(crate) workers: Workers,
    pub(crate) rules: Rules,
    pub(crate) tokens: AttributionTokens,
}

/// What requests are held to.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// The serving config that answers when another fails.
    pub(crate) fallback: Option<String>,
    /// Bounds of a call.
    pub(crate) limits: RequestLimits,
    /// Time for a call without a deadline.
    pub(crate) timeout: Duration,
}

impl Service {
    pub(crate) fn new(models: Models, workers: Workers, rules: Rules) -> Self {
        Self {
            models,
            workers,
            rules,
            tokens: AttributionTokens::default(),
        }
    }

    /// What is to be worked out for `request`, on the models of `snapshot`.
    fn task(&self, request: RecommendRequest, snapshot: &Snapshot) -> Result<Task, Refusal> {
        let question = convert::question(request, &self.rules.limits)?;
        let model = self.models.find(snapshot, &question.serving_config)?;
        let fallback = self.rules.fallback.as_ref();
        let fallback = fallback.filter(|name| *name != question.serving_config.id());
        Ok(Task {
            fallback: fallback.and_then(|name| snapshot.get(name)).map(Arc::clone),
            model,
            question,
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
impl RecommendationService for Service {
    async fn recommend(
        &self,
        request: Request<RecommendRequest>,
    ) -> Result<Response<RecommendResponse>, Status> {
        let received = Instant::now();
        let deadline = deadline::of(request.metadata(), self.rules.timeout);
        let task = self.task(request.into_inner(), &self.models.snapshot())?;
        let outcome = self
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
        let deadline = deadline::of(request.metadata(), self.rules.timeout);
        let batch = request.into_inner();
        convert::check_batch(&batch, &self.rules.limits)?;
        let snapshot = self.models.snapshot();
        let distinct = batch.distinct_across_requests;
        let tasks: Vec<Result<Task, Refusal>> = (batch.requests.into_iter())
            .map(|request| self.task(request, &snapshot))
            .collect();
        // A whole batch is one piece of work on one thread: batches can't crowd out single calls.
        let outcomes = self
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

impl Service {
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
