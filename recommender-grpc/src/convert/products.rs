//! Products of the wire and of the store.

use std::collections::{BTreeMap, HashMap};

use recommender_core::catalog::AttributeValue;
use recommender_core::events::Channel;
use recommender_store::StoreError;
use recommender_store::catalog::{
    Availability, Image, LocalizedText, MAX_EMBEDDING, MAX_LANGUAGES, Money, ProductRecord,
    RatingSummary,
};

use crate::convert::events::{self, timestamp};
use crate::convert::names;
use crate::convert::violations::Violations;
use crate::proto;
use crate::proto::money::Money as WireMoney;
use crate::resource;

/// Most entries of each list of a product.
const MAX_ENTRIES: usize = 1000;

/// What stands between the levels of a category path.
const LEVELS: &str = " > ";

/// The collection of products in resource names.
pub(crate) const PRODUCTS: &str = "products";

/// A product as the wire has it.
pub(crate) fn product(record: &ProductRecord, catalog: &str) -> proto::Product {
    let paths = record.categories.iter();
    let attributes = record.attributes.iter();
    let channels = record.eligible_channels.iter();
    proto::Product {
        name: resource::name_of(catalog, PRODUCTS, &record.key),
        id: record.key.clone(),
        primary_product_id: record.primary_key.clone().unwrap_or_default(),
        title: record.title.clone(),
        description: record.description.clone(),
        language_code: record.language_code.clone().unwrap_or_default(),
        categories: paths.map(|levels| levels.join(LEVELS)).collect(),
        brands: record.brands.clone(),
        gtin: record.gtin.clone().unwrap_or_default(),
        price: record.price.as_ref().map(wire_money),
        original_price: record.original_price.as_ref().map(wire_money),
        margin: record.margin,
        rating: record.rating.map(|rating| proto::Rating {
            rating_count: i64::try_from(rating.count).unwrap_or(i64::MAX),
            average_rating: rating.average,
        }),
        colors: record.colors.clone(),
        sizes: record.sizes.clone(),
        materials: record.materials.clone(),
        tags: record.tags.clone(),
        attributes: attributes
            .map(|(name, value)| (name.clone(), wire_attribute(value)))
            .collect(),
        embedding: record.embedding.clone(),
        availability: wire_availability(record.availability).into(),
        available_time: record.available_time.map(events::wire_time),
        expire_time: record.expire_time.map(events::wire_time),
        eligible_channels: channels
            .map(|&channel| names::wire_channel(channel).into())
            .collect(),
        hidden: record.hidden,
        age_restricted: record.age_restricted,
        uri: record.uri.clone().unwrap_or_default(),
        images: record.images.iter().map(wire_image).collect(),
        local_inventories: Vec::new(),
        localized_texts: record.localized_texts.iter().map(wire_texts).collect(),
    }
}

/// The record of a product under `key`; notes what is wrong with it, naming the fields after `field`.
pub(crate) fn record(
    product: proto::Product,
    key: String,
    field: &str,
    wrong: &mut Violations,
) -> ProductRecord {
    let at = |name: &str| format!("{field}.{name}");
    check_lists(&product, field, wrong);
    let record = ProductRecord {
        key,
        primary_key: text(product.primary_product_id),
        title: product.title,
        description: product.description,
        language_code: text(product.language_code),
        categories: categories(&product.categories, &at("categories"), wrong),
        brands: product.brands,
        gtin: text(product.gtin),
        price: product.price.map(money),
        original_price: product.original_price.map(money),
        margin: product.margin,
        rating: product
            .rating
            .map(|rating| self::rating(rating, field, wrong)),
        colors: product.colors,
        sizes: product.sizes,
        materials: product.materials,
        tags: product.tags,
        attributes: attributes(product.attributes, field, wrong),
        embedding: product.embedding,
        availability: availability(product.availability, &at("availability"), wrong),
        available_time: timestamp(product.available_time, &at("available_time"), wrong),
        expire_time: timestamp(product.expire_time, &at("expire_time"), wrong),
        eligible_channels: channels(&product.eligible_channels, field, wrong),
        hidden: product.hidden,
        age_restricted: product.age_restricted,
        uri: text(product.uri),
        images: images(product.images, field, wrong),
        localized_texts: product.localized_texts.into_iter().map(texts).collect(),
    };
    if !record.key.is_empty()
        && let Err(error) = record.validate()
    {
        note_fault(&error, field, wrong);
    }
    record
}

/// Notes what the store finds wrong with a thing, under the wire's name of the field.
pub(crate) fn note_fault(error: &StoreError, field: &str, wrong: &mut Violations) {
    let StoreError::Invalid {
        what,
        expected,
        found,
    } = error
    else {
        return wrong.add(field, error.to_string());
    };
    let name = what.rsplit_once(", field ").map_or("", |(_, name)| name);
    let name = match name {
        "key" | "item" => "id",
        "primary_key" => "primary_product_id",
        "rating" => "rating.average_rating",
        "latitude" => "location.latitude",
        "longitude" => "location.longitude",
        "quantity" => "available_quantity",
        name => name,
    };
    let at = match (field, name) {
        ("", name) => name.to_owned(),
        (field, "") => field.to_owned(),
        (field, name) => format!("{field}.{name}"),
    };
    wrong.add(at, format!("expected {expected}, found {found}"));
}

fn check_lists(product: &proto::Product, field: &str, wrong: &mut Violations) {
    for (name, found) in [
        ("categories", product.categories.len()),
        ("brands", product.brands.len()),
        ("colors", product.colors.len()),
        ("sizes", product.sizes.len()),
        ("materials", product.materials.len()),
        ("tags", product.tags.len()),
        ("attributes", product.attributes.len()),
        ("eligible_channels", product.eligible_channels.len()),
        ("images", product.images.len()),
    ] {
        wrong.bound(&format!("{field}.{name}"), found, MAX_ENTRIES);
    }
    let languages = product.localized_texts.len();
    wrong.bound(
        &format!("{field}.localized_texts"),
        languages,
        MAX_LANGUAGES,
    );
    let numbers = product.embedding.len();
    wrong.bound(&format!("{field}.embedding"), numbers, MAX_EMBEDDING);
    let local = !product.local_inventories.is_empty();
    wrong.refuse_if(local, &format!("{field}.local_inventories"));
}

/// A text that is there, if it is.
fn text(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn categories(paths: &[String], field: &str, wrong: &mut Violations) -> Vec<Vec<String>> {
    let mut read = Vec::with_capacity(paths.len());
    for (number, path) in paths.iter().enumerate() {
        let levels: Vec<String> = path
            .split(LEVELS.trim())
            .map(|level| level.trim().to_owned())
            .collect();
        if levels.iter().any(String::is_empty) {
            let at = format!("{field}[{number}]");
            wrong.add(
                at,
                format!("expected levels parted by \" > \", found {path:?}"),
            );
            continue;
        }
        read.push(levels);
    }
    read
}

fn rating(rating: proto::Rating, field: &str, wrong: &mut Violations) -> RatingSummary {
    let count = u64::try_from(rating.rating_count).unwrap_or_else(|_| {
        let at = format!("{field}.rating.rating_count");
        let found = rating.rating_count;
        wrong.add(at, format!("expected at least 0, found {found}"));
        0
    });
    RatingSummary {
        average: rating.average_rating,
        count,
    }
}

fn attributes(
    given: HashMap<String, proto::AttributeValue>,
    field: &str,
    wrong: &mut Violations,
) -> BTreeMap<String, AttributeValue> {
    let mut read = BTreeMap::new();
    for (name, value) in given {
        let value = match (&value.text[..], &value.numbers[..]) {
            ([text], []) => AttributeValue::Text(text.clone()),
            ([], [number]) => AttributeValue::Number(*number),
            (texts, numbers) => {
                let found = format!("{} texts and {} numbers", texts.len(), numbers.len());
                let at = format!("{field}.attributes[{name:?}]");
                wrong.add(
                    at,
                    format!("expected one text or one number, found {found}"),
                );
                continue;
            }
        };
        read.insert(name, value);
    }
    read
}

fn availability(number: i32, field: &str, wrong: &mut Violations) -> Availability {
    match proto::Availability::try_from(number) {
        Ok(proto::Availability::Unspecified | proto::Availability::InStock) => {
            Availability::InStock
        }
        Ok(proto::Availability::OutOfStock) => Availability::OutOfStock,
        Ok(proto::Availability::Preorder) => Availability::Preorder,
        Ok(proto::Availability::Backorder) => Availability::Backorder,
        Err(_) => {
            wrong.add(field, format!("expected an Availability, found {number}"));
            Availability::InStock
        }
    }
}

fn channels(numbers: &[i32], field: &str, wrong: &mut Violations) -> Vec<Channel> {
    let mut read = Vec::with_capacity(numbers.len());
    for (position, &number) in numbers.iter().enumerate() {
        let at = format!("{field}.eligible_channels[{position}]");
        if number == 0 {
            wrong.add(&at, "expected a Channel, found CHANNEL_UNSPECIFIED");
        }
        read.extend(names::channel(number, &at, wrong));
    }
    read
}

fn images(images: Vec<proto::Image>, field: &str, wrong: &mut Violations) -> Vec<Image> {
    let mut read = Vec::with_capacity(images.len());
    for (number, image) in images.into_iter().enumerate() {
        let mut pixels = |name: &str, found: i32| {
            u32::try_from(found).unwrap_or_else(|_| {
                let at = format!("{field}.images[{number}].{name}");
                wrong.add(at, format!("expected at least 0, found {found}"));
                0
            })
        };
        let sides = [pixels("height", image.height), pixels("width", image.width)];
        let [height, width] = sides.map(|side| (side > 0).then_some(side));
        read.push(Image {
            uri: image.uri,
            height,
            width,
        });
    }
    read
}

fn texts(texts: proto::LocalizedText) -> LocalizedText {
    LocalizedText {
        language_code: texts.language_code,
        title: texts.title,
        description: texts.description,
    }
}

fn wire_texts(texts: &LocalizedText) -> proto::LocalizedText {
    proto::LocalizedText {
        language_code: texts.language_code.clone(),
        title: texts.title.clone(),
        description: texts.description.clone(),
    }
}

/// An amount of the wire; the store says what is wrong with it.
pub(crate) fn money(money: WireMoney) -> Money {
    Money {
        currency_code: money.currency_code,
        units: money.units,
        nanos: money.nanos,
    }
}

/// An amount as the wire has it.
pub(crate) fn wire_money(money: &Money) -> WireMoney {
    WireMoney {
        currency_code: money.currency_code.clone(),
        units: money.units,
        nanos: money.nanos,
    }
}

fn wire_attribute(value: &AttributeValue) -> proto::AttributeValue {
    match value {
        AttributeValue::Text(text) => proto::AttributeValue {
            text: vec![text.clone()],
            numbers: Vec::new(),
        },
        AttributeValue::Number(number) => proto::AttributeValue {
            text: Vec::new(),
            numbers: vec![*number],
        },
    }
}

fn wire_availability(availability: Availability) -> proto::Availability {
    match availability {
        Availability::InStock => proto::Availability::InStock,
        Availability::OutOfStock => proto::Availability::OutOfStock,
        Availability::Preorder => proto::Availability::Preorder,
        Availability::Backorder => proto::Availability::Backorder,
    }
}

fn wire_image(image: &Image) -> proto::Image {
    let pixels = |side: Option<u32>| i32::try_from(side.unwrap_or_default()).unwrap_or(i32::MAX);
    proto::Image {
        uri: image.uri.clone(),
        height: pixels(image.height),
        width: pixels(image.width),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A product with a value in every field.
    fn full() -> ProductRecord {
        let text = r#"{"key": "shirt/red", "primary_key": "shirt", "title": "Shirt", "description": "Red",
            "language_code": "en", "categories": [["Clothes", "Shirts"], ["Sale"]], "brands": ["acme"], "gtin": "0123",
            "price": {"currency_code": "EUR", "units": 19, "nanos": 990000000},
            "original_price": {"currency_code": "EUR", "units": 25}, "margin": -0.25,
            "rating": {"average": 4.5, "count": 12}, "colors": ["red"], "sizes": ["M"], "materials": ["wool"],
            "tags": ["new"], "attributes": {"grams": 180.5, "fit": "slim"}, "embedding": [0.5, -1.0],
            "availability": "backorder", "available_time": -1500, "expire_time": 1700000000123,
            "eligible_channels": ["web", "social"], "hidden": true, "age_restricted": true, "uri": "https://shop/shirt",
            "images": [{"uri": "https://shop/shirt.jpg", "height": 10, "width": 20}, {"uri": "b"}],
            "localized_texts": [{"language_code": "de-AT", "title": "Hemd", "description": "Rot"}]}"#;
        serde_json::from_str(text).unwrap()
    }

    type Spoil = Box<dyn Fn(&mut proto::Product)>;

    fn read(product: proto::Product) -> Result<ProductRecord, String> {
        let mut wrong = Violations::default();
        let record = record(product, "shirt/red".into(), "product", &mut wrong);
        wrong.or(record).map_err(|refusal| format!("{refusal:?}"))
    }

    #[test]
    fn a_product_comes_back_as_it_was() {
        let record = full();
        let wire = product(&record, "default");
        assert_eq!(wire.name, "catalogs/default/products/shirt/red");
        assert_eq!(wire.categories, ["Clothes > Shirts", "Sale"]);
        assert_eq!(read(wire).unwrap(), record);
    }

    #[test]
    fn what_is_wrong_is_named_as_the_wire_names_it() {
        let wire = product(&full(), "default");
        let many = |value: &str| vec![value.to_owned(); MAX_ENTRIES + 1];
        let cases: [(&str, Spoil); 13] = [
            ("product.availability", Box::new(|it| it.availability = 99)),
            (
                "product.categories[0]",
                Box::new(|it| it.categories[0] = "a > > b".into()),
            ),
            ("product.margin", Box::new(|it| it.margin = Some(1.5))),
            (
                "product.price",
                Box::new(|it| it.price.as_mut().unwrap().units = -1),
            ),
            (
                "product.eligible_channels[0]",
                Box::new(|it| it.eligible_channels[0] = 0),
            ),
            (
                "product.images[1].width",
                Box::new(|it| it.images[1].width = -1),
            ),
            (
                "product.rating.rating_count",
                Box::new(|it| it.rating.as_mut().unwrap().rating_count = -1),
            ),
            (
                "product.primary_product_id",
                Box::new(|it| it.primary_product_id = "shirt/red".into()),
            ),
            ("product.tags", Box::new(move |it| it.tags = many("a"))),
            (
                "product.localized_texts",
                Box::new(|it| it.localized_texts[0].language_code = "de_AT".into()),
            ),
            (
                "product.localized_texts",
                Box::new(|it| it.localized_texts = vec![it.localized_texts[0].clone(); 2]),
            ),
            (
                "product.local_inventories",
                Box::new(|it| it.local_inventories.push(proto::LocalInventory::default())),
            ),
            (
                "product.attributes[\\\"fit\\\"]",
                Box::new(|it| it.attributes.get_mut("fit").unwrap().numbers.push(1.0)),
            ),
        ];
        for (field, spoil) in cases {
            let mut spoilt = wire.clone();
            spoil(&mut spoilt);
            let said = read(spoilt).unwrap_err();
            assert!(said.contains(&format!("\"{field}\"")), "{field}: {said}");
        }
    }
}
