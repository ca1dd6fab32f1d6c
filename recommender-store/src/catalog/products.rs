//! The products, and which are variants of which.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::catalog::ProductRecord;
use crate::stamp::{Slot, Stamp};

#[derive(Debug, Default)]
pub(super) struct Products {
    records: FxHashMap<String, Slot<Arc<ProductRecord>>>,
    /// Variants by the key of their product, which may have no record.
    variants: FxHashMap<String, BTreeSet<String>>,
}

impl Products {
    /// Takes in what a product is now. Gives the record before, or nothing if it was no news.
    pub(super) fn put(
        &mut self,
        key: &str,
        record: Option<Arc<ProductRecord>>,
        stamp: Stamp,
    ) -> Option<Option<Arc<ProductRecord>>> {
        let slot = self.records.entry(key.to_owned()).or_default();
        let before = slot.value().cloned();
        let primary = |record: &Option<Arc<ProductRecord>>| record.as_ref()?.primary_key.clone();
        let (old, new) = (primary(&before), primary(&record));
        if !slot.put(stamp, record) {
            return None;
        }
        if old != new {
            if let Some(old) = old
                && let Some(variants) = self.variants.get_mut(&old)
            {
                variants.remove(key);
            }
            if let Some(new) = new {
                self.variants.entry(new).or_default().insert(key.to_owned());
            }
        }
        Some(before)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Arc<ProductRecord>> {
        self.records.get(key)?.value()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<ProductRecord>> {
        self.records.values().filter_map(Slot::value)
    }

    /// Variants of a product, by key.
    pub(super) fn variants_of(&self, key: &str) -> impl Iterator<Item = &str> {
        self.variants
            .get(key)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// The product and its variants.
    pub(super) fn family<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::once(key).chain(self.variants_of(key))
    }

    /// The product that `key` is a variant of.
    pub(super) fn primary_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.primary_key.as_deref()
    }
}
