//! The fields of a product that a filter may name, and of what sort they are.

use std::fmt;

use recommender_core::catalog::AttributeValue;
use recommender_core::events::Channel;

use crate::catalog::{Availability, Currency, ProductRecord};
use crate::filter::AtPlace;
use crate::filter::token::quote;
use crate::filter::value::{Datum, Finite, nanos};

/// What attributes are named after.
pub(super) const ATTRIBUTES: &str = "attributes.";

/// A field of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    Known(Known),
    /// Anything else that the shop keeps of it, under this name.
    Attribute(String),
}

/// A field that every product may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Key,
    PrimaryKey,
    Title,
    LanguageCode,
    Categories,
    Brands,
    Gtin,
    Price,
    OriginalPrice,
    CurrencyCode,
    Margin,
    RatingAverage,
    RatingCount,
    Colors,
    Sizes,
    Materials,
    Tags,
    Availability,
    AvailableTime,
    ExpireTime,
    EligibleChannels,
    Hidden,
    AgeRestricted,
    AvailableQuantity,
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Text,
    Path,
    Number,
    Amount,
    Boolean,
    Time,
    Channel,
    Availability,
    /// A number or a text, as it is written.
    Attribute,
}

/// What has to change of a product for its field to be another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    Record,
    Price,
    Quantity,
}

/// Fields by the name that filters print; the first one also answers to `id`.
const FIELDS: [(Known, &str, Sort); 24] = [
    (Known::Key, "key", Sort::Text),
    (Known::PrimaryKey, "primary_key", Sort::Text),
    (Known::Title, "title", Sort::Text),
    (Known::LanguageCode, "language_code", Sort::Text),
    (Known::Categories, "categories", Sort::Path),
    (Known::Brands, "brands", Sort::Text),
    (Known::Gtin, "gtin", Sort::Text),
    (Known::Price, "price", Sort::Amount),
    (Known::OriginalPrice, "original_price", Sort::Amount),
    (Known::CurrencyCode, "currency_code", Sort::Text),
    (Known::Margin, "margin", Sort::Number),
    (Known::RatingAverage, "rating.average", Sort::Number),
    (Known::RatingCount, "rating.count", Sort::Number),
    (Known::Colors, "colors", Sort::Text),
    (Known::Sizes, "sizes", Sort::Text),
    (Known::Materials, "materials", Sort::Text),
    (Known::Tags, "tags", Sort::Text),
    (Known::Availability, "availability", Sort::Availability),
    (Known::AvailableTime, "available_time", Sort::Time),
    (Known::ExpireTime, "expire_time", Sort::Time),
    (Known::EligibleChannels, "eligible_channels", Sort::Channel),
    (Known::Hidden, "hidden", Sort::Boolean),
    (Known::AgeRestricted, "age_restricted", Sort::Boolean),
    (Known::AvailableQuantity, "available_quantity", Sort::Number),
];

/// What an answer of the shop's own words is compared with, as files write it.
pub(super) fn availability_name(availability: Availability) -> &'static str {
    match availability {
        Availability::InStock => "in_stock",
        Availability::OutOfStock => "out_of_stock",
        Availability::Preorder => "preorder",
        Availability::Backorder => "backorder",
    }
}

/// The names of all fields, for messages.
pub(super) fn names() -> String {
    let names: Vec<&str> = FIELDS.iter().map(|(_, name, _)| *name).collect();
    format!("{} or {ATTRIBUTES}NAME", names.join(", "))
}

impl Field {
    /// The field of a name; none if it is no field.
    pub(super) fn named(name: &str) -> Option<Self> {
        if let Some(attribute) = name.strip_prefix(ATTRIBUTES) {
            return (!attribute.is_empty()).then(|| Self::Attribute(attribute.to_owned()));
        }
        if name == "id" {
            return Some(Self::Known(Known::Key));
        }
        let mut fields = FIELDS.iter();
        let (known, _, _) = fields.find(|(_, known, _)| *known == name)?;
        Some(Self::Known(*known))
    }

    pub(super) fn sort(&self) -> Sort {
        match self {
            Self::Known(known) => known.row().2,
            Self::Attribute(_) => Sort::Attribute,
        }
    }

    /// Whether a product may have several of it.
    pub(super) fn is_repeated(&self) -> bool {
        use Known::{Brands, Categories, Colors, EligibleChannels, Materials, Sizes, Tags};
        matches!(
            self,
            Self::Known(Categories | Brands | Colors | Sizes | Materials | Tags | EligibleChannels)
        )
    }

    pub(super) fn reads(&self) -> Reads {
        match self {
            Self::Known(Known::Price | Known::CurrencyCode) => Reads::Price,
            Self::Known(Known::AvailableQuantity) => Reads::Quantity,
            Self::Known(_) | Self::Attribute(_) => Reads::Record,
        }
    }

    /// Whether it speaks of money.
    pub(super) fn is_money(&self) -> bool {
        use Known::{CurrencyCode, OriginalPrice, Price};
        matches!(self, Self::Known(Price | OriginalPrice | CurrencyCode))
    }

    /// Whether the money that a product has in this field is of a currency.
    pub(super) fn is_in(
        &self,
        currency: Currency,
        record: &ProductRecord,
        at: &AtPlace<'_>,
    ) -> bool {
        let original = matches!(self, Self::Known(Known::OriginalPrice));
        let money = if original {
            record.original_price.as_ref()
        } else {
            at.price
        };
        money.is_some_and(|money| currency.is_of(money))
    }

    /// Whether `holds` of something that a product has in this field.
    pub(super) fn any(
        &self,
        record: &ProductRecord,
        at: &AtPlace<'_>,
        holds: &dyn Fn(Datum<'_>) -> bool,
    ) -> bool {
        let number = |number: f64| Finite::new(number).is_some_and(|it| holds(Datum::Number(it)));
        match self {
            Self::Known(known) => known.any(record, at, holds),
            Self::Attribute(name) => match record.attributes.get(name) {
                Some(AttributeValue::Number(value)) => number(*value),
                Some(AttributeValue::Text(text)) => holds(Datum::Text(text)),
                None => false,
            },
        }
    }
}

impl Known {
    fn row(self) -> &'static (Self, &'static str, Sort) {
        let mut rows = FIELDS.iter();
        let row = rows.find(|(known, _, _)| *known == self);
        row.expect("every field is in the table, as a test checks")
    }

    fn any(
        self,
        record: &ProductRecord,
        at: &AtPlace<'_>,
        holds: &dyn Fn(Datum<'_>) -> bool,
    ) -> bool {
        let text = |text: &str| !text.is_empty() && holds(Datum::Text(text));
        let texts = |texts: &[String]| texts.iter().any(|one| text(one));
        let maybe = |text: Option<&String>| text.is_some_and(|text| holds(Datum::Text(text)));
        let number = |number: Option<f64>| {
            let number = number.and_then(Finite::new);
            number.is_some_and(|number| holds(Datum::Number(number)))
        };
        match self {
            Self::Key => text(&record.key),
            Self::PrimaryKey => maybe(record.primary_key.as_ref()),
            Self::Title => text(&record.title),
            Self::LanguageCode => maybe(record.language_code.as_ref()),
            Self::Categories => record
                .categories
                .iter()
                .any(|path| holds(Datum::Path(path))),
            Self::Brands => texts(&record.brands),
            Self::Gtin => maybe(record.gtin.as_ref()),
            Self::Price => at
                .price
                .is_some_and(|price| holds(Datum::Amount(nanos(price)))),
            Self::OriginalPrice => {
                let price = record.original_price.as_ref();
                price.is_some_and(|price| holds(Datum::Amount(nanos(price))))
            }
            Self::CurrencyCode => at.price.is_some_and(|price| text(&price.currency_code)),
            Self::Margin => number(record.margin),
            Self::RatingAverage => number(record.rating.map(|rating| rating.average)),
            Self::RatingCount => number(record.rating.map(|rating| rating.count as f64)),
            Self::Colors => texts(&record.colors),
            Self::Sizes => texts(&record.sizes),
            Self::Materials => texts(&record.materials),
            Self::Tags => texts(&record.tags),
            Self::Availability => holds(Datum::Text(availability_name(record.availability))),
            Self::AvailableTime => record
                .available_time
                .is_some_and(|it| holds(Datum::Time(it))),
            Self::ExpireTime => record.expire_time.is_some_and(|it| holds(Datum::Time(it))),
            Self::EligibleChannels => channels(record).any(|it| holds(Datum::Text(it.name()))),
            Self::Hidden => holds(Datum::Boolean(record.hidden)),
            Self::AgeRestricted => holds(Datum::Boolean(record.age_restricted)),
            Self::AvailableQuantity => number(Some(at.quantity)),
        }
    }
}

/// The channels on which a product may be offered: all of them where none is named.
fn channels(record: &ProductRecord) -> impl Iterator<Item = Channel> + '_ {
    let named = &record.eligible_channels;
    Channel::ALL
        .into_iter()
        .filter(|channel| named.is_empty() || named.contains(channel))
}

/// Prints such that it is read back.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(known) => f.write_str(known.row().1),
            Self::Attribute(name) => {
                let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
                if name.chars().all(plain) {
                    write!(f, "{ATTRIBUTES}{name}")
                } else {
                    write!(f, "{ATTRIBUTES}{}", quote(name))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_the_name_it_prints() {
        for (known, name, _) in FIELDS {
            let field = Field::named(name);
            assert_eq!(field, Some(Field::Known(known)));
            assert_eq!(field.unwrap().to_string(), name);
        }
        // Fields are numbered as in the table, so that none is missing from it.
        let last = FIELDS.last().unwrap().0 as usize;
        assert_eq!(
            (last, FIELDS.len()),
            (Known::AvailableQuantity as usize, 24)
        );
        assert!((FIELDS.iter().zip(0..)).all(|((known, _, _), number)| *known as usize == number));
        assert_eq!(Field::named("id"), Some(Field::Known(Known::Key)));
        assert_eq!(Field::named("attributes."), None);
        assert_eq!(Field::named("colour"), None);
    }
}
