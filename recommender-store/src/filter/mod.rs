//! The language in which callers and controls say which products they mean.
//!
//! It is that of AIP-160, with the `ANY()` of the Retail API:
//!
//! ```
//! use recommender_store::filter::{AtPlace, Filter};
//! use recommender_store::catalog::ProductRecord;
//! let filter: Filter = r#"categories: "Kitchen > Cups" brands: ANY("acme", "ajax") AND NOT tags: sale"#.parse()?;
//! let cup = ProductRecord {
//!     categories: vec![vec!["Home".into(), "Kitchen".into(), "Cups".into()]],
//!     brands: vec!["acme".into()],
//!     ..ProductRecord::default()
//! };
//! assert!(filter.matches(&cup, &AtPlace::default()));
//! # Ok::<(), recommender_store::filter::FilterError>(())
//! ```
//!
//! **Clauses.** `field = value`, `!=`, `<`, `<=`, `>`, `>=`, `field: value` and `field: ANY(value, ...)`; `field:*` holds
//! where there is any value. Clauses are joined by `AND`, `OR`, `NOT` and brackets; `-` is `NOT`, and clauses that
//! only stand beside each other are joined by `AND`. **`OR` binds tighter than `AND`**, as AIP-160 has it:
//! `a AND b OR c` is `a AND (b OR c)`.
//!
//! **Several values.** `=` and `:` mean the same: one of the field's values is the one asked for, in the same letters.
//! `!=` is `NOT` and `=`, so that it holds where there is no value; no other comparison does.
//!
//! **Values.** Texts are written in quotes of either sort with `\\`, `\"`, `\'`, `\n`, `\r` and `\t`, or without quotes as
//! one word. Numbers, amounts, `true` and `false` have no quotes, times are those of RFC 3339 with
//! quotes or without. Numbers, amounts and times have an order.
//!
//! | Field | Sort | |
//! |---|---|---|
//! | `key` (or `id`), `primary_key`, `title`, `language_code`, `gtin` | text | |
//! | `categories` | text | a level of one of the paths; `"a > b"`, levels right below one another |
//! | `brands`, `colors`, `sizes`, `materials`, `tags` | text | |
//! | `price` | amount | at the place asked for, else without a place, else of the record |
//! | `original_price` | amount | of the record |
//! | `currency_code` | text | of `price`; amounts are compared as they stand, in whatever currency, unless the filter is [in one](Filter::in_currency) |
//! | `margin`, `rating.average`, `rating.count` | number | |
//! | `available_quantity` | number | at the place asked for, else at all places together; 0 if nobody counted |
//! | `availability` | `in_stock`, `out_of_stock`, `preorder`, `backorder` | |
//! | `available_time`, `expire_time` | time | to the millisecond |
//! | `eligible_channels` | channel, such as `web` | all of them where the product names none |
//! | `hidden`, `age_restricted` | boolean | |
//! | `attributes.NAME`, `attributes."any name"` | text or number | a number without quotes is one |
//!
//! **Limits.** [`MAX_BYTES`], [`MAX_DEPTH`], [`MAX_CLAUSES`] and [`MAX_VALUES`] keep a filter from taking more than its share.
//!
//! [`Filter::matches`] looks at one product. [`FilterIndex::compile`] makes bits of a filter, one for each item and clause, and
//! keeps them in step with the catalogue; [`CompiledFilter::cut`] then takes microseconds.

mod compiled;
mod error;
mod expression;
mod field;
mod index;
mod leaf;
mod literal;
mod parse;
mod time;
mod token;
mod value;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::catalog::{Currency, Money, ProductRecord};
use expression::Expression;

pub use compiled::{ClauseStats, CompiledFilter, FilterStats};
pub use error::FilterError;
pub use index::FilterIndex;

/// Longest text of a filter, in bytes, as written and in normal form.
pub const MAX_BYTES: usize = 4096;

/// Most brackets in one another.
pub const MAX_DEPTH: usize = 64;

/// Most clauses of a filter.
pub const MAX_CLAUSES: usize = 64;

/// Most values of a filter.
pub const MAX_VALUES: usize = 1000;

/// Which products are meant, read and checked. The one without any clause means all.
///
/// It prints, and is written by serde, in a normal form: `parse` of it gives the same filter.
///
/// ```
/// use recommender_store::filter::Filter;
/// let filter = Filter::parse("price<20 -tags:(sale)");
/// assert_eq!(filter.unwrap_err().to_string(), "filter, column 16: expected a text, found (");
/// let filter = Filter::parse("price<20.50 -tags:sale")?;
/// assert_eq!(filter.to_string(), r#"price < 20.5 AND NOT tags: "sale""#);
/// # Ok::<(), recommender_store::filter::FilterError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    root: Expression,
}

/// What is known of a product at the place that is asked for, besides its record. The default is that it has no price
/// and there is none of it.
///
/// [`Catalogue::price`](crate::catalog::Catalogue::price) gives the price; of the quantity, that is
/// [`Catalogue::quantity_at`](crate::catalog::Catalogue::quantity_at) a place, and without one
/// [`Catalogue::quantity`](crate::catalog::Catalogue::quantity).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AtPlace<'a> {
    /// Price of one piece there.
    pub price: Option<&'a Money>,
    /// How many pieces are there.
    pub quantity: f64,
}

impl Filter {
    /// Reads a filter. An empty one means all products.
    ///
    /// # Errors
    /// [`FilterError`] where the text is no filter, names a field that there is none of, compares a field with
    /// what it can't be, or goes past a limit.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text).map(|root| Self { root })
    }

    /// Whether the product is meant. The clauses are looked at one by one, nothing is kept.
    #[must_use]
    pub fn matches(&self, product: &ProductRecord, at: &AtPlace<'_>) -> bool {
        self.root.holds(product, at)
    }

    /// The same filter where money counts only in `currency`: `price`, `original_price` and `currency_code` of a product
    /// that costs something in another one are as if it had no price. It prints as this filter does.
    #[must_use]
    pub fn in_currency(&self, currency: Currency) -> Self {
        Self {
            root: self.root.in_currency(currency),
        }
    }

    /// Whether a clause of it asks for `price`, `original_price` or `currency_code`.
    #[must_use]
    pub fn asks_for_money(&self) -> bool {
        self.root.asks_for_money()
    }

    /// Whether it means all products, as it has no clause.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts().is_empty()
    }

    /// What is joined by `AND` at the top.
    fn parts(&self) -> &[Expression] {
        if let Expression::All(parts) = &self.root {
            return parts;
        }
        std::slice::from_ref(&self.root)
    }
}

impl Default for Filter {
    /// The one that means all products.
    fn default() -> Self {
        let root = Expression::All(Vec::new());
        Self { root }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
