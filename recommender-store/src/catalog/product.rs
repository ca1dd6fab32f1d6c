//! A product as the shop keeps it.

use std::collections::BTreeMap;

use recommender_core::Timestamp;
use recommender_core::catalog::{AttributeValue, Product};
use recommender_core::events::Channel;
use serde::{Deserialize, Serialize};

use crate::catalog::{LocalizedText, Money};

/// A product as the shop keeps it. The fields are those of `google.cloud.retail.v2.Product`, and some of our own.
///
/// A value written by a later version may have fields that are not known here: they are passed over.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProductRecord {
    /// The item's key, as events name it; at most [`MAX_ITEM_BYTES`](crate::catalog::MAX_ITEM_BYTES).
    pub key: String,
    /// The product it is a variant of, such as a shirt of which this is one size. The stock of its variants is also
    /// that of the product.
    pub primary_key: Option<String>,
    /// Short name.
    pub title: String,
    /// Longer text.
    pub description: String,
    /// BCP 47 tag of the language of the texts.
    pub language_code: Option<String>,
    /// Paths into the category tree, each from the top down.
    pub categories: Vec<Vec<String>>,
    /// Brands, the main one first.
    pub brands: Vec<String>,
    /// Global trade item number.
    pub gtin: Option<String>,
    /// Price of one piece where the place says nothing else.
    pub price: Option<Money>,
    /// Price before a reduction.
    pub original_price: Option<Money>,
    /// What is earned of the price, as a share of it: at most 1, below 0 at a loss.
    pub margin: Option<f64>,
    /// What customers say of it.
    pub rating: Option<RatingSummary>,
    /// Colours.
    pub colors: Vec<String>,
    /// Sizes.
    pub sizes: Vec<String>,
    /// Materials.
    pub materials: Vec<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Anything else, such as power or vintage.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// A vector of the shop's own model, for similarity.
    pub embedding: Vec<f32>,
    /// Whether it can be had at all.
    pub availability: Availability,
    /// Not for sale before.
    pub available_time: Option<Timestamp>,
    /// Not for sale from then on.
    pub expire_time: Option<Timestamp>,
    /// Where it may be offered; everywhere if empty.
    pub eligible_channels: Vec<Channel>,
    /// Known, but never offered.
    pub hidden: bool,
    /// Whether the buyer must be of age.
    pub age_restricted: bool,
    /// Its page.
    pub uri: Option<String>,
    /// Pictures, the main one first.
    pub images: Vec<Image>,
    /// Its texts in other languages, at most [`MAX_LANGUAGES`](crate::catalog::MAX_LANGUAGES).
    pub localized_texts: Vec<LocalizedText>,
}

/// Whether a product can be had at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Where there is stock of it.
    #[default]
    InStock,
    /// Nowhere, whatever the stock says.
    OutOfStock,
    /// It can be ordered before it comes out.
    Preorder,
    /// It can be ordered until there is stock again.
    Backorder,
}

impl Availability {
    /// Whether it can be ordered without stock.
    #[must_use]
    pub fn takes_orders(self) -> bool {
        matches!(self, Self::Preorder | Self::Backorder)
    }
}

/// What customers say of a product.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RatingSummary {
    /// Mean of the stars, from 0 to 5.
    pub average: f64,
    /// How many ratings there are.
    pub count: u64,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Image {
    /// Where it is.
    pub uri: String,
    /// Height in pixels, if known.
    pub height: Option<u32>,
    /// Width in pixels, if known.
    pub width: Option<u32>,
}

impl ProductRecord {
    /// The part that models read. Colours, sizes, materials and further brands become labels such as `color=red`.
    #[must_use]
    pub fn product(&self) -> Product {
        let brands = self.brands.get(1..).unwrap_or_default();
        let lists = [
            ("brand", brands),
            ("color", &self.colors),
            ("size", &self.sizes),
            ("material", &self.materials),
        ];
        let labels = lists
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| format!("{name}={value}")));
        Product {
            key: self.key.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            categories: self.categories.clone(),
            brand: self.brands.first().cloned(),
            tags: self.tags.iter().cloned().chain(labels).collect(),
            price: self.price.as_ref().map(Money::amount),
            attributes: self.attributes.clone(),
        }
    }
}

impl From<Product> for ProductRecord {
    /// A record of what models read. The price is left out, as it has no currency.
    fn from(product: Product) -> Self {
        Self {
            key: product.key,
            title: product.title,
            description: product.description,
            categories: product.categories,
            brands: product.brand.into_iter().collect(),
            tags: product.tags,
            attributes: product.attributes,
            ..Self::default()
        }
    }
}
