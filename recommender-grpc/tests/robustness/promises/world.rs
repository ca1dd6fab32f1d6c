//! What must be so: all that was acknowledged, in plain maps.

use std::collections::{BTreeMap, BTreeSet};

use recommender_grpc::proto::{Availability, Channel, Product};

use crate::shop::{PLACES, products};

/// The catalogue.
pub(crate) const CATALOG: &str = "catalogs/default";

/// A store that opens and closes.
pub(crate) const CORNER: &str = "corner";

/// Where channels differ.
pub(crate) const CHANNELS: [Channel; 3] = [Channel::Web, Channel::App, Channel::Pos];

/// The brand whose products are purged.
pub(crate) const ODD: &str = "odd";

/// Keys of the products that there may be: those that were sold before, and some that come and go.
pub(crate) fn keys() -> Vec<String> {
    let new = (0..6).map(|number| format!("new-{number}"));
    products().into_iter().chain(new).collect()
}

/// The stores, known or not.
pub(crate) fn places() -> Vec<&'static str> {
    PLACES.into_iter().chain([CORNER]).collect()
}

/// What is known of a product.
#[derive(Debug, Clone, Default)]
pub(crate) struct Goods {
    pub(crate) brand: &'static str,
    pub(crate) hidden: bool,
    /// Out of stock everywhere, whatever is counted.
    pub(crate) sold_out: bool,
    /// Its time is over.
    pub(crate) expired: bool,
    /// Where it may be offered; everywhere if empty.
    pub(crate) channels: Vec<Channel>,
}

impl Goods {
    /// The product of a key, in the words of the contract.
    pub(crate) fn product(&self, key: &str) -> Product {
        let kind = key.split('-').next().unwrap_or_default();
        let mut product = Product {
            name: format!("{CATALOG}/products/{key}"),
            title: format!("The {key}"),
            categories: vec![kind.to_owned()],
            brands: vec![self.brand.to_owned()],
            hidden: self.hidden,
            eligible_channels: self.channels.iter().map(|&it| it.into()).collect(),
            ..Product::default()
        };
        if self.sold_out {
            product.set_availability(Availability::OutOfStock);
        }
        if self.expired {
            product.expire_time = Some(prost_types::Timestamp {
                seconds: 1,
                nanos: 0,
            });
        }
        product
    }
}

/// What a control does.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Hide(Vec<String>),
    /// Only products of this brand.
    Brand(&'static str),
    Pin(String),
    Boost(&'static str),
}

/// A control: what it does, and on which channel, if not on all.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) act: Act,
    pub(crate) channel: Option<Channel>,
}

/// A serving config.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recipe {
    /// Only products of this brand.
    pub(crate) brand: Option<&'static str>,
    /// Whether something of its answers is left to chance.
    pub(crate) explores: bool,
    /// Ids of its controls.
    pub(crate) controls: Vec<String>,
}

/// A question, as far as it matters to what may be answered.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Id of the serving config.
    pub(crate) config: String,
    pub(crate) place: Option<&'static str>,
    pub(crate) channel: Option<Channel>,
    /// Only products of this brand.
    pub(crate) brand: Option<&'static str>,
    pub(crate) excluded: String,
    /// What the shopper never wants to see again.
    pub(crate) refused: BTreeSet<String>,
}

/// When a quantity was set last, in milliseconds, and to what; to nothing if it was taken away.
pub(crate) type Level = (i64, Option<f32>);

/// Products, stock, places and rules.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) products: BTreeMap<String, Goods>,
    /// By place, none of which is everywhere, and product.
    pub(crate) stock: BTreeMap<(Option<&'static str>, String), Level>,
    /// The places that are known, and whether they are closed.
    pub(crate) places: BTreeMap<&'static str, bool>,
    pub(crate) controls: BTreeMap<String, Rule>,
    pub(crate) recipes: BTreeMap<String, Recipe>,
}

impl World {
    /// Takes in a quantity; says whether it counts, or a later one stands.
    pub(crate) fn set(&mut self, place: Option<&'static str>, key: &str, level: Level) -> bool {
        let known = self
            .stock
            .entry((place, key.to_owned()))
            .or_insert((0, None));
        let counts = level.0 >= known.0;
        if counts {
            *known = level;
        }
        counts
    }

    fn quantity(&self, place: Option<&'static str>, key: &str) -> Option<f32> {
        let level = self.stock.get(&(place, key.to_owned()));
        level.and_then(|(_, quantity)| *quantity)
    }

    /// Whether there is some of a product where it is asked for.
    fn is_there(&self, place: Option<&'static str>, key: &str) -> bool {
        let some = |quantity: f32| quantity > 0.0;
        // What is at a closed place is counted, and can't be had.
        let is_open = |place: &str| self.places.get(place) != Some(&true);
        if let Some(place) = place {
            return is_open(place) && self.quantity(Some(place), key).is_some_and(some);
        }
        if let Some(quantity) = self.quantity(None, key) {
            return some(quantity);
        }
        let counted = |place| Some((place, self.quantity(Some(place), key)?));
        let counted: Vec<_> = places().into_iter().filter_map(counted).collect();
        let can_be_had = |&(place, quantity): &(&str, f32)| is_open(place) && some(quantity);
        counted.is_empty() || counted.iter().any(can_be_had)
    }

    /// The rules that act on an answer.
    pub(crate) fn rules<'a>(&'a self, asked: &'a Asked) -> impl Iterator<Item = &'a Rule> {
        let controls = self.recipes[&asked.config].controls.iter();
        let rules = controls.map(|id| &self.controls[id]);
        rules.filter(|rule| rule.channel.is_none() || rule.channel == asked.channel)
    }

    /// Whether the order of an answer is the model's alone.
    pub(crate) fn is_plain(&self, asked: &Asked) -> bool {
        let moved = |rule: &Rule| matches!(rule.act, Act::Pin(_) | Act::Boost(_));
        !self.rules(asked).any(moved)
    }

    /// Whether a product may be answered.
    pub(crate) fn allows(&self, asked: &Asked, key: &str) -> bool {
        let Some(goods) = self.products.get(key) else {
            return false;
        };
        let is_meant = |brand: Option<&'static str>| brand.is_none_or(|it| it == goods.brand);
        let passes = |rule: &Rule| match &rule.act {
            Act::Hide(keys) => !keys.iter().any(|it| it == key),
            Act::Brand(brand) => *brand == goods.brand,
            Act::Pin(_) | Act::Boost(_) => true,
        };
        let here = goods.channels.is_empty()
            || (asked.channel).is_none_or(|channel| goods.channels.contains(&channel));
        !(goods.hidden || goods.sold_out || goods.expired || key == asked.excluded)
            && here
            && !asked.refused.contains(key)
            && self.is_there(asked.place, key)
            && is_meant(asked.brand)
            && is_meant(self.recipes[&asked.config].brand)
            && self.rules(asked).all(passes)
    }

    /// Everything that may be answered.
    pub(crate) fn allowed(&self, asked: &Asked) -> BTreeSet<String> {
        let keys = keys().into_iter();
        keys.filter(|key| self.allows(asked, key)).collect()
    }
}
