//! What the store knows of, piece by piece.

use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::catalog::{Catalogue, Place, ProductRecord};
use crate::filter::{AtPlace, Filter};
use crate::store::Store;

impl Store {
    /// The products that a filter means and whose keys come after `after`, by key in byte order, at most `limit`. Prices
    /// and quantities are those without a place. It looks at every product.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use recommender_store::catalog::ProductRecord;
    /// use recommender_store::filter::Filter;
    /// use recommender_store::{MemoryEngine, Store, StoreConfig};
    /// let store = Store::open(Arc::new(MemoryEngine::default()), StoreConfig::default())?;
    /// let product = |key: &str| ProductRecord { key: key.into(), ..ProductRecord::default() };
    /// store.put_products(&["pan", "cup", "lid"].map(product))?.wait()?;
    /// let page = store.product_page(&Filter::default(), Some("cup"), 1);
    /// assert_eq!(page[0].key, "lid");
    /// # Ok::<(), recommender_store::StoreError>(())
    /// ```
    #[must_use]
    pub fn product_page(
        &self,
        filter: &Filter,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<Arc<ProductRecord>> {
        let state = self.0.read();
        let catalogue = &state.catalogue;
        let mut first: BinaryHeap<ByKey> = BinaryHeap::new();
        for record in catalogue.products() {
            let late = |last: &ByKey| record.key >= last.0.key;
            let full = first.len() == limit && first.peek().is_none_or(late);
            let passed = after.is_some_and(|after| record.key.as_str() <= after);
            if full || passed || !is_meant(filter, catalogue, record) {
                continue;
            }
            if first.len() == limit {
                first.pop();
            }
            first.push(ByKey(Arc::clone(record)));
        }
        let sorted = first.into_sorted_vec().into_iter();
        sorted.map(|ByKey(record)| record).collect()
    }

    /// All places, by key.
    #[must_use]
    pub fn places(&self) -> Vec<Arc<Place>> {
        self.0.read().catalogue.places().iter().cloned().collect()
    }

    /// How much of a product, its variants included, there is: what was said without a place counts before what is at all
    /// open places together.
    #[must_use]
    pub fn quantity(&self, item: &str) -> f64 {
        self.0.read().catalogue.quantity(item)
    }
}

fn is_meant(filter: &Filter, catalogue: &Catalogue, record: &ProductRecord) -> bool {
    if filter.is_empty() {
        return true;
    }
    let at = AtPlace {
        price: catalogue.price(None, &record.key),
        quantity: catalogue.quantity(&record.key),
    };
    filter.matches(record, &at)
}

/// Products in the order of their keys.
struct ByKey(Arc<ProductRecord>);

impl PartialEq for ByKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for ByKey {}

impl PartialOrd for ByKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryEngine;
    use crate::store::StoreConfig;

    #[test]
    fn pages_hold_every_product_once_and_only_those_meant() {
        let store = Store::open(Arc::new(MemoryEngine::default()), StoreConfig::default()).unwrap();
        let products: Vec<ProductRecord> = (0..57)
            .map(|number| ProductRecord {
                key: format!("item-{:02}", number * 7 % 57),
                hidden: number % 3 == 0,
                ..ProductRecord::default()
            })
            .collect();
        store.put_products(&products).unwrap().wait().unwrap();
        let filter = Filter::parse("hidden = false").unwrap();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = store.product_page(&filter, after.as_deref(), 10);
            seen.extend(page.iter().map(|record| record.key.clone()));
            if page.len() < 10 {
                break;
            }
            after = seen.last().cloned();
        }
        let mut expected: Vec<String> = products
            .into_iter()
            .filter(|product| !product.hidden)
            .map(|product| product.key)
            .collect();
        expected.sort();
        assert_eq!(seen, expected);
        assert!(store.product_page(&filter, None, 0).is_empty());
    }
}
