//! How much of each item is where.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::Money;
use crate::stamp::{Slot, Stamp};

/// Quantities and prices by place and item. A quantity takes some 50 bytes.
#[derive(Debug, Default)]
pub(super) struct Levels {
    numbers: FxHashMap<Arc<str>, u32>,
    items: Vec<ItemLevels>,
    places: FxHashMap<String, FxHashMap<u32, Slot<f32>>>,
    /// Places at which nothing is sold for now: what is there counts for nothing.
    closed: FxHashSet<String>,
    /// Prices by place, the empty name for those of no place, and item.
    prices: FxHashMap<String, FxHashMap<String, Slot<Money>>>,
}

#[derive(Debug)]
struct ItemLevels {
    key: Arc<str>,
    /// The quantity without a place.
    overall: Slot<f32>,
    /// At how many places a quantity is known.
    known: u32,
    /// At how many open places there is some of it.
    stocked: u32,
    /// How much there is at open places together.
    total: f64,
}

impl ItemLevels {
    /// Takes in that a quantity of an open place became another.
    fn count(&mut self, before: f32, after: f32) {
        self.stocked = self.stocked + u32::from(some(after)) - u32::from(some(before));
        self.total += f64::from(after) - f64::from(before);
    }
}

impl Levels {
    /// Takes in how much of an item there is, at a place or without one; says whether anything changed.
    pub(super) fn set_quantity(
        &mut self,
        place: Option<&str>,
        item: &str,
        level: (Option<f32>, Stamp),
    ) -> bool {
        let number = self.number(item);
        let levels = &mut self.items[number as usize];
        let Some(place) = place else {
            return levels.overall.put(level.1, level.0);
        };
        let at_place = self.places.entry(place.to_owned()).or_default();
        let slot = at_place.entry(number).or_default();
        let before = slot.value().copied();
        if !slot.put(level.1, level.0) {
            return false;
        }
        let (known, after) = (u32::from(before.is_some()), level.0);
        levels.known = levels.known + u32::from(after.is_some()) - known;
        if !self.closed.contains(place) {
            levels.count(before.unwrap_or(0.0), after.unwrap_or(0.0));
        }
        true
    }

    /// Takes in that a place opens or closes; gives the items that this changes.
    pub(super) fn set_closed(&mut self, place: &str, closed: bool) -> Vec<Arc<str>> {
        let changed = if closed {
            self.closed.insert(place.to_owned())
        } else {
            self.closed.remove(place)
        };
        let stocked = self.places.get(place).filter(|_| changed);
        let mut items = Vec::new();
        for (&number, slot) in stocked.into_iter().flatten() {
            let quantity = slot.value().copied().unwrap_or(0.0);
            let levels = &mut self.items[number as usize];
            let (before, after) = if closed {
                (quantity, 0.0)
            } else {
                (0.0, quantity)
            };
            levels.count(before, after);
            items.push(Arc::clone(&levels.key));
        }
        items
    }

    /// Whether a place was said to be closed.
    pub(super) fn is_closed(&self, place: &str) -> bool {
        self.closed.contains(place)
    }

    /// Takes in what an item costs, at a place or without one; says whether anything changed.
    pub(super) fn set_price(
        &mut self,
        place: Option<&str>,
        item: &str,
        level: (Option<Money>, Stamp),
    ) -> bool {
        let place = place.unwrap_or_default().to_owned();
        let at_place = self.prices.entry(place).or_default();
        at_place
            .entry(item.to_owned())
            .or_default()
            .put(level.1, level.0)
    }

    /// What an item costs at a place, or without one.
    pub(super) fn price(&self, place: Option<&str>, item: &str) -> Option<&Money> {
        self.prices
            .get(place.unwrap_or_default())?
            .get(item)?
            .value()
    }

    /// Whether anything was ever said of a price at a place.
    pub(super) fn knows_prices_at(&self, place: &str) -> bool {
        self.prices.contains_key(place)
    }

    /// Whether anything was ever said of a quantity at a place.
    pub(super) fn knows_stock_at(&self, place: &str) -> bool {
        self.places.contains_key(place)
    }

    /// Keys that have a price at a place.
    pub(super) fn priced_at(&self, place: &str) -> impl Iterator<Item = &str> {
        let prices = self.prices.get(place).into_iter().flatten();
        prices
            .filter(|(_, slot)| slot.is_some())
            .map(|(key, _)| key.as_str())
    }

    /// How much of an item is at a place, closed or not; nothing if nobody said so.
    pub(super) fn quantity_at(&self, place: &str, item: &str) -> f32 {
        let known = || {
            let number = self.numbers.get(item)?;
            self.places.get(place)?.get(number)?.value().copied()
        };
        known().unwrap_or(0.0)
    }

    /// How much of an item there is: what was said without a place counts before what is at all places together.
    pub(super) fn quantity(&self, item: &str) -> f64 {
        let known = || {
            let levels = &self.items[*self.numbers.get(item)? as usize];
            let overall = levels.overall.value().copied().map(f64::from);
            Some(overall.unwrap_or(levels.total))
        };
        known().unwrap_or(0.0)
    }

    /// Whether there is some of an item: what was said without a place counts before what was said of places. None if
    /// nothing was said.
    pub(super) fn somewhere(&self, item: &str) -> Option<bool> {
        let levels = &self.items[*self.numbers.get(item)? as usize];
        let overall = levels.overall.value().copied().map(some);
        overall.or_else(|| (levels.known > 0).then_some(levels.stocked > 0))
    }

    /// Places of which a quantity is known.
    pub(super) fn places(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// Numbers of the items of which there is some at `place`, closed or not.
    pub(super) fn items_at(&self, place: &str) -> impl Iterator<Item = u32> + '_ {
        let levels = self.places.get(place).into_iter().flatten();
        let stocked = levels.filter(|(_, slot)| slot.value().is_some_and(|&level| some(level)));
        stocked.map(|(&number, _)| number)
    }

    /// The key of a number.
    pub(super) fn key(&self, number: u32) -> &str {
        &self.items[number as usize].key
    }

    fn number(&mut self, item: &str) -> u32 {
        if let Some(&number) = self.numbers.get(item) {
            return number;
        }
        let number = u32::try_from(self.items.len()).expect("fewer than 2^32 items fit the memory");
        let key: Arc<str> = item.into();
        self.numbers.insert(Arc::clone(&key), number);
        self.items.push(ItemLevels {
            key,
            overall: Slot::default(),
            known: 0,
            stocked: 0,
            total: 0.0,
        });
        number
    }
}

/// Whether a quantity is more than nothing.
pub(super) fn some(quantity: f32) -> bool {
    quantity > 0.0
}
