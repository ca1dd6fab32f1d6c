//! Everything that is known of products, stock and places.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use recommender_core::events::Channel;
use recommender_core::{ItemBits, ItemIx};

use crate::catalog::eligibility::{Change, EligibilityView, ItemState, Offer};
use crate::catalog::levels::Levels;
use crate::catalog::products::Products;
use crate::catalog::stock::{Part, StockKey, quantity_of};
use crate::catalog::{Availability, Money, Place, Places, ProductRecord};
use crate::error::{Result, StoreError};
use crate::record::Span;
use crate::stamp::Stamp;

/// Everything that is known of products, stock and places, in memory.
///
/// It is fed facts, in any order of arrival, and keeps every [`EligibilityView`] it gave out in step.
#[derive(Debug, Default)]
pub struct Catalogue {
    pub(super) products: Products,
    pub(super) levels: Levels,
    places: Places,
    views: Mutex<Vec<Weak<EligibilityView>>>,
}

impl Catalogue {
    /// Takes in what a product is now, or that it is none any more; what came with a larger stamp stays. Says whether
    /// anything changed.
    pub fn apply_product(
        &mut self,
        key: &str,
        record: Option<ProductRecord>,
        stamp: Stamp,
    ) -> bool {
        let record = record.map(Arc::new);
        let after = record
            .as_ref()
            .and_then(|record| record.primary_key.clone());
        let Some(before) = self.products.put(key, record, stamp) else {
            return false;
        };
        let before = before.and_then(|record| record.primary_key.clone());
        for view in self.live_views() {
            self.refresh_item(&view, key);
            if before != after {
                for primary in before.iter().chain(&after) {
                    self.refresh_item(&view, primary);
                    self.refresh_places(&view, primary);
                }
            }
        }
        true
    }

    /// Takes in a fact about stock, by its key and value; what came with a larger stamp stays. Says whether anything
    /// changed.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the key or value is not one of stock.
    pub fn apply_stock(&mut self, key: &str, value: Option<&[u8]>, stamp: Stamp) -> Result<bool> {
        let StockKey { place, item, part } = StockKey::parse(key)?;
        match part {
            Part::Price => {
                let read = |value| serde_json::from_slice::<Money>(value);
                let price = value.map(read).transpose();
                let price =
                    price.map_err(|error| StoreError::invalid("stock", "a price", error))?;
                let changed = self.levels.set_price(place, item, (price, stamp));
                if changed {
                    self.tell_price(place, item);
                }
                Ok(changed)
            }
            Part::Quantity => {
                let quantity = value.map(quantity_of).transpose()?;
                let changed = self.levels.set_quantity(place, item, (quantity, stamp));
                if changed {
                    self.refresh_stock(place, item);
                }
                Ok(changed)
            }
        }
    }

    /// Takes in what a place is now, or that it is none any more; what came with a larger stamp stays. Says whether
    /// anything changed.
    pub fn apply_place(&mut self, key: &str, place: Option<Place>, stamp: Stamp) -> bool {
        let closed = place.as_ref().is_some_and(|place| place.closed);
        let changed = self.places.apply(key, place, stamp);
        if changed {
            let items = self.levels.set_closed(key, closed);
            let views = self.live_views();
            views.iter().for_each(|view| view.set_closed(key, closed));
            for item in &items {
                self.refresh_stock(Some(key), item);
            }
        }
        changed
    }

    /// The product of a key.
    #[must_use]
    pub fn product(&self, key: &str) -> Option<&Arc<ProductRecord>> {
        self.products.get(key)
    }

    /// All products, in no order.
    pub fn products(&self) -> impl Iterator<Item = &Arc<ProductRecord>> {
        self.products.iter()
    }

    /// Keys of the variants of a product, in order.
    pub fn variants_of(&self, key: &str) -> impl Iterator<Item = &str> {
        self.products.variants_of(key)
    }

    /// The places.
    #[must_use]
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// How much of a product, its variants included, can be had at a place; nothing if it is closed.
    #[must_use]
    pub fn quantity_at(&self, place: &str, key: &str) -> f32 {
        if self.levels.is_closed(place) {
            return 0.0;
        }
        self.there(place, key)
    }

    /// How much of a product, its variants included, there is: what was said without a place counts before what is at
    /// all open places together; nothing if nobody counted.
    #[must_use]
    pub fn quantity(&self, key: &str) -> f64 {
        let family = self.products.family(key);
        family.map(|key| self.levels.quantity(key)).sum()
    }

    /// How much of a product there is at a place, or at all.
    pub(crate) fn quantity_in(&self, place: Option<&str>, key: &str) -> f64 {
        match place {
            Some(place) => f64::from(self.quantity_at(place, key)),
            None => self.quantity(key),
        }
    }

    /// What a product costs: at the place if it has a price there, else without a place, else by its record.
    #[must_use]
    pub fn price(&self, place: Option<&str>, key: &str) -> Option<&Money> {
        let there = place.and_then(|place| self.levels.price(Some(place), key));
        let anywhere = there.or_else(|| self.levels.price(None, key));
        anywhere.or_else(|| self.products.get(key)?.price.as_ref())
    }

    /// What of `view` may be offered as `offer` asks.
    ///
    /// It takes a few operations on words of 64 items. A [`Offer::min_quantity`] that is new to a place looks up what is
    /// there, once; one without any place looks up every item, each time.
    #[must_use]
    pub fn allowed(&self, view: &EligibilityView, offer: &Offer<'_>) -> ItemBits {
        let allowed = view.allowed(offer, &|place, least| self.with_enough(view, place, least));
        if offer.min_quantity <= 0.0 || !offer.places.is_empty() {
            return allowed;
        }
        let least = f64::from(offer.min_quantity);
        let enough = allowed.iter().filter(|&item| {
            let key = view.items().key(item);
            self.quantity(key) >= least || (offer.orders.are_taken() && self.takes_orders(key))
        });
        enough.collect()
    }

    /// The items of `view` of which a place has at least so many.
    fn with_enough(&self, view: &EligibilityView, place: &str, least: f32) -> Vec<ItemIx> {
        let keys = self.stocked_at(place);
        let enough = keys.filter(|key| self.there(place, key) >= least);
        enough.filter_map(|key| view.items().get(key)).collect()
    }

    /// Keys of which there is some at a place, closed or not, and of the products they are variants of; some twice.
    pub(crate) fn stocked_at(&self, place: &str) -> impl Iterator<Item = &str> {
        let keys = self.levels.items_at(place).flat_map(|number| {
            let key = self.levels.key(number);
            [Some(key), self.products.primary_of(key)]
        });
        keys.flatten()
    }

    /// Keys that have a price of their own at a place.
    pub(crate) fn priced_at(&self, place: &str) -> impl Iterator<Item = &str> {
        self.levels.priced_at(place)
    }

    /// Whether anything was ever said of a price at a place.
    pub(crate) fn knows_prices_at(&self, place: &str) -> bool {
        self.levels.knows_prices_at(place)
    }

    /// Whether anything was ever said of a quantity at a place.
    pub(crate) fn knows_stock_at(&self, place: &str) -> bool {
        self.levels.knows_stock_at(place)
    }

    fn takes_orders(&self, key: &str) -> bool {
        let record = self.products.get(key);
        record.is_some_and(|record| record.availability.takes_orders())
    }

    /// Keeps a view in step from now on, as long as someone holds it.
    pub(super) fn keep_in_step(&self, view: &Arc<EligibilityView>) {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.retain(|view| view.strong_count() > 0);
        views.push(Arc::downgrade(view));
    }

    fn live_views(&self) -> Vec<Arc<EligibilityView>> {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.iter().filter_map(Weak::upgrade).collect()
    }

    /// Brings a view up to date on a product, but for its stock at places.
    pub(super) fn refresh_item(&self, view: &EligibilityView, key: &str) {
        let Some(item) = view.items().get(key) else {
            return;
        };
        let state = self.products.get(key).map(|record| ItemState {
            listed: !record.hidden && record.availability != Availability::OutOfStock,
            orders: record.availability.takes_orders(),
            somewhere: self.somewhere(key),
            channels: Channel::ALL.map(|channel| {
                record.eligible_channels.is_empty() || record.eligible_channels.contains(&channel)
            }),
            window: Span {
                from: record.available_time,
                until: record.expire_time,
            },
        });
        view.set_item(item, &state.unwrap_or_default());
        view.tell(self, item, Change::Record);
    }

    /// Tells those who follow the views what an item costs now.
    fn tell_price(&self, place: Option<&str>, key: &str) {
        for view in self.live_views() {
            if let Some(item) = view.items().get(key) {
                view.tell(self, item, Change::Price(place));
            }
        }
    }

    /// Brings the views up to date on the stock of an item and of the product it is a variant of.
    fn refresh_stock(&self, place: Option<&str>, item: &str) {
        let primary = self.products.primary_of(item);
        for view in self.live_views() {
            for key in [Some(item), primary].into_iter().flatten() {
                let Some(number) = view.items().get(key) else {
                    continue;
                };
                view.set_somewhere(number, self.somewhere(key));
                if let Some(place) = place {
                    view.set_stock(place, number, self.there(place, key));
                }
                view.tell(self, number, Change::Quantity(place));
            }
        }
    }

    fn refresh_places(&self, view: &EligibilityView, key: &str) {
        let Some(number) = view.items().get(key) else {
            return;
        };
        for place in self.levels.places() {
            view.set_stock(place, number, self.there(place, key));
        }
    }

    /// How much of a product and its variants is at a place, closed or not.
    fn there(&self, place: &str, key: &str) -> f32 {
        let family = self.products.family(key);
        family.map(|key| self.levels.quantity_at(place, key)).sum()
    }

    /// Whether there is some of a product or its variants; so it is if nobody keeps stock of them.
    pub(super) fn somewhere(&self, key: &str) -> bool {
        let family = self.products.family(key);
        let known = family.filter_map(|key| self.levels.somewhere(key));
        known.reduce(|some, more| some || more).unwrap_or(true)
    }
}
