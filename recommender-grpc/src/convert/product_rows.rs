//! Products as lines of JSON, in the words of the contract.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use recommender_core::Product;
use recommender_store::catalog::ProductRecord;
use serde_json::{Map, Value, json};

/// Fields by the name in a file and the name in a record, where they differ.
const RENAMED: [(&str, &str); 2] = [("id", "key"), ("primary_product_id", "primary_key")];

/// The same, within a rating.
const IN_RATING: [(&str, &str); 2] = [("average_rating", "average"), ("rating_count", "count")];

/// The names of all fields of a record.
static FIELDS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let names = object(&ProductRecord::default()).into_iter();
    names.map(|(name, _)| name).collect()
});

/// The line of a product, without its end.
pub(crate) fn line(record: &ProductRecord) -> String {
    let mut fields = object(record);
    rename(&mut fields, RENAMED.map(|(file, record)| (record, file)));
    if let Some(Value::Object(rating)) = fields.get_mut("rating") {
        rename(rating, IN_RATING.map(|(file, record)| (record, file)));
    }
    fields.retain(|_, value| !is_empty(value));
    Value::Object(fields).to_string()
}

/// The record of a line; prices that are plain numbers are of `currency`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn record(line: &[u8], currency: Option<&str>) -> Result<ProductRecord, String> {
    let value: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let Value::Object(mut fields) = value else {
        return Err("expected a JSON object".to_owned());
    };
    rename(&mut fields, RENAMED);
    if let Some(Value::Object(rating)) = fields.get_mut("rating") {
        rename(rating, IN_RATING);
    }
    if let Some(Value::Array(paths)) = fields.get_mut("categories") {
        paths.iter_mut().for_each(split);
    }
    for field in ["price", "original_price"] {
        if let Some(price) = fields.get_mut(field) {
            *price = with_currency(price.take(), currency)
                .map_err(|wrong| format!("{field}: {wrong}"))?;
        }
    }
    if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(*name)) {
        return Err(format!(
            "{unknown}: expected a field of a product, found none of this name"
        ));
    }
    // What is said to be nothing is as if it was not said.
    fields.retain(|_, value| !value.is_null());
    let record: ProductRecord =
        serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
    record.validate().map_err(|error| error.to_string())?;
    Ok(record)
}

/// The record of a product that was read from a table, whose price is of `currency`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn priced(product: Product, currency: Option<&str>) -> Result<ProductRecord, String> {
    let record = match (currency, product.price) {
        (Some(currency), _) => ProductRecord::priced_in(currency, product),
        (None, None) => ProductRecord::from(product),
        (None, Some(price)) => {
            let key = product.key;
            return Err(format!("product {key:?}, price: {}", no_currency(&price)));
        }
    };
    record.validate().map_err(|error| error.to_string())?;
    Ok(record)
}

fn object(record: &ProductRecord) -> Map<String, Value> {
    match serde_json::to_value(record) {
        Ok(Value::Object(fields)) => fields,
        // A record that was checked has finite numbers and texts as keys, which JSON can always say.
        Ok(_) | Err(_) => Map::new(),
    }
}

fn rename<const N: usize>(fields: &mut Map<String, Value>, names: [(&str, &str); N]) {
    for (from, to) in names {
        if let Some(value) = fields.remove(from) {
            fields.insert(to.to_owned(), value);
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// A category path that is written as one text, by its levels.
fn split(path: &mut Value) {
    if let Value::String(text) = path {
        let levels = text.split('>').map(str::trim);
        *path = levels.map(str::to_owned).collect::<Vec<_>>().into();
    }
}

fn with_currency(price: Value, currency: Option<&str>) -> Result<Value, String> {
    let Value::Number(number) = &price else {
        return Ok(price);
    };
    let currency = currency.ok_or_else(|| no_currency(number))?;
    let product = Product {
        price: number.as_f64(),
        ..Product::default()
    };
    let record = ProductRecord::priced_in(currency, product);
    Ok(json!(record.price))
}

fn no_currency(price: &impl std::fmt::Display) -> String {
    format!("expected a price with its currency, or the currency of plain prices; found {price}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_as_it_was() {
        let text = r#"{"id": "a/1", "primary_product_id": "a", "categories": [["A > B", "C"]],
            "rating": {"average_rating": 4.5, "rating_count": 2}, "price": {"currency_code": "EUR", "units": 1},
            "attributes": {"grams": 1.5, "fit": "slim"}, "hidden": true, "available_time": 5}"#;
        let read = record(text.as_bytes(), None).unwrap();
        assert_eq!(
            (read.key.as_str(), read.primary_key.as_deref()),
            ("a/1", Some("a"))
        );
        assert_eq!(read.rating.unwrap().count, 2);
        let line = line(&read);
        assert!(!line.contains('\n') && !line.contains("tags"), "{line}");
        assert_eq!(record(line.as_bytes(), None).unwrap(), read);
    }

    #[test]
    fn texts_and_plain_prices_are_understood() {
        let text = br#"{"key": "a", "categories": ["Home > Cups"], "price": 4.99, "title": null}"#;
        let read = record(text, Some("EUR")).unwrap();
        assert_eq!(read.categories, [["Home", "Cups"]]);
        assert_eq!(read.price.unwrap().amount(), 4.99);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, said) in [
            ("", "EOF"),
            ("[1]", "object"),
            (r#"{"title": "a"}"#, "field key"),
            (r#"{"id": "a", "titel": "a"}"#, "titel"),
            (
                r#"{"id": "a", "price": 1.0}"#,
                "price: expected a price with its currency",
            ),
            (r#"{"id": "a", "categories": ["A > > B"]}"#, "categories"),
            (r#"{"id": "a", "margin": 2.0}"#, "margin"),
            (r#"{"id": "a", "availability": "gone"}"#, "gone"),
        ] {
            let error = record(line.as_bytes(), None).unwrap_err();
            assert!(error.contains(said), "{line}: {error}");
        }
        let cup = Product {
            key: "cup".into(),
            price: Some(1.0),
            ..Product::default()
        };
        assert!(priced(cup.clone(), None).unwrap_err().contains("currency"));
        assert!(priced(cup.clone(), Some("eur")).is_err());
        assert_eq!(priced(cup, Some("EUR")).unwrap().key, "cup");
    }
}
