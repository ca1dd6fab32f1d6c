//! Business rules.

use recommender_core::Timestamp;
use recommender_core::events::Channel;
use recommender_store::filter::Filter;
use serde::{Deserialize, Serialize};

/// A business rule: when it acts, and what it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// Its own name within the catalogue.
    pub id: String,
    /// For people.
    #[serde(default)]
    pub display_name: String,
    /// When it acts.
    #[serde(default)]
    pub condition: Condition,
    /// What it does.
    pub action: Action,
}

/// When a control acts: all of the parts must hold; a part that is empty always does.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// On one of these channels.
    pub channels: Vec<Channel>,
    /// At one of these places.
    pub places: Vec<String>,
    /// On one of these sorts of page.
    pub page_types: Vec<PageType>,
    /// On a page about one of these categories.
    pub page_categories: Vec<String>,
    /// For a shopper of one of these segments, which the request names as attribute `segment`.
    pub segments: Vec<String>,
    /// Within one of these times.
    pub active: Vec<TimeRange>,
}

/// What kind of page or screen an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageType {
    /// Home page.
    Home,
    /// Page of a category.
    Category,
    /// Page of one product.
    Detail,
    /// Cart.
    Cart,
    /// Checkout.
    Checkout,
    /// Search results.
    Search,
    /// Confirmation of an order.
    OrderConfirmation,
    /// A screen that a shop assistant or call-centre agent looks at.
    Assisted,
}

/// From a time to another, the latter not in it; without one, open on that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TimeRange {
    /// The first moment.
    pub start: Option<Timestamp>,
    /// The first moment after it.
    pub end: Option<Timestamp>,
}

impl TimeRange {
    /// Whether `time` is in it.
    #[must_use]
    pub fn contains(&self, time: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time < end)
    }
}

/// What a control does. Hide, filter and what may be had act before the cut; the others order what is left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Only these products may be answered.
    Filter(Filter),
    /// These products are never answered.
    Hide {
        /// Keys of the products.
        products: Vec<String>,
    },
    /// These products are moved up or down: `strength` is above 0 and at most 1, and 1 puts them before (or behind)
    /// everything that is not meant.
    Boost {
        /// Which products.
        filter: Filter,
        /// Up or down.
        direction: Direction,
        /// How far.
        strength: f64,
    },
    /// This product stands at this position, counted from 1, if it may be answered.
    Pin {
        /// Key of the product.
        product: String,
        /// Where.
        position: usize,
    },
    /// At least so many of a hundred products of an answer are of these, as far as there are such.
    Quota {
        /// Which products.
        filter: Filter,
        /// Above 0, at most 100.
        percent: f64,
    },
}

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Boost.
    Up,
    /// Bury.
    Down,
}
