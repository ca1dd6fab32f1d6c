//! How much of an item is at a place and what it costs there, and how that is kept.

use recommender_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalog::Money;
use crate::error::{Result, StoreError};
use crate::record::{Fact, FactOutcome, Table};

/// How much of an item there is, or what it costs: at a place, or at all.
///
/// Quantity and price are facts of their own, each ordered by the time it was set: an update that comes late changes
/// nothing that was set after it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stock {
    /// Where; none for all that is sold without a place, such as on the web.
    pub place: Option<String>,
    /// The item.
    pub item: String,
    /// How many pieces can be had, at least 0. None leaves it as it is.
    pub quantity: Option<f32>,
    /// Price of one piece. None leaves it as it is.
    pub price: Option<Money>,
    /// When it was so.
    pub set_time: Timestamp,
}

/// What became of each part of a [`Stock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct StockOutcome {
    /// Of the quantity, if one was given.
    pub quantity: Option<FactOutcome>,
    /// Of the price, if one was given.
    pub price: Option<FactOutcome>,
}

impl StockOutcome {
    /// Whether something of it was older than what stands.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        [self.quantity, self.price].contains(&Some(FactOutcome::Stale))
    }
}

/// Parts the place, the item and the part in a key.
const SEPARATOR: char = '\u{1f}';

/// The part of a stock that a fact holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Quantity,
    Price,
}

impl Part {
    pub(crate) const ALL: [Self; 2] = [Self::Quantity, Self::Price];

    fn name(self) -> &'static str {
        match self {
            Self::Quantity => "quantity",
            Self::Price => "price",
        }
    }
}

/// The value of a quantity.
#[derive(Debug, Serialize, Deserialize)]
struct Quantity {
    quantity: f32,
}

/// What the key of a fact about stock names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StockKey<'a> {
    pub(crate) place: Option<&'a str>,
    pub(crate) item: &'a str,
    pub(crate) part: Part,
}

impl<'a> StockKey<'a> {
    /// Reads what [`StockKey::text`] writes.
    pub(crate) fn parse(key: &'a str) -> Result<Self> {
        let mut parts = key.split(SEPARATOR);
        let named = [parts.next(), parts.next(), parts.next()];
        let part = |name| Part::ALL.into_iter().find(|part| part.name() == name);
        if let [Some(place), Some(item), Some(name)] = named
            && let Some(part) = part(name)
        {
            let place = Some(place).filter(|place| !place.is_empty());
            return Ok(Self { place, item, part });
        }
        Err(StoreError::invalid(
            "key of stock",
            "place, item and part",
            key,
        ))
    }

    pub(crate) fn text(&self) -> String {
        let place = self.place.unwrap_or_default();
        format!(
            "{place}{SEPARATOR}{}{SEPARATOR}{}",
            self.item,
            self.part.name()
        )
    }
}

impl Stock {
    /// The facts that keep it: the quantity's before the price's, if both are given.
    ///
    /// # Errors
    /// As [`Stock::validate`].
    pub fn facts(&self) -> Result<Vec<Fact>> {
        self.validate()?;
        let quantity = self.quantity.map(|quantity| {
            let value = serde_json::to_vec(&Quantity { quantity });
            (Part::Quantity, value)
        });
        let price = self.price.as_ref().map(|price| {
            let value = serde_json::to_vec(price);
            (Part::Price, value)
        });
        let parts = quantity.into_iter().chain(price);
        parts
            .map(|(part, value)| {
                let value =
                    value.map_err(|error| StoreError::invalid("stock", "a value", error))?;
                Ok(self.fact(part, Some(value)))
            })
            .collect()
    }

    fn fact(&self, part: Part, value: Option<Vec<u8>>) -> Fact {
        let key = StockKey {
            place: self.place.as_deref(),
            item: &self.item,
            part,
        };
        Fact {
            table: Table::Stock,
            key: key.text(),
            version: self.set_time.0,
            value,
        }
    }

    /// The facts that take away what is known of an item at a place as of a time.
    #[must_use]
    pub fn removal(place: Option<&str>, item: &str, set_time: Timestamp) -> Vec<Fact> {
        let stock = Self {
            place: place.map(str::to_owned),
            item: item.to_owned(),
            set_time,
            ..Self::default()
        };
        Part::ALL.map(|part| stock.fact(part, None)).to_vec()
    }
}

/// Reads the quantity of a fact.
pub(crate) fn quantity_of(value: &[u8]) -> Result<f32> {
    let read: Result<Quantity, _> = serde_json::from_slice(value);
    let quantity = read.map_err(|error| StoreError::invalid("stock", "a quantity", error))?;
    Ok(quantity.quantity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stock_becomes_facts_that_can_be_read_back() {
        let stock = Stock {
            place: Some("soho".into()),
            item: "cup/blue".into(),
            quantity: Some(2.5),
            price: None,
            set_time: Timestamp(77),
        };
        let facts = stock.facts().unwrap();
        assert_eq!((facts.len(), facts[0].version), (1, 77));
        let key = StockKey::parse(&facts[0].key).unwrap();
        assert_eq!(
            (key.place, key.item, key.part),
            (Some("soho"), "cup/blue", Part::Quantity)
        );
        assert_eq!(
            quantity_of(facts[0].value.as_deref().unwrap()).unwrap(),
            2.5
        );
        assert!(StockKey::parse("cup").is_err() && StockKey::parse("a\u{1f}b\u{1f}c").is_err());
        assert!(quantity_of(b"{}").is_err());
        assert!(
            Stock::removal(None, "cup", Timestamp(1))
                .iter()
                .all(|fact| fact.value.is_none())
        );
    }

    #[test]
    fn what_is_no_stock_is_refused_by_item_and_field() {
        let cup = Stock {
            item: "cup".into(),
            quantity: Some(1.0),
            ..Stock::default()
        };
        let wrong = [
            Stock {
                quantity: Some(f32::NAN),
                ..cup.clone()
            },
            Stock {
                quantity: Some(-1.0),
                ..cup.clone()
            },
            Stock {
                quantity: None,
                ..cup.clone()
            },
            Stock {
                place: Some(String::new()),
                ..cup.clone()
            },
            Stock {
                item: "cup\u{1f}".into(),
                ..cup.clone()
            },
        ];
        for stock in wrong {
            let error = stock.facts().unwrap_err().to_string();
            assert!(error.contains("stock of \"cup"), "{error}");
        }
    }
}
