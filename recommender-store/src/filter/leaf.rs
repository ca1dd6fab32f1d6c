//! The items of which one clause holds.

use std::sync::{Arc, PoisonError, RwLock};

use recommender_core::ItemIx;
use rustc_hash::FxHashMap;

use crate::catalog::{AtomicBits, Catalogue, Change, EligibilityView, ProductRecord};
use crate::filter::AtPlace;
use crate::filter::expression::{Clause, Test};
use crate::filter::field::Reads;
use crate::filter::value::{Datum, Finite};

/// Where a filter is asked: what is known, in which numbering, and the place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) view: &'a EligibilityView,
    pub(super) place: Option<&'a str>,
}

/// The items of which one clause holds: without a place, and at the places that were asked for and of which something
/// is known. Whether an item without a record is among them means nothing.
#[derive(Debug)]
pub(super) struct Leaf {
    clause: Clause,
    reads: Reads,
    overall: AtomicBits,
    places: RwLock<FxHashMap<String, Arc<AtomicBits>>>,
    /// Of a clause on quantities: the items of a place of which no quantity is known, all or none.
    nowhere: Option<AtomicBits>,
}

impl Leaf {
    /// None of `items` items.
    pub(super) fn new(clause: Clause, items: usize) -> Self {
        let reads = clause.field.reads();
        let nowhere = (reads == Reads::Quantity).then(|| {
            if passes_nothing(&clause.test) {
                AtomicBits::ones(items)
            } else {
                AtomicBits::new(items)
            }
        });
        Self {
            clause,
            reads,
            overall: AtomicBits::new(items),
            places: RwLock::default(),
            nowhere,
        }
    }

    /// Looks at a product of a new leaf.
    pub(super) fn take_in(&self, catalogue: &Catalogue, item: ItemIx, record: &ProductRecord) {
        if self.clause.holds(record, &self.at(catalogue, None, record)) {
            self.overall.set(item, true);
        }
    }

    /// Looks at an item again after a change.
    pub(super) fn refresh(
        &self,
        catalogue: &Catalogue,
        (item, key): (ItemIx, &str),
        change: Change<'_>,
    ) {
        if !self.reads(change) {
            return;
        }
        let record = catalogue.product(key);
        let holds = |place: Option<&str>| {
            record.is_some_and(|record| {
                let at = self.at(catalogue, place, record);
                self.clause.holds(record, &at)
            })
        };
        if !matches!(change, Change::Price(Some(_))) {
            self.overall.set(item, holds(None));
        }
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        for (place, bits) in places.iter() {
            if is_felt_at(change, place) {
                bits.set(item, holds(Some(place)));
            }
        }
    }

    /// Whether a change may make it another.
    fn reads(&self, change: Change<'_>) -> bool {
        match change {
            Change::Record => true,
            Change::Price(_) => self.reads == Reads::Price,
            Change::Quantity(_) => self.reads == Reads::Quantity,
        }
    }

    /// Reads the items at the place asked for.
    ///
    /// Where the place was not asked for before, its prices or stock are gone through once.
    pub(super) fn read(&self, asked: &Asked<'_>, read: &mut dyn FnMut(&AtomicBits)) {
        let Some(place) = asked.place.filter(|_| self.reads != Reads::Record) else {
            return read(&self.overall);
        };
        if self.differs_at(asked.catalogue, place) {
            read(&self.bits_of(asked, place));
        } else {
            read(self.nowhere.as_ref().unwrap_or(&self.overall));
        }
    }

    /// Whether the items are others at a place than everywhere else.
    fn differs_at(&self, catalogue: &Catalogue, place: &str) -> bool {
        match self.reads {
            Reads::Record => false,
            Reads::Price => catalogue.knows_prices_at(place),
            Reads::Quantity => catalogue.knows_stock_at(place),
        }
    }

    /// Whether nothing has to be gone through to read the items at the place asked for.
    pub(super) fn is_made(&self, asked: &Asked<'_>) -> bool {
        let own = asked
            .place
            .filter(|place| self.differs_at(asked.catalogue, place));
        own.is_none_or(|place| {
            let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
            places.contains_key(place)
        })
    }

    /// The places at which it was read and is other than everywhere else.
    pub(super) fn places(&self) -> Vec<String> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places.keys().cloned().collect()
    }

    fn bits_of(&self, asked: &Asked<'_>, place: &str) -> Arc<AtomicBits> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(bits) = places.get(place) {
            return Arc::clone(bits);
        }
        drop(places);
        let bits = Arc::new(self.made_of(asked, place));
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(places.entry(place.to_owned()).or_insert(bits))
    }

    /// Looks at the items that the place says something of; the others are as everywhere else.
    fn made_of(&self, asked: &Asked<'_>, place: &str) -> AtomicBits {
        let catalogue = asked.catalogue;
        let keys: &mut dyn Iterator<Item = &str> = match self.reads {
            Reads::Quantity => &mut catalogue.stocked_at(place),
            Reads::Price | Reads::Record => &mut catalogue.priced_at(place),
        };
        let bits = self.nowhere.as_ref().unwrap_or(&self.overall).copied();
        for key in keys {
            let Some((item, record)) = asked.view.items().get(key).zip(catalogue.product(key))
            else {
                continue;
            };
            let at = self.at(catalogue, Some(place), record);
            bits.set(item, self.clause.holds(record, &at));
        }
        bits
    }

    /// What the clause has to know of a product besides its record.
    fn at<'a>(
        &self,
        catalogue: &'a Catalogue,
        place: Option<&str>,
        record: &ProductRecord,
    ) -> AtPlace<'a> {
        let key = &record.key;
        match self.reads {
            Reads::Record => AtPlace::default(),
            Reads::Price => AtPlace {
                price: catalogue.price(place, key),
                quantity: 0.0,
            },
            Reads::Quantity => AtPlace {
                price: None,
                quantity: catalogue.quantity_in(place, key),
            },
        }
    }
}

/// Whether a change means something at a place. A price without a place may be that of a place too, a quantity is not.
fn is_felt_at(change: Change<'_>, place: &str) -> bool {
    match change {
        Change::Record | Change::Price(None) => true,
        Change::Price(Some(changed)) | Change::Quantity(Some(changed)) => changed == place,
        Change::Quantity(None) => false,
    }
}

/// Whether a test passes a quantity of nothing.
fn passes_nothing(test: &Test) -> bool {
    Finite::new(0.0).is_some_and(|nothing| test.passes(Datum::Number(nothing)))
}
