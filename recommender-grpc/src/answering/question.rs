//! A question that was found to be in order.

use recommender_core::engine::EngineRequest;
use recommender_core::events::{Consent, Event};
use recommender_store::catalog::{Currency, Language, Orders};
use recommender_store::filter::Filter;
use recommender_store::identity::Identifier;
use recommender_store::record::StoredEvent;

use crate::answering::{Draw, Freshness, filters};
use crate::list::List;
use crate::proto::Channel;
use crate::serving::{Diversity, PageType, ServingConfig, ServingConfigName};

/// A question that was found to be in order.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) serving_config: ServingConfigName,
    pub(crate) asker: Asker,
    /// What the engine is asked; her history and session come to it once they are known.
    pub(crate) engine: EngineRequest,
    /// Products that the request excludes: the first of those that the engine is to leave out. What others of a batch show
    /// comes after them.
    pub(crate) excluded: usize,
    pub(crate) scope: Scope,
    pub(crate) scene: Scene,
    /// None is what the serving config says.
    pub(crate) diversity: Option<Diversity>,
    pub(crate) page: Page,
    /// The write that the answer must have seen.
    pub(crate) min_freshness: Option<Freshness>,
    /// The latest write that the answer has seen; set when it is begun.
    pub(crate) seen: Option<Freshness>,
    /// The latest write that counts of what she did; none if all of it does.
    pub(crate) as_of: Option<Freshness>,
    /// Whether the answer holds the products' own fields.
    pub(crate) with_products: bool,
    pub(crate) manner: Manner,
    /// Whether the request is only to be checked.
    pub(crate) validate_only: bool,
    /// For the log.
    pub(crate) request_id: String,
    /// For those who count: as the wire says it.
    pub(crate) channel: Channel,
}

/// Who asks.
#[derive(Debug, Default)]
pub(crate) struct Asker {
    /// What she is known by; nothing if she does not want to be known.
    pub(crate) identifiers: Vec<Identifier>,
    /// Key of her visit.
    pub(crate) session: Option<String>,
    /// What she did, as the request tells it.
    pub(crate) recent: Vec<Event>,
    /// What she said of the use of what is known of her, with this request.
    pub(crate) consent: Consent,
    /// Whether the answer may be tied to what follows from it.
    pub(crate) attributable: bool,
}

/// Which products may be answered.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) filter: Option<AskedFilter>,
    /// Whether nothing may fill up past the filter.
    pub(crate) strict: bool,
    /// How products must be to be had; none is what the serving config says.
    pub(crate) fulfillment: Option<Wanted>,
}

/// In which language and currency products are told; none is their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Manner {
    pub(crate) language: Option<Language>,
    pub(crate) currency: Option<Currency>,
}

/// A filter as it was written, and read.
#[derive(Debug, Clone)]
pub(crate) struct AskedFilter {
    /// What tells it from others: its text, and the currency in which it compares prices.
    pub(crate) key: String,
    pub(crate) filter: Filter,
}

impl AskedFilter {
    /// `filter`, which was written as `text`, with money in `currency` alone.
    pub(crate) fn new(text: String, filter: Filter, currency: Option<Currency>) -> Self {
        match currency.filter(|_| filter.asks_for_money()) {
            Some(currency) => Self {
                key: filters::key(&text, currency),
                filter: filter.in_currency(currency),
            },
            None => Self { key: text, filter },
        }
    }
}

/// How products must be to be had.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) places: Places,
    pub(crate) min_quantity: f32,
    pub(crate) orders: Orders,
}

/// Where products must be.
#[derive(Debug, PartialEq)]
pub(crate) enum Places {
    /// At one of these.
    These(Vec<String>),
    /// At the place of the context; anywhere if it has none.
    OfContext,
    /// Anywhere.
    Anywhere,
}

/// What the answer is shown on, and to whom: what conditions of controls speak of.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    pub(crate) page_type: Option<PageType>,
    pub(crate) categories: Vec<String>,
    pub(crate) segments: Vec<String>,
    /// Words that were searched for, each once.
    pub(crate) words: Vec<String>,
}

/// Which part of the list is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// Products before it.
    pub(crate) offset: usize,
    /// Most products of it.
    pub(crate) size: usize,
    /// What tells the list from those of other questions.
    pub(crate) list: List,
    /// What the first page was, or is to be, drawn with; none if nothing is left to chance.
    pub(crate) draw: Option<Draw>,
}

impl Page {
    /// How much of the list is needed.
    pub(crate) fn end(&self) -> usize {
        self.offset.saturating_add(self.size)
    }
}

/// Where only older events of hers count, so many times as many are read: those since are among them.
const LOOKED_THROUGH: usize = 8;

impl Question {
    /// How many events of hers are read, where `limit` of them count.
    pub(crate) fn events_read(&self, limit: usize) -> usize {
        match self.as_of {
            Some(_) => limit.saturating_mul(LOOKED_THROUGH),
            None => limit,
        }
    }

    /// Those of the events that were read that count: at most `limit`.
    pub(crate) fn that_count(&self, mut read: Vec<StoredEvent>, limit: usize) -> Vec<StoredEvent> {
        if let Some(Freshness(as_of)) = self.as_of {
            read.retain(|event| event.position <= as_of);
            read.drain(..read.len().saturating_sub(limit));
        }
        read
    }

    /// At which of these places products must be, anywhere if there is none; how many of them, and whether orders
    /// are taken.
    pub(crate) fn stock<'a>(&'a self, config: &'a ServingConfig) -> (&'a [String], f32, Orders) {
        let here = self.engine.place.as_slice();
        let usual = config.fulfillment.as_ref();
        if let Some(wanted) = &self.scope.fulfillment {
            let places = match &wanted.places {
                Places::These(places) => places,
                Places::OfContext => here,
                Places::Anywhere => &[],
            };
            return (places, wanted.min_quantity, wanted.orders);
        }
        let Some(usual) = usual else {
            return (here, 0.0, Orders::Refused);
        };
        let orders = if usual.allow_preorder {
            Orders::Taken
        } else {
            Orders::Refused
        };
        let places = if here.is_empty() { &usual.places } else { here };
        (places, usual.min_quantity, orders)
    }
}
