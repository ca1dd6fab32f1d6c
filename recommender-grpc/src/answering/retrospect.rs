//! A question of the past, put to a serving config that perhaps did not answer it.

use std::sync::Arc;

use recommender_core::Timestamp;
use recommender_core::engine::EngineRequest;
use recommender_core::events::{Channel, Consent};
use recommender_store::Store;
use recommender_store::join::with_history;
use recommender_store::record::StoredEvent;

use crate::answering::consultation::Consultation;
use crate::answering::history::session;
use crate::answering::prepared::Prepared;
use crate::answering::{Asker, Manner, Page, Question, Refused, Scene, Scope, ServedModel, words};
use crate::proto;
use crate::serving::{Recipe, ServingConfigName};
use crate::telemetry::Trace;

/// A serving config and the model in service, asked what they would have answered.
///
/// Rules, the catalogue and the model are as they are now.
#[derive(Debug)]
pub(crate) struct Retrospect {
    model: Arc<ServedModel>,
    prepared: Arc<Prepared>,
    store: Store,
    trace: Trace,
}

/// What is known of a question of the past.
#[derive(Debug)]
pub(crate) struct PastQuestion<'a> {
    /// What the shopper had done by then.
    pub(crate) history: Vec<StoredEvent>,
    /// When it was asked.
    pub(crate) time: Timestamp,
    pub(crate) channel: Option<Channel>,
    pub(crate) place: Option<&'a str>,
    /// Key of her visit, as the store keeps it.
    pub(crate) session: Option<&'a str>,
    /// What she searched for.
    pub(crate) search: &'a str,
    /// Categories of the page.
    pub(crate) categories: &'a [String],
    /// Keys of the products that were to be had then, whatever is known of stock now.
    pub(crate) to_be_had: Vec<&'a str>,
    /// How many products were asked for.
    pub(crate) limit: usize,
}

impl Retrospect {
    /// `recipe`, answered by `model`, of the catalogue of this name with what `store` knows of it.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub(crate) fn new(
        recipe: &Arc<Recipe>,
        model: &Arc<ServedModel>,
        (catalog, store): (&str, &Store),
    ) -> Result<Self, Refused> {
        let around = (catalog, Some(store));
        let prepared = model.desk().prepared(recipe, model.engine(), around)?;
        Ok(Self {
            model: Arc::clone(model),
            prepared,
            store: store.clone(),
            trace: Trace::default(),
        })
    }

    /// The model that answers.
    pub(crate) fn model(&self) -> &ServedModel {
        &self.model
    }

    /// Its id.
    pub(crate) fn model_id(&self) -> &str {
        &self.prepared.recipe.config.model
    }

    /// How many of a shopper's latest events are read.
    pub(crate) fn history_limit(&self) -> usize {
        self.prepared.recipe.config.history_limit
    }

    /// What would have stood at each place of the answer, from the first on, with the probability of each product.
    ///
    /// # Errors
    /// As the engine.
    pub(crate) fn chances(
        &self,
        past: PastQuestion<'_>,
    ) -> Result<Vec<Vec<(String, f64)>>, Refused> {
        let items = self.model.engine().items();
        let to_be_had = past.to_be_had.iter().filter_map(|key| items.get(key));
        let to_be_had = to_be_had.collect();
        let question = self.question(past);
        let around = (Some(&self.store), self.store.now(), &self.trace);
        let mut consultation = Consultation::new(&question, &self.model, &self.prepared, around)?;
        consultation.to_be_had = to_be_had;
        consultation.chances()
    }

    fn question(&self, past: PastQuestion<'_>) -> Question {
        let config = &self.prepared.recipe.config;
        let request = EngineRequest {
            place: past.place.map(str::to_owned),
            channel: past.channel,
            time: Some(past.time),
            seen: config.seen,
            limit: past.limit,
            ..EngineRequest::default()
        };
        let mut engine = with_history(request, past.history, &|_| true);
        engine.session = session(&engine.events, past.session);
        Question {
            serving_config: ServingConfigName::new("", &*config.id),
            asker: Asker {
                consent: Consent::Unspecified,
                ..Asker::default()
            },
            engine,
            excluded: 0,
            scope: Scope::default(),
            scene: Scene {
                words: words(past.search),
                categories: past.categories.to_vec(),
                ..Scene::default()
            },
            diversity: None,
            page: Page {
                size: past.limit,
                ..Page::default()
            },
            min_freshness: None,
            seen: None,
            as_of: None,
            with_products: false,
            manner: Manner::default(),
            validate_only: false,
            request_id: String::new(),
            channel: proto::Channel::Unspecified,
        }
    }
}
