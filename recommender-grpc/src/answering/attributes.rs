//! What products have in common: categories, brands, tags, words.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use recommender_core::catalog::{Product, tokens};
use recommender_core::{ItemIx, catalog};
use recommender_store::catalog::{Language, ProductRecord};
use rustc_hash::FxBuildHasher;

use crate::answering::consultation::Consultation;

/// A product as the store has it, or, without a store, as the model learned it.
#[derive(Debug)]
pub(crate) enum Described<'a> {
    /// From the store.
    Kept(Arc<ProductRecord>),
    /// From the model.
    Learned(&'a Product),
}

impl<'a> Consultation<'a> {
    /// The product of an item, if it is described.
    pub(crate) fn described(&self, item: ItemIx) -> Option<Described<'a>> {
        match self.stock {
            Some(stock) => {
                let key = self.engine.items().key(item);
                stock.store.product(key).map(Described::Kept)
            }
            None => self.engine.catalog().product(item).map(Described::Learned),
        }
    }
}

impl Described<'_> {
    fn paths(&self) -> &[Vec<String>] {
        match self {
            Self::Kept(record) => &record.categories,
            Self::Learned(product) => &product.categories,
        }
    }

    fn brands(&self) -> &[String] {
        match self {
            Self::Kept(record) => &record.brands,
            Self::Learned(product) => product.brand.as_slice(),
        }
    }

    fn tags(&self) -> &[String] {
        match self {
            Self::Kept(record) => &record.tags,
            Self::Learned(product) => &product.tags,
        }
    }

    fn title(&self) -> &str {
        match self {
            Self::Kept(record) => &record.title,
            Self::Learned(product) => &product.title,
        }
    }

    /// What stands for its category: its first path.
    pub(crate) fn category(&self) -> Option<u64> {
        let path = self.paths().first()?;
        (!path.is_empty()).then(|| hash(path))
    }

    /// What stands for its brand: its first.
    pub(crate) fn brand(&self) -> Option<u64> {
        self.brands().first().map(hash)
    }

    /// What it can have in common with others: levels of categories, brands, tags; sorted.
    pub(crate) fn features(&self) -> Vec<u64> {
        let levels = self.paths().iter();
        let levels =
            levels.flat_map(|path| (1..=path.len()).map(|depth| hash(("c", &path[..depth]))));
        let brands = self.brands().iter().map(|brand| hash(("b", brand)));
        let tags = self.tags().iter().map(|tag| hash(("t", tag)));
        let mut features: Vec<u64> = levels.chain(brands).chain(tags).collect();
        features.sort_unstable();
        features.dedup();
        features
    }

    /// What it is called in a language.
    fn title_in(&self, language: &Language) -> Option<&str> {
        match self {
            Self::Kept(record) => Some(record.texts_in(language).title),
            Self::Learned(_) => None,
        }
    }

    /// The share of `words` that stand in its texts, its title in `language` among them.
    pub(crate) fn matches(&self, words: &[String], language: Option<&Language>) -> f32 {
        let texts = self.paths().iter().flatten();
        let texts = texts.chain(self.brands()).chain(self.tags());
        let texts = texts.map(String::as_str).chain([self.title()]);
        let texts = texts.chain(language.and_then(|language| self.title_in(language)));
        let own: Vec<String> = texts.flat_map(tokens).collect();
        let found = words.iter().filter(|word| own.contains(word)).count();
        share(found, words.len())
    }
}

/// How alike two sorted sets of features are: the share they have in common, from 0 to 1.
pub(crate) fn likeness(a: &[u64], b: &[u64]) -> f32 {
    let (mut left, mut right, mut common) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(left), b.get(right)) {
        common += usize::from(x == y);
        left += usize::from(x <= y);
        right += usize::from(y <= x);
    }
    share(common, a.len() + b.len() - common)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a product has fewer words than a float has integers"
)]
fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 {
        return 0.0;
    }
    part as f32 / whole as f32
}

/// The words of a search, each once.
pub(crate) fn words(query: &str) -> Vec<String> {
    let mut words = catalog::tokens(query);
    words.sort_unstable();
    words.dedup();
    words
}

fn hash(value: impl Hash) -> u64 {
    FxBuildHasher.hash_one(value)
}

#[cfg(test)]
mod tests {
    use recommender_store::catalog::LocalizedText;

    use super::*;

    #[test]
    fn likeness_is_the_share_in_common() {
        assert_eq!(likeness(&[1, 2, 3], &[2, 3, 4]), 0.5);
        assert_eq!(likeness(&[1], &[1]), 1.0);
        assert_eq!(likeness(&[1], &[]), 0.0);
        assert_eq!(likeness(&[], &[]), 0.0);
    }

    #[test]
    fn a_search_matches_by_its_words() {
        let product = Product {
            title: "Red tea cup".into(),
            categories: vec![vec!["Kitchen".into(), "Cups".into()]],
            brand: Some("Acme".into()),
            ..Product::default()
        };
        let product = Described::Learned(&product);
        assert_eq!(product.matches(&words("red CUP"), None), 1.0);
        assert_eq!(product.matches(&words("acme kettle"), None), 0.5);
        assert_eq!(product.matches(&words("rope"), None), 0.0);
        assert_eq!(product.matches(&[], None), 0.0);
        assert_eq!(product.features().len(), 3);
    }

    #[test]
    fn a_search_matches_in_the_shoppers_language_too() {
        let record = ProductRecord {
            title: "Red tea cup".into(),
            localized_texts: vec![LocalizedText {
                language_code: "de".into(),
                title: "Rote Teetasse".into(),
                ..LocalizedText::default()
            }],
            ..ProductRecord::default()
        };
        let product = Described::Kept(Arc::new(record));
        let german = Language::parse("de-AT");
        assert_eq!(product.matches(&words("teetasse"), german.as_ref()), 1.0);
        assert_eq!(product.matches(&words("teetasse"), None), 0.0);
        assert_eq!(product.matches(&words("cup"), german.as_ref()), 1.0);
    }
}
