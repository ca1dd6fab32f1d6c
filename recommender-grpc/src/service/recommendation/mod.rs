//! The methods of `recommender.v1.RecommendationService`: check, convert, have it worked out, convert back.

mod respond;

use std::sync::Arc;
use std::time::Instant;

use recommender_core::events::Consent;
use tonic::{Request, Response, Status};

use crate::answering::{
    self, Asked, Draw, Given, Outcome, Question, Readers, Remembered, Seeds, Task, Work,
};
use crate::convert::{self, Bounds, Explained, Mask};
use crate::error::ServeError;
use crate::models::Snapshot;
use crate::proto::recommendation_service_server::RecommendationService;
use crate::proto::{
    BatchRecommendRequest, BatchRecommendResponse, ExplainRecommendationRequest,
    ExplainRecommendationResponse, RankRequest, RankResponse, RecommendRequest, RecommendResponse,
};
use crate::service::deadline;
use crate::serving::{Recipe, RecipesAt, ServingConfigName};
use crate::settings::WorkerSettings;
use crate::shop::Shop;
use crate::status::Refusal;
use crate::telemetry::Trace;
use crate::workers::Workers;

/// The service.
#[derive(Debug)]
pub(crate) struct Recommendations {
    shop: Shop,
    readers: Readers,
    /// Makes filters: one thread, so that those who ask for new ones never take more than one processor from others.
    filters: Workers,
    /// What answers are drawn with that leave something to chance.
    seeds: Seeds,
}

/// The thread that makes filters, and how many questions may wait for it.
const FILTERS: WorkerSettings = WorkerSettings {
    threads: 1,
    max_queued: 256,
};

/// The models and the serving configs of the moment of a call, when there must be an answer, and who follows it.
struct Moment {
    models: Snapshot,
    recipes: Arc<RecipesAt>,
    deadline: tokio::time::Instant,
    trace: Trace,
}

impl Recommendations {
    /// The service over `shop`.
    ///
    /// # Errors
    /// [`ServeError::Workers`] if the system gives no threads.
    pub(crate) fn new(shop: Shop) -> Result<Self, ServeError> {
        Ok(Self {
            shop,
            readers: Readers::start()?,
            filters: Workers::start(FILTERS)?,
            seeds: Seeds::default(),
        })
    }

    fn moment<T>(&self, request: &Request<T>) -> Moment {
        Moment {
            models: self.shop.models.snapshot(),
            recipes: self.shop.recipes.now(),
            deadline: deadline::of(request.metadata(), self.shop.rules.timeout),
            trace: Trace::of(request.extensions()),
        }
    }

    fn bounds(&self) -> Bounds<'_> {
        Bounds {
            limits: &self.shop.rules.limits,
            has_store: self.shop.store.is_some(),
        }
    }

    /// What is to be worked out for `question`, at this moment.
    fn task(&self, mut question: Question, moment: &Moment) -> Result<Task, Refusal> {
        let _stage = moment.trace.stage("resolve");
        let recipe = self.recipe(&question.serving_config, &moment.recipes)?;
        let Some(model) = moment.models.get(&recipe.config.model) else {
            return Err(Refusal::NotLoaded(question.serving_config.to_string()));
        };
        let fallback = recipe.config.fallback.as_ref();
        let fallback = fallback.or(self.shop.rules.fallback.as_ref());
        let fallback = fallback.filter(|id| **id != recipe.config.id);
        let fallback = fallback.and_then(|id| moment.recipes.get(id));
        let fallback = fallback.and_then(|recipe| moment.models.get(&recipe.config.model));
        if let Some(store) = &self.shop.store
            && answering::consent(store, &question)? == Consent::Denied
        {
            question.asker = answering::Asker {
                consent: Consent::Denied,
                ..answering::Asker::default()
            };
        }
        // A list of the caller's own may hold what she had already; else the serving config says.
        if question.engine.seen == recommender_core::engine::SeenPolicy::Exclude {
            question.engine.seen = recipe.config.seen;
        }
        Ok(Task {
            fallback: fallback.cloned(),
            model: Arc::clone(model),
            recipe: Arc::clone(recipe),
            question,
            store: self.shop.store.clone(),
            catalog: Arc::clone(&self.shop.catalog),
            remembered: Remembered::Unread,
            metrics: self.shop.metrics.clone(),
            trace: moment.trace.clone(),
            deadline: moment.deadline,
        })
    }

    /// What is to be worked out for `question`, with something left to chance where its serving config explores and the
    /// page is the first: what later ones are drawn with stands in their tokens.
    fn exploring(&self, question: Question, moment: &Moment) -> Result<Task, Refusal> {
        let mut task = self.task(question, moment)?;
        let page = &mut task.question.page;
        if page.offset == 0 && task.recipe.config.exploration.is_some() {
            page.draw = Some(Draw {
                seed: self.seeds.next(),
                first: page.size,
            });
        }
        Ok(task)
    }

    /// Has filters made that a task needs and that are not there yet, on a thread that answers nobody.
    async fn make_filters(&self, task: &Task) -> Result<(), Refusal> {
        let Some(making) = task.unmade() else {
            return Ok(());
        };
        let _stage = task.trace.stage("make filters");
        let made = self.filters.run(task.deadline, move |_| making.make());
        Ok(made.await?)
    }

    /// Has a task's question know what only a store that others share can tell, if it does in time.
    async fn prepare(&self, task: &mut Task) -> Result<(), Refusal> {
        let Some(store) = &self.shop.store else {
            return Ok(());
        };
        if let Some(asked) = task.question.min_freshness {
            self.readers.seen(store, asked, task.deadline).await?;
        }
        if task.question.validate_only {
            return Ok(());
        }
        self.make_filters(task).await?;
        let limit = (task.question).events_read(task.recipe.config.history_limit);
        let remembered = (self.readers).remembered(store, &task.question, limit, task.deadline);
        task.remembered = remembered.await;
        Ok(())
    }

    /// Has `work` done on a thread that computes.
    async fn worked_out<T: Send + 'static>(
        &self,
        mut task: Task,
        work: impl Fn(&answering::Consultation<'_>, bool) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<Outcome<T>, Refusal> {
        self.prepare(&mut task).await?;
        let deadline = task.deadline;
        let queued = task.trace.stage("queue");
        let done = self.shop.workers.run(deadline, move |_| {
            drop(queued);
            let work: &Work<'_, T> = &work;
            task.run(work)
        });
        done.await?
    }

    /// The serving config of this name.
    fn recipe<'a>(
        &self,
        name: &ServingConfigName,
        recipes: &'a RecipesAt,
    ) -> Result<&'a Arc<Recipe>, Refusal> {
        let ours = name.catalog() == &*self.shop.catalog;
        let found = recipes.get(name.id()).filter(|_| ours);
        found.ok_or_else(|| {
            let known = recipes.iter().map(|recipe| {
                ServingConfigName::new(&*self.shop.catalog, &*recipe.config.id).to_string()
            });
            Refusal::UnknownServingConfig {
                name: name.to_string(),
                known: known.collect(),
            }
        })
    }
}

#[tonic::async_trait]
impl RecommendationService for Recommendations {
    async fn recommend(
        &self,
        request: Request<RecommendRequest>,
    ) -> Result<Response<RecommendResponse>, Status> {
        let received = Instant::now();
        let moment = self.moment(&request);
        let request = request.into_inner();
        let asked = convert::asked(&request, &self.shop.given);
        let stage = moment.trace.stage("convert request");
        let (question, mask) = convert::question(request, self.bounds())?;
        drop(stage);
        let task = self.exploring(question, &moment)?;
        let outcome = self
            .worked_out(task, |consultation, remembers| {
                consultation.answer(remembers)
            })
            .await?;
        let response = self.response(outcome, (asked, received.elapsed()), &moment.trace);
        Ok(Response::new(mask.cut(response)))
    }

    async fn batch_recommend(
        &self,
        request: Request<BatchRecommendRequest>,
    ) -> Result<Response<BatchRecommendResponse>, Status> {
        let moment = self.moment(&request);
        let batch = request.into_inner();
        convert::check_batch(&batch, &self.shop.rules.limits)?;
        let distinct = batch.distinct_across_requests;
        let mut tasks = Vec::with_capacity(batch.requests.len());
        let mut said: Vec<(Option<Asked>, Mask)> = Vec::with_capacity(batch.requests.len());
        for request in batch.requests {
            let asked = convert::asked(&request, &self.shop.given);
            let (task, mask) = self.batch_task(request, &moment).await;
            tasks.push(task);
            said.push((asked, mask));
        }
        // A whole batch is one piece of work on one thread: batches can't crowd out single calls.
        let queued = moment.trace.stage("queue");
        let work = self.shop.workers.run(moment.deadline, move |caller| {
            drop(queued);
            answering::batch(tasks, distinct, || caller.is_gone())
        });
        let outcomes = work.await.map_err(Refusal::from)?;
        let responses = outcomes.into_iter().zip(said);
        let responses = responses.map(|(outcome, said)| self.batched(outcome, said, &moment.trace));
        Ok(Response::new(BatchRecommendResponse {
            responses: responses.collect(),
        }))
    }

    async fn rank(&self, request: Request<RankRequest>) -> Result<Response<RankResponse>, Status> {
        let received = Instant::now();
        let moment = self.moment(&request);
        let request = request.into_inner();
        let asked = convert::asked_to_rank(&request, &self.shop.given);
        let (question, standing) = convert::ranked(request, self.bounds())?;
        let task = self.task(question, &moment)?;
        let outcome = self
            .worked_out(task, move |consultation, remembers| {
                consultation.rank(&standing, remembers)
            })
            .await?;
        let results = outcome.answer.as_ref().map(|ranking| &*ranking.results);
        let token = self.token(&outcome, asked, results);
        self.count(&outcome);
        let mut response = convert::ranking(outcome, token, &self.shop.catalog);
        response.server_time = convert::duration(received.elapsed());
        Ok(Response::new(response))
    }

    async fn explain_recommendation(
        &self,
        request: Request<ExplainRecommendationRequest>,
    ) -> Result<Response<ExplainRecommendationResponse>, Status> {
        let moment = self.moment(&request);
        let (explained, key) = convert::explained(request.into_inner(), self.bounds())?;
        let (mut question, standing, given) = match explained {
            Explained::Question(question) => (*question, None, None),
            Explained::Given(token) => {
                let given = self.given(&token, moment.deadline).await?;
                let (question, standing) = convert::given(&given, self.bounds())?;
                (question, standing, Some(given))
            }
        };
        // The list as it is before anything is drawn.
        question.page.draw = None;
        let task = self.task(question, &moment)?;
        let product = key.clone();
        let outcome = self
            .worked_out(task, move |consultation, remembers| match &standing {
                Some(standing) => consultation.explain_ranked(&product, (standing, remembers)),
                None => consultation.explain(&product, remembers),
            })
            .await?;
        let response = convert::explanation(outcome, key, given.as_deref());
        Ok(Response::new(response))
    }
}

impl Recommendations {
    /// The answer of a token; none of a person whom any server has erased.
    async fn given(
        &self,
        token: &str,
        deadline: tokio::time::Instant,
    ) -> Result<Arc<Given>, Refusal> {
        let given = self.shop.given.find(token).map_err(Refusal::NoAnswer)?;
        let Some(store) = &self.shop.store else {
            return Ok(given);
        };
        self.readers.catch_up(store, deadline).await?;
        self.shop.given.find(token).map_err(Refusal::NoAnswer)
    }

    /// One question of a batch, and the fields that are wanted of its answer.
    async fn batch_task(
        &self,
        request: RecommendRequest,
        moment: &Moment,
    ) -> (Result<Task, Refusal>, Mask) {
        let (question, mask) = match convert::question(request, self.bounds()) {
            Ok(read) => read,
            Err(refusal) => return (Err(refusal), Mask::default()),
        };
        let mut task = self.exploring(question, moment);
        if let Ok(ready) = &mut task
            && let Err(refusal) = self.prepare(ready).await
        {
            task = Err(refusal);
        }
        (task, mask)
    }
}

#[cfg(test)]
mod tests;
