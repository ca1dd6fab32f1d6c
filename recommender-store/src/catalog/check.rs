//! What a product, a place and a level of stock must be before they are kept.

use recommender_core::catalog::AttributeValue;

use crate::catalog::{Language, Money, Place, ProductRecord, Stock};
use crate::error::{Result, StoreError};

/// Longest key of an item, in bytes: the key of its stock also names a place.
pub const MAX_ITEM_BYTES: usize = 600;

/// Longest key of a place, in bytes.
pub const MAX_PLACE_BYTES: usize = 400;

/// Most numbers of an embedding.
pub const MAX_EMBEDDING: usize = 4096;

/// Most languages that a product has texts in, besides its own.
pub const MAX_LANGUAGES: usize = 100;

/// What is being checked, for the message.
struct Subject<'a> {
    sort: &'a str,
    key: &'a str,
}

impl Subject<'_> {
    fn wrong(&self, field: &str, expected: &str, found: &dyn std::fmt::Display) -> Result<()> {
        let what = format!("{} \"{}\", field {field}", self.sort, self.key);
        Err(StoreError::invalid(what, expected, found))
    }

    fn require(
        &self,
        right: bool,
        field: &str,
        fault: (&str, &dyn std::fmt::Display),
    ) -> Result<()> {
        if right {
            return Ok(());
        }
        self.wrong(field, fault.0, fault.1)
    }

    fn key(&self, field: &str, key: &str, most: usize) -> Result<()> {
        let fits = (1..=most).contains(&key.len());
        let expected = format!("1 to {most} bytes");
        self.require(fits, field, (&expected, &key.len()))?;
        let plain = !key.chars().any(char::is_control);
        self.require(plain, field, ("no control characters", &"one of them"))
    }

    fn price(&self, field: &str, price: Option<&Money>) -> Result<()> {
        let Some(price) = price else {
            return Ok(());
        };
        if let Some((expected, found)) = price.fault() {
            return self.wrong(field, expected, &found);
        }
        let expected = "an amount that is not negative";
        self.require(!price.is_negative(), field, (expected, price))
    }

    fn texts<'t>(&self, field: &str, texts: impl IntoIterator<Item = &'t String>) -> Result<()> {
        let empty = texts.into_iter().any(|text| text.trim().is_empty());
        self.require(!empty, field, ("no empty text", &"an empty one"))
    }
}

impl ProductRecord {
    /// Checks every field.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] naming the product and the field.
    pub fn validate(&self) -> Result<()> {
        let subject = Subject {
            sort: "product",
            key: &self.key,
        };
        subject.key("key", &self.key, MAX_ITEM_BYTES)?;
        if let Some(primary) = &self.primary_key {
            subject.key("primary_key", primary, MAX_ITEM_BYTES)?;
            let other = *primary != self.key;
            subject.require(other, "primary_key", ("another product", &"itself"))?;
        }
        subject.texts("categories", self.categories.iter().flatten())?;
        let no_path = self.categories.iter().any(Vec::is_empty);
        subject.require(
            !no_path,
            "categories",
            ("paths of at least one level", &"none"),
        )?;
        subject.texts("brands", &self.brands)?;
        subject.texts("images", self.images.iter().map(|image| &image.uri))?;
        self.check_money(&subject)?;
        self.check_numbers(&subject)?;
        self.check_languages(&subject)?;
        let window = (self.available_time, self.expire_time);
        let opens = !matches!(window, (Some(from), Some(until)) if from >= until);
        subject.require(
            opens,
            "expire_time",
            ("a time after available_time", &"none after it"),
        )
    }

    fn check_money(&self, subject: &Subject<'_>) -> Result<()> {
        subject.price("price", self.price.as_ref())?;
        subject.price("original_price", self.original_price.as_ref())?;
        let Some((price, original)) = self.price.as_ref().zip(self.original_price.as_ref()) else {
            return Ok(());
        };
        let same = price.currency_code == original.currency_code;
        let fault = (
            "the currency of the price",
            &original.currency_code as &dyn std::fmt::Display,
        );
        subject.require(same, "original_price", fault)
    }

    fn check_languages(&self, subject: &Subject<'_>) -> Result<()> {
        let field = "localized_texts";
        let texts = &self.localized_texts;
        let expected = format!("at most {MAX_LANGUAGES} languages");
        let few = texts.len() <= MAX_LANGUAGES;
        subject.require(few, field, (&expected, &texts.len()))?;
        subject.texts(field, texts.iter().map(|text| &text.title))?;
        let own = self.language_code.as_deref().and_then(Language::parse);
        let mut known: Vec<Language> = own.into_iter().collect();
        for text in texts {
            let tag = &text.language_code;
            let Some(language) = Language::parse(tag) else {
                return subject.wrong(field, "a BCP 47 tag such as de-AT", tag);
            };
            let fresh = !known.contains(&language);
            subject.require(fresh, field, ("each language once", tag))?;
            known.push(language);
        }
        Ok(())
    }

    fn check_numbers(&self, subject: &Subject<'_>) -> Result<()> {
        let margin = self.margin.unwrap_or_default();
        let share = margin.is_finite() && margin <= 1.0;
        subject.require(
            share,
            "margin",
            ("a share of the price, at most 1", &margin),
        )?;
        let average = self.rating.map_or(0.0, |rating| rating.average);
        let stars = (0.0..=5.0).contains(&average);
        subject.require(stars, "rating", ("0 to 5 stars", &average))?;
        let length = self.embedding.len();
        let fits = length <= MAX_EMBEDDING;
        subject.require(fits, "embedding", ("at most 4096 numbers", &length))?;
        let odd = self.embedding.iter().find(|number| !number.is_finite());
        let found = odd.copied().unwrap_or_default();
        subject.require(odd.is_none(), "embedding", ("finite numbers", &found))?;
        for (name, value) in &self.attributes {
            if let AttributeValue::Number(number) = value {
                let field = format!("attributes.{name}");
                subject.require(number.is_finite(), &field, ("a finite number", number))?;
            }
        }
        Ok(())
    }
}

impl Place {
    /// Checks every field.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] naming the place and the field.
    pub fn validate(&self) -> Result<()> {
        let subject = Subject {
            sort: "place",
            key: &self.key,
        };
        subject.key("key", &self.key, MAX_PLACE_BYTES)?;
        let Some((latitude, longitude)) = self.latitude.zip(self.longitude) else {
            let neither = self.latitude.is_none() && self.longitude.is_none();
            let fault = (
                "with a latitude",
                &"only one of them" as &dyn std::fmt::Display,
            );
            return subject.require(neither, "longitude", fault);
        };
        let (north, east) = ((-90.0..=90.0), (-180.0..=180.0));
        let expected = "−90 to 90 degrees";
        subject.require(north.contains(&latitude), "latitude", (expected, &latitude))?;
        let expected = "−180 to 180 degrees";
        subject.require(
            east.contains(&longitude),
            "longitude",
            (expected, &longitude),
        )
    }
}

impl Stock {
    /// Checks every field.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] naming the item and the field.
    pub fn validate(&self) -> Result<()> {
        let subject = Subject {
            sort: "stock of",
            key: &self.item,
        };
        subject.key("item", &self.item, MAX_ITEM_BYTES)?;
        if let Some(place) = &self.place {
            subject.key("place", place, MAX_PLACE_BYTES)?;
        }
        let quantity = self.quantity.unwrap_or_default();
        let counted = quantity.is_finite() && quantity >= 0.0;
        subject.require(counted, "quantity", ("a number, at least 0", &quantity))?;
        subject.price("price", self.price.as_ref())?;
        let something = self.quantity.is_some() || self.price.is_some();
        subject.require(something, "quantity", ("a quantity or a price", &"neither"))
    }
}
