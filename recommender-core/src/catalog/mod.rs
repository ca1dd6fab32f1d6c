//! What the shop sells: products, their attributes, and the features a model reads from them.

mod features;
mod names;
mod terms;
mod tokens;

pub(crate) use features::scale_to;
pub use features::{FeatureConfig, Features};
pub use names::FeatureNames;
pub use tokens::tokens;

pub mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx, Vocabulary};

/// A product as its owner describes it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Product {
    /// The item's key.
    pub key: String,
    /// Short name.
    pub title: String,
    /// Longer text.
    pub description: String,
    /// Paths into the category tree, each from the top down.
    pub categories: Vec<Vec<String>>,
    /// Brand.
    pub brand: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Price of one piece in the shop's currency.
    pub price: Option<f64>,
    /// Anything else, such as colour or size.
    pub attributes: BTreeMap<String, AttributeValue>,
}

/// The value of a product's attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// A number, binned by the models.
    Number(f64),
    /// A text, one feature per value.
    Text(String),
}

/// The products of a dataset, numbered as its items are. An item without a product is known by its events alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalog {
    products: Vec<Option<Product>>,
}

impl Catalog {
    /// Numbers `products` by `items`, adding those the events have not shown yet.
    ///
    /// A product that comes twice keeps its last description.
    ///
    /// # Errors
    /// [`Error::Data`] if the vocabulary is full or a number of a product is not finite.
    pub fn align(products: Vec<Product>, items: &mut Vocabulary<ItemIx>) -> Result<Self> {
        let mut aligned: Vec<Option<Product>> = vec![None; items.len()];
        for product in products {
            check_numbers(&product)?;
            let position = items.insert(&product.key)?.position();
            if position >= aligned.len() {
                aligned.resize(position + 1, None);
            }
            aligned[position] = Some(product);
        }
        Ok(Self { products: aligned })
    }

    /// The product of `item`, if the catalogue has one.
    #[must_use]
    pub fn product(&self, item: ItemIx) -> Option<&Product> {
        self.products.get(item.position())?.as_ref()
    }

    /// Every described product with its item, items ascending.
    pub fn iter(&self) -> impl Iterator<Item = (ItemIx, &Product)> {
        self.products
            .iter()
            .enumerate()
            .filter_map(|(position, product)| Some((ItemIx::at(position), product.as_ref()?)))
    }

    /// How many products are described.
    #[must_use]
    pub fn len(&self) -> usize {
        self.products.iter().flatten().count()
    }

    /// Whether no product is described.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn check_numbers(product: &Product) -> Result<()> {
    let check = |field: &str, number: f64| {
        if number.is_finite() {
            return Ok(());
        }
        let what = format!("product \"{}\"", product.key);
        let reason = format!("{field} must be a finite number, found {number}");
        Err(Error::data(what, reason))
    };
    product
        .price
        .map_or(Ok(()), |price| check("price", price))?;
    let mut attributes = product.attributes.iter();
    attributes.try_for_each(|(name, value)| match value {
        AttributeValue::Number(number) => check(name, *number),
        AttributeValue::Text(_) => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_are_refused() {
        let mut lamp = Product {
            key: "lamp".into(),
            price: Some(f64::NAN),
            ..Product::default()
        };
        let mut items = Vocabulary::new();
        let error = Catalog::align(vec![lamp.clone()], &mut items).unwrap_err();
        assert!(error.to_string().contains("lamp"), "{error}");
        lamp.price = None;
        let watts = AttributeValue::Number(f64::INFINITY);
        lamp.attributes.insert("watts".into(), watts);
        let error = Catalog::align(vec![lamp], &mut items).unwrap_err();
        assert!(error.to_string().contains("watts"), "{error}");
    }
}
