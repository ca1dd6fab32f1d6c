//! Products, stock and places.

use std::sync::Arc;

use recommender_core::{ItemBits, ItemIx, Product, Timestamp, Vocabulary};

use crate::catalog::{
    Catalogue, EligibilityView, Money, NearStock, Obstacle, Offer, Place, Point, ProductPatch,
    ProductRecord, Stock, StockOutcome,
};
use crate::error::{Result, StoreError};
use crate::filter::{AtPlace, CompiledFilter, Filter, FilterIndex, FilterStats};
use crate::record::{Batch, FactOutcome, Table};
use crate::store::Store;
use crate::store::state::{fact, removal};
use crate::store::writing::Writing;

/// What is done where a product that is to be changed is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// The change is refused.
    #[default]
    Refused,
    /// The product is made of what is given.
    Created,
}

impl Store {
    /// Writes products, all of them or none; each takes the place of what was known of it.
    ///
    /// # Errors
    /// As [`ProductRecord::validate`] and [`Engine::write`](crate::Engine::write).
    pub fn put_products(&self, products: &[ProductRecord]) -> Result<Writing<()>> {
        let facts = products.iter().map(|product| {
            product.validate()?;
            fact(Table::Product, product.key.clone(), product)
        });
        let batch = Batch {
            facts: facts.collect::<Result<_>>()?,
            ..Batch::default()
        };
        self.0.write(batch, |_| ())
    }

    /// Changes some fields of a product and gives it as it is then. Of changes made to one product at one moment at
    /// several servers, the last one counts.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the product is not known and [`Missing::Refused`]; as [`ProductPatch::apply_to`] and
    /// [`Engine::write`](crate::Engine::write).
    pub fn patch_product(
        &self,
        patch: &ProductPatch,
        missing: Missing,
    ) -> Result<Writing<ProductRecord>> {
        let key = &patch.product.key;
        let known = self.product(key);
        let current = match (known, missing) {
            (Some(known), _) => known,
            (None, Missing::Created) => Arc::new(ProductRecord {
                key: key.clone(),
                ..ProductRecord::default()
            }),
            (None, Missing::Refused) => {
                return Err(StoreError::invalid("product", "one that is known", key));
            }
        };
        let product = patch.apply_to(&current)?;
        let batch = Batch {
            facts: vec![fact(Table::Product, key.clone(), &product)?],
            ..Batch::default()
        };
        self.0.write(batch, move |_| product)
    }

    /// Takes a product out of the catalogue: it is not offered any more, while what happened with it stays.
    ///
    /// # Errors
    /// As [`Engine::write`](crate::Engine::write).
    pub fn delete_product(&self, key: &str) -> Result<Writing<()>> {
        let batch = Batch {
            facts: vec![removal(Table::Product, key.to_owned())],
            ..Batch::default()
        };
        self.0.write(batch, |_| ())
    }

    /// Takes in how much there is of items and what they cost, and says of each whether something newer was known.
    /// Once it answered, no answer offers what is not there.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if a time is ahead; as [`Stock::validate`] and [`Engine::write`](crate::Engine::write).
    pub fn set_stock(&self, levels: &[Stock]) -> Result<Writing<Vec<StockOutcome>>> {
        let mut facts = Vec::with_capacity(levels.len());
        let mut parts = Vec::with_capacity(levels.len());
        for stock in levels {
            self.0.check_time("a stock", stock.set_time)?;
            facts.extend(stock.facts()?);
            parts.push((stock.quantity.is_some(), stock.price.is_some()));
        }
        let batch = Batch {
            facts,
            ..Batch::default()
        };
        self.0.write(batch, move |written| {
            let mut outcomes = written.facts.iter().copied();
            let mut next = |given: bool| if given { outcomes.next() } else { None };
            let stock = parts.iter().map(|&(quantity, price)| StockOutcome {
                quantity: next(quantity),
                price: next(price),
            });
            stock.collect()
        })
    }

    /// Takes away what is known of an item at a place, or without one, as of a time; says whether something newer was
    /// known.
    ///
    /// # Errors
    /// As [`Store::set_stock`].
    pub fn remove_stock(
        &self,
        place: Option<&str>,
        item: &str,
        set_time: Timestamp,
    ) -> Result<Writing<StockOutcome>> {
        self.0.check_time("a stock", set_time)?;
        let batch = Batch {
            facts: Stock::removal(place, item, set_time),
            ..Batch::default()
        };
        self.0.write(batch, |written| {
            let outcome = |part: usize| written.facts.get(part).copied();
            let (quantity, price): (_, Option<FactOutcome>) = (outcome(0), outcome(1));
            StockOutcome { quantity, price }
        })
    }

    /// Writes places, all of them or none.
    ///
    /// # Errors
    /// As [`Place::validate`] and [`Engine::write`](crate::Engine::write).
    pub fn put_places(&self, places: &[Place]) -> Result<Writing<()>> {
        let facts = places.iter().map(|place| {
            place.validate()?;
            fact(Table::Place, place.key.clone(), place)
        });
        let batch = Batch {
            facts: facts.collect::<Result<_>>()?,
            ..Batch::default()
        };
        self.0.write(batch, |_| ())
    }

    /// Takes away what is known of a place, but for its stock: close a place at which nothing is sold.
    ///
    /// # Errors
    /// As [`Engine::write`](crate::Engine::write).
    pub fn delete_place(&self, key: &str) -> Result<Writing<()>> {
        let batch = Batch {
            facts: vec![removal(Table::Place, key.to_owned())],
            ..Batch::default()
        };
        self.0.write(batch, |_| ())
    }

    /// The product of a key.
    #[must_use]
    pub fn product(&self, key: &str) -> Option<Arc<ProductRecord>> {
        self.0.read().catalogue.product(key).cloned()
    }

    /// All products as models read them, by key.
    #[must_use]
    pub fn products(&self) -> Vec<Product> {
        let records: Vec<Arc<ProductRecord>> =
            self.0.read().catalogue.products().cloned().collect();
        let products = records.iter().map(|record| record.product());
        let mut products: Vec<Product> = products.collect();
        products.sort_by(|a, b| a.key.cmp(&b.key));
        products
    }

    /// The place of a key.
    #[must_use]
    pub fn place(&self, key: &str) -> Option<Arc<Place>> {
        self.0.read().catalogue.places().get(key).cloned()
    }

    /// How much of a product, its variants included, can be had at a place.
    #[must_use]
    pub fn quantity_at(&self, place: &str, item: &str) -> f32 {
        self.0.read().catalogue.quantity_at(place, item)
    }

    /// What a product costs, at a place or without one.
    #[must_use]
    pub fn price(&self, place: Option<&str>, item: &str) -> Option<Money> {
        self.0.read().catalogue.price(place, item).cloned()
    }

    /// Open places within some kilometres of a point, the nearest first, at most `asked.1`, each with what it has of
    /// the items `asked.0`.
    #[must_use]
    pub fn nearest_with(
        &self,
        point: Point,
        within_km: f64,
        asked: (&[String], usize),
    ) -> Vec<NearStock> {
        self.0
            .read()
            .catalogue
            .nearest_with(point, within_km, asked)
    }

    /// What may be offered, in the numbering of a fitted model; kept in step as long as someone holds it. It goes through
    /// all products and their stock, while others read and write.
    #[must_use]
    pub fn eligibility(&self, items: Arc<Vocabulary<ItemIx>>) -> Arc<EligibilityView> {
        Catalogue::view_by_pieces(items, &mut |work| work(&self.0.read().catalogue))
    }

    /// What of a view may be offered, with everything that was written before.
    #[must_use]
    pub fn allowed(&self, view: &EligibilityView, offer: &Offer<'_>) -> ItemBits {
        self.0.read().catalogue.allowed(view, offer)
    }

    /// All reasons for which a product may not be offered as asked; none if it may.
    #[must_use]
    pub fn obstacles(&self, key: &str, offer: &Offer<'_>) -> Vec<Obstacle> {
        self.0.read().catalogue.obstacles(key, offer)
    }

    /// Whether a filter means a product, with price and quantity at a place or without one.
    #[must_use]
    pub fn means(&self, filter: &Filter, place: Option<&str>, key: &str) -> bool {
        let state = self.0.read();
        let catalogue = &state.catalogue;
        let Some(record) = catalogue.product(key) else {
            return false;
        };
        let at = AtPlace {
            price: catalogue.price(place, key),
            quantity: catalogue.quantity_in(place, key),
        };
        filter.matches(record, &at)
    }

    /// An index for the filters of a view; make one for each view. It goes through the items of the view, while others
    /// read and write.
    #[must_use]
    pub fn filter_index(&self, view: Arc<EligibilityView>) -> Arc<FilterIndex> {
        FilterIndex::by_pieces(view, &mut |work| work(&self.0.read().catalogue))
    }

    /// Makes bits of a filter, kept in step as long as someone holds it. It goes through all products if the filter has
    /// a clause that no other has, while others read and write.
    #[must_use]
    pub fn compile(&self, index: &Arc<FilterIndex>, filter: &Filter) -> CompiledFilter {
        index.compile_by_pieces(filter, &mut |work| work(&self.0.read().catalogue))
    }

    /// Those of `allowed` that a filter means at a place or without one, with everything that was written before.
    #[must_use]
    pub fn filtered(
        &self,
        filter: &CompiledFilter,
        place: Option<&str>,
        allowed: &ItemBits,
    ) -> ItemBits {
        filter.cut(&self.0.read().catalogue, place, allowed)
    }

    /// Whether all of these filters are ready to be asked of a place: none has to go through what is known there first,
    /// as [`CompiledFilter::cut`] says.
    #[must_use]
    pub fn are_made(&self, filters: &[Arc<CompiledFilter>], place: Option<&str>) -> bool {
        let state = self.0.read();
        let mut filters = filters.iter();
        filters.all(|filter| filter.is_made_at(&state.catalogue, place))
    }

    /// As [`Store::filtered`], and counts what each clause did.
    #[must_use]
    pub fn filtered_counted(
        &self,
        filter: &CompiledFilter,
        place: Option<&str>,
        allowed: &ItemBits,
    ) -> (ItemBits, FilterStats) {
        filter.cut_counted(&self.0.read().catalogue, place, allowed)
    }
}
