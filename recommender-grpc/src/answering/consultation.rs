//! A question put to a model.

use std::sync::Arc;

use recommender_core::engine::{Engine, EngineRequest, Explanation};
use recommender_core::query::Candidates;
use recommender_core::{ItemBits, ItemIx, Query, Recommender, Timestamp};
use recommender_store::Store;
use recommender_store::catalog::Offer;
use recommender_store::filter::{CompiledFilter, FilterStats};

use crate::answering::ServedModel;
use crate::answering::desk::{Shelf, bits};
use crate::answering::prepared::{Act, Prepared, Rule};
use crate::answering::shortlist::Entry;
use crate::answering::{Question, Refused};
use crate::telemetry::Trace;

/// A question put to a model: what its answer is worked out from.
#[derive(Debug)]
pub(crate) struct Consultation<'a> {
    pub(crate) question: &'a Question,
    pub(crate) engine: &'a Engine,
    pub(crate) prepared: &'a Prepared,
    pub(crate) stock: Option<Stock<'a>>,
    /// The controls that hold now, with their places in the serving config.
    pub(crate) rules: Vec<(usize, &'a Rule)>,
    /// Keys of the products that she refuses, sorted.
    pub(crate) refused: Vec<String>,
    /// What counts as to be had whatever stock says: what was shown then, where a question of the past is asked. Nothing
    /// for those who are to be answered.
    pub(crate) to_be_had: Vec<ItemIx>,
    /// The server's time.
    pub(crate) now: Timestamp,
    pub(crate) trace: &'a Trace,
}

/// What a store knows of products.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stock<'a> {
    pub(crate) store: &'a Store,
    shelf: &'a Shelf,
}

/// What may be answered.
#[derive(Debug, Default)]
pub(crate) struct Offered {
    /// As asked; none without a store, where everything may be.
    pub(crate) bits: Option<Arc<ItemBits>>,
    /// The same, and what the filter of the request leaves out.
    pub(crate) unfiltered: Option<Arc<ItemBits>>,
    pub(crate) stats: Option<FilterStats>,
    /// Controls that left something out.
    pub(crate) acted: Vec<usize>,
}

impl<'a> Consultation<'a> {
    /// The question put to `model`, by the rules of `prepared`.
    ///
    /// # Errors
    /// As the model's engine.
    pub(crate) fn new(
        question: &'a Question,
        model: &'a ServedModel,
        prepared: &'a Prepared,
        (store, now, trace): (Option<&'a Store>, Timestamp, &'a Trace),
    ) -> Result<Self, Refused> {
        let engine = model.answering()?;
        let stock = store.map(|store| Stock {
            store,
            shelf: model.desk().shelf(engine, store),
        });
        let (places, ..) = question.stock(&prepared.recipe.config);
        let rules = prepared.rules.iter().enumerate();
        let rules = rules.filter(|(_, rule)| rule.acts(question, places, now));
        Ok(Self {
            rules: rules.collect(),
            refused: engine.refused(&question.engine),
            question,
            engine,
            prepared,
            stock,
            to_be_had: Vec::new(),
            now,
            trace,
        })
    }

    /// Whether shares of scores are wanted.
    pub(crate) fn is_explained(&self) -> bool {
        self.question.engine.explanation == Explanation::Contributions
    }

    /// What is asked of stock.
    pub(crate) fn offer(&self) -> Offer<'_> {
        let (places, min_quantity, orders) = self.question.stock(&self.prepared.recipe.config);
        Offer {
            places,
            channel: self.question.engine.channel,
            now: self.now,
            min_quantity,
            orders,
        }
    }

    /// The place whose prices and quantities filters speak of.
    pub(crate) fn place(&self) -> Option<&str> {
        self.question.engine.place.as_deref()
    }

    /// The question in the model's numbering; keys that it does not know go to `missing`.
    ///
    /// # Errors
    /// As [`Engine::query`].
    pub(crate) fn query(&self, limit: usize, missing: &mut Vec<String>) -> Result<Query, Refused> {
        let mut query = self.engine.query(&self.question.engine, missing)?;
        query.limit = limit;
        Ok(query)
    }

    /// What may be answered, by stock, filters and controls.
    pub(crate) fn offered(&self) -> Offered {
        let mut offered = Offered::default();
        let Some(stock) = self.stock else {
            return offered;
        };
        let mut stage = self.trace.stage("offer");
        let place = self.place();
        let mut bits = stock.store.allowed(&stock.shelf.view, &self.offer());
        if !self.to_be_had.is_empty() {
            bits = bits::with(&bits, &self.to_be_had);
        }
        if let Some(filter) = &self.prepared.filter {
            bits = self.filtered(stock, filter, &bits);
        }
        for &(number, rule) in &self.rules {
            let left = match &rule.act {
                Act::Filter(filter) => self.filtered(stock, filter, &bits),
                Act::Hide(items) => bits::without(&bits, items),
                Act::Boost(..) | Act::Pin(..) | Act::Quota(..) => continue,
            };
            if left.len() < bits.len() {
                offered.acted.push(number);
            }
            bits = left;
        }
        let bits = Arc::new(bits);
        offered.bits = Some(Arc::clone(&bits));
        if let Some(asked) = &self.question.scope.filter {
            let filter = stock.shelf.compiled(stock.store, asked);
            let (kept, stats) = stock.store.filtered_counted(&filter, place, &bits);
            offered.bits = Some(Arc::new(kept));
            offered.stats = Some(stats);
            offered.unfiltered = Some(bits);
        }
        let left = || offered.bits.as_ref().map_or(0, |bits| bits.len());
        stage.count_of("recommender.products", left);
        offered
    }

    /// Holds `query` to what may be answered. Without a store, what controls hide is excluded.
    pub(crate) fn restrict(&self, query: &mut Query, offered: &mut Offered) {
        if let Some(bits) = &offered.bits {
            query.candidates = Candidates::Within(Arc::clone(bits));
            return;
        }
        for &(number, rule) in &self.rules {
            if let Act::Hide(items) = &rule.act
                && !items.is_empty()
            {
                query.exclusions.extend(items.iter());
                offered.acted.push(number);
            }
        }
    }

    /// Those of `among` that a control's filter means.
    pub(crate) fn meant(&self, filter: &Arc<CompiledFilter>, among: &ItemBits) -> ItemBits {
        self.stock.map_or_else(ItemBits::default, |stock| {
            self.filtered(stock, filter, among)
        })
    }

    /// Those of `among` that a filter of the serving config or of a control means, here and in the shopper's currency.
    fn filtered(
        &self,
        stock: Stock<'_>,
        filter: &Arc<CompiledFilter>,
        among: &ItemBits,
    ) -> ItemBits {
        let currency = self.question.manner.currency;
        let filter = stock.shelf.in_currency(stock.store, filter, currency);
        stock.store.filtered(&filter, self.place(), among)
    }

    /// What the engine answers to `query`.
    ///
    /// # Errors
    /// As the engine.
    pub(crate) fn ask(&self, query: &Query) -> Result<Vec<Entry>, Refused> {
        let pipeline = self.engine.pipeline();
        let mut stage = self.trace.stage("candidates");
        let entries: Vec<Entry> = if self.is_explained() {
            let explained = pipeline.explain(query)?;
            explained.into_iter().map(Entry::from).collect()
        } else {
            let ranked = pipeline.recommend(query)?;
            ranked.entries().iter().copied().map(Entry::from).collect()
        };
        stage.count("recommender.candidates", entries.len());
        Ok(entries)
    }

    /// What the engine answers to `query` of those of `among` that are not listed yet.
    ///
    /// # Errors
    /// As the engine.
    pub(crate) fn ask_more(
        &self,
        query: &Query,
        (among, limit): (ItemBits, usize),
        listed: impl Iterator<Item = ItemIx>,
    ) -> Result<Vec<Entry>, Refused> {
        let mut query = Query {
            candidates: Candidates::Within(Arc::new(among)),
            limit,
            ..query.clone()
        };
        query.exclusions.extend(listed);
        self.ask(&query)
    }

    /// The engine's words of what the question is.
    pub(crate) fn request(&self) -> &EngineRequest {
        &self.question.engine
    }
}
