//! A question that was found to be in order.

use recommender_core::engine::EngineRequest;
use recommender_core::events::{Consent, Event};
use recommender_store::catalog::Orders;
use recommender_store::filter::Filter;
use recommender_store::identity::Identifier;

use crate::answering::Freshness;
use crate::proto::Channel;
use crate::serving::{Diversity, PageType, ServingConfig, ServingConfigName};

/// A question that was found to be in order.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) serving_config: ServingConfigName,
    pub(crate) asker: Asker,
    /// What the engine is asked; her history and session come to it once they are known.
    pub(crate) engine: EngineRequest,
    pub(crate) scope: Scope,
    pub(crate) scene: Scene,
    /// None is what the serving config says.
    pub(crate) diversity: Option<Diversity>,
    pub(crate) page: Page,
    /// The write that the answer must have seen.
    pub(crate) min_freshness: Option<Freshness>,
    /// The latest write that the answer has seen; set when it is begun.
    pub(crate) seen: Option<Freshness>,
    /// Whether the answer holds the products' own fields.
    pub(crate) with_products: bool,
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

/// A filter as it was written, and read.
#[derive(Debug)]
pub(crate) struct AskedFilter {
    pub(crate) text: String,
    pub(crate) filter: Filter,
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
    /// What tells this question from others.
    pub(crate) digest: u64,
}

impl Page {
    /// How much of the list is needed.
    pub(crate) fn end(&self) -> usize {
        self.offset.saturating_add(self.size)
    }
}

impl Question {
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
