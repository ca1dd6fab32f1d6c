//! Keys in, keys out: the one place where a caller's keys meet the models' indices.

mod parting;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::dataset::{self, Dataset};
use crate::error::Result;
use crate::events::{Channel, Event, EventKind, Stance, refused};
use crate::histories::Histories;
use crate::ids::{ItemIx, PlaceIx, UserIx, Vocabulary};
use crate::interactions::HistoryEvent;
use crate::pipeline::{Explained, Pipeline, PipelineConfig};
use crate::query::{Candidates, ItemSet, Query};
use crate::ranked::{Scored, Source};
use crate::recommender::{FitOptions, Recommender};
use crate::time::Timestamp;

/// A question in the caller's keys.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EngineRequest {
    /// The shopper; her history is used if the engine holds one, unless `history` says that it comes with the request.
    pub user: Option<String>,
    /// What she did that the engine does not hold yet, or, as `history` says, all she did; visitor and session keys are
    /// not read.
    pub events: Vec<Event>,
    /// Where her history comes from.
    pub history: HistorySource,
    /// Items of the current visit, oldest first.
    pub session: Vec<String>,
    /// Items the page is about: the product looked at, the cart. They are not answered.
    pub context_items: Vec<String>,
    /// Items that must not be answered.
    pub exclude: Vec<String>,
    /// If given, only these may be answered.
    pub candidates: Option<Vec<String>>,
    /// The place the answer is for.
    pub place: Option<String>,
    /// The channel the answer is for.
    pub channel: Option<Channel>,
    /// When it is asked; none means at the end of the training data.
    pub time: Option<Timestamp>,
    /// Whether what she already had may be answered.
    pub seen: SeenPolicy,
    /// Whether to say what each source contributed.
    pub explanation: Explanation,
    /// Longest list wanted.
    pub limit: usize,
}

/// Where the history of a shopper comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistorySource {
    /// What the engine holds of her, and the events of the request on top.
    #[default]
    Engine,
    /// The events of the request alone: the caller keeps all that she did, so that nothing counts twice and nothing
    /// forgotten comes back. Items of these events that the engine does not know are not listed as missing: nobody asked
    /// about them.
    Request,
}

/// Whether items of the shopper's history and session may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenPolicy {
    /// Only what she has not had yet.
    #[default]
    Exclude,
    /// Anything, as for goods bought again and again.
    Allow,
}

/// How much an answer says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Explanation {
    /// The source of each item.
    #[default]
    Source,
    /// Also what each source contributed.
    Contributions,
}

/// What an answer rests on, from the most to the least personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// The shopper's own history.
    Personal,
    /// Only what the request told of her.
    Session,
    /// What sells at the place.
    PlacePopular,
    /// What sells.
    Popular,
}

/// An answer in the caller's keys.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineAnswer {
    /// Best first.
    pub results: Vec<Recommended>,
    /// Keys of the request that the engine does not know, each once.
    pub missing: Vec<String>,
    /// What the answer rests on.
    pub tier: Tier,
}

/// One item of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommended {
    /// The item.
    pub key: String,
    /// Only comparable within one answer.
    pub score: f32,
    /// The source that contributed most.
    pub source: String,
    /// What each source contributed, if the request asked.
    pub contributions: Vec<(String, f32)>,
}

/// What an engine was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// [`Dataset::digest`] of the data.
    pub data_digest: String,
    /// How many events were used.
    pub events: u64,
    /// The time of the last of them.
    pub end: Timestamp,
    /// The seed of everything random.
    pub seed: u64,
}

/// A fitted pipeline with everything needed to answer in keys.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: PipelineConfig,
    pub(crate) pipeline: Pipeline,
    pub(crate) users: Vocabulary<UserIx>,
    pub(crate) items: Arc<Vocabulary<ItemIx>>,
    pub(crate) places: Vocabulary<PlaceIx>,
    pub(crate) catalog: Catalog,
    pub(crate) histories: Histories,
    pub(crate) training: Training,
}

impl Engine {
    /// Fits `config` to `dataset`.
    ///
    /// # Errors
    /// As [`PipelineConfig::fit`].
    pub fn fit(config: &PipelineConfig, dataset: &Dataset, options: &FitOptions) -> Result<Self> {
        Ok(Self {
            pipeline: config.fit(dataset, options)?,
            config: config.clone(),
            users: dataset.users().clone(),
            items: Arc::new(dataset.items().clone()),
            places: dataset.places().clone(),
            catalog: dataset.catalog().clone(),
            histories: Histories::of(dataset)?,
            training: Training {
                data_digest: dataset.digest()?,
                events: dataset.events().len() as u64,
                end: dataset.interactions().end(),
                seed: options.seed,
            },
        })
    }

    /// Answers a request. Unknown keys are no error: they are listed in the answer.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if an event is of a custom kind that has no weight.
    pub fn recommend(&self, request: &EngineRequest) -> Result<EngineAnswer> {
        let mut missing = Vec::new();
        let query = self.query(request, &mut missing)?;
        let results = match request.explanation {
            Explanation::Source => {
                let ranked = self.pipeline.recommend(&query)?;
                ranked
                    .entries()
                    .iter()
                    .map(|&scored| self.named(scored, &[]))
                    .collect()
            }
            Explanation::Contributions => {
                let explained = self.pipeline.explain(&query)?;
                let named = |entry: &Explained| self.named(entry.scored, &entry.contributions);
                explained.iter().map(named).collect()
            }
        };
        missing.sort_unstable();
        missing.dedup();
        Ok(EngineAnswer {
            results,
            missing,
            tier: self.tier(request, &query),
        })
    }

    /// The question in indices; keys that are not known go to `missing`.
    ///
    /// # Errors
    /// As [`Engine::recommend`].
    pub fn query(&self, request: &EngineRequest, missing: &mut Vec<String>) -> Result<Query> {
        let mut look_up = |keys: &[String]| -> Vec<ItemIx> {
            let found = |key: &String| {
                let item = self.items.get(key);
                if item.is_none() {
                    missing.push(key.clone());
                }
                item
            };
            keys.iter().filter_map(found).collect()
        };
        let session = look_up(&request.session);
        let context_items = look_up(&request.context_items);
        let exclude = look_up(&request.exclude);
        let candidates = request.candidates.as_deref().map(&mut look_up);
        let events = self.events_of(request, missing);
        let now = request.time.unwrap_or(self.end());
        let mut query = dataset::query(&self.config.interactions, &events, now, request.limit)?;
        // So far only what she refuses is excluded: it is no part of her visit either.
        query.session = session;
        query
            .session
            .retain(|&item| !query.exclusions.contains(item));
        let others = exclude.into_iter().chain(context_items.iter().copied());
        query.exclusions.extend(others);
        query.context_items = context_items;
        query.channel = request.channel;
        if let Some(items) = candidates {
            query.candidates = Candidates::Only(ItemSet::from_iter(items));
        }
        if let Some(place) = &request.place {
            query.place = self.places.get(place);
            missing.extend(query.place.is_none().then(|| place.clone()));
        }
        Ok(match request.seen {
            SeenPolicy::Exclude => query.excluding_seen(),
            SeenPolicy::Allow => query,
        })
    }

    fn events_of(&self, request: &EngineRequest, missing: &mut Vec<String>) -> Vec<HistoryEvent> {
        if request.history == HistorySource::Request {
            let mut unasked = Vec::new();
            let told = request.events.iter();
            return told
                .filter_map(|event| self.history_event(event, &mut unasked))
                .collect();
        }
        let mut events = self.history_of(request.user.as_deref());
        let told = request.events.iter();
        events.extend(told.filter_map(|event| self.history_event(event, missing)));
        events
    }

    /// Keys of the products that the shopper of `request` refuses, those that the engine does not know included, each
    /// once, sorted.
    #[must_use]
    pub fn refused(&self, request: &EngineRequest) -> Vec<String> {
        let held = match request.history {
            HistorySource::Engine => self.history_of(request.user.as_deref()),
            HistorySource::Request => Vec::new(),
        };
        let refuses = held.iter().map(|event| &event.kind);
        let told = request.events.iter();
        if !(refuses.chain(told.map(|event| &event.kind))).any(EventKind::refuses) {
            return Vec::new();
        }
        let held = held.iter().filter_map(|event| {
            let (item, time, stance) = event.said()?;
            Some((self.items.key(item), time, stance))
        });
        let told = request.events.iter().filter_map(|event| {
            let stance = Stance::of(&event.kind, event.rating)?;
            Some((
                &**event.item.as_ref()?,
                event.time.unwrap_or(self.end()),
                stance,
            ))
        });
        let refused = refused(held.chain(told).collect());
        refused.into_iter().map(str::to_owned).collect()
    }

    fn history_of(&self, user: Option<&str>) -> Vec<HistoryEvent> {
        let user = user.and_then(|key| self.users.get(key));
        user.map_or_else(Vec::new, |user| self.histories.get(user))
    }

    fn history_event(&self, event: &Event, missing: &mut Vec<String>) -> Option<HistoryEvent> {
        let key = event.item.as_ref()?;
        let Some(item) = self.items.get(key) else {
            missing.push(key.clone());
            return None;
        };
        Some(HistoryEvent {
            item,
            kind: event.kind.clone(),
            channel: event.channel,
            quantity: event.quantity,
            rating: event.rating,
            time: event.time.unwrap_or(self.end()),
        })
    }

    fn named(&self, scored: Scored, contributions: &[(Source, f32)]) -> Recommended {
        let named = |&(source, share): &(Source, f32)| {
            (self.pipeline.source_name(source).to_owned(), share)
        };
        Recommended {
            key: self.items.key(scored.item).to_owned(),
            score: scored.score,
            source: self.pipeline.source_name(scored.source).to_owned(),
            contributions: contributions.iter().map(named).collect(),
        }
    }

    /// What an answer to `query`, which is that of `request`, rests on.
    #[must_use]
    pub fn tier(&self, request: &EngineRequest, query: &Query) -> Tier {
        let known = match request.history {
            HistorySource::Engine => {
                let user = request.user.as_deref();
                user.and_then(|key| self.users.get(key)).is_some()
            }
            HistorySource::Request => true,
        };
        if known && !query.history.is_empty() {
            return Tier::Personal;
        }
        if !query.profile().is_empty() {
            return Tier::Session;
        }
        if query.place.is_some() {
            Tier::PlacePopular
        } else {
            Tier::Popular
        }
    }

    /// The recipe it was fitted by.
    #[must_use]
    pub fn config(&self) -> &PipelineConfig {
        &self.config
    }

    /// The fitted pipeline.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Keys of items; shared, so that what is kept beside the engine in its numbering need not copy them.
    #[must_use]
    pub fn items(&self) -> &Arc<Vocabulary<ItemIx>> {
        &self.items
    }

    /// Keys of the users whose histories it holds.
    #[must_use]
    pub fn users(&self) -> &Vocabulary<UserIx> {
        &self.users
    }

    /// The products.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The end of the training data.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.training.end
    }

    /// What it was trained on.
    #[must_use]
    pub fn training(&self) -> &Training {
        &self.training
    }
}
