//! Changing some fields of a product.

use serde_json::{Map, Value};

use crate::catalog::ProductRecord;
use crate::error::{Result, StoreError};

/// New values for some fields of a product; the others stay.
///
/// ```
/// use recommender_store::catalog::{ProductPatch, ProductRecord};
/// let cup = ProductRecord { key: "cup".into(), title: "Cup".into(), ..ProductRecord::default() };
/// let hide = ProductPatch {
///     product: ProductRecord { key: "cup".into(), hidden: true, ..ProductRecord::default() },
///     update_mask: vec!["hidden".into()],
/// };
/// let hidden = hide.apply_to(&cup)?;
/// assert!(hidden.hidden && hidden.title == "Cup");
/// # Ok::<(), recommender_store::StoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProductPatch {
    /// The product's key, and the new values.
    pub product: ProductRecord,
    /// Which fields to take from it: their names, `attributes.NAME` for one attribute, or `*` for all. A field or
    /// attribute that is named and not there is emptied. Without any name, those that are not empty are taken.
    pub update_mask: Vec<String>,
}

impl ProductPatch {
    /// `current` with the fields of the patch.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a name that is no field, and as [`ProductRecord::validate`].
    pub fn apply_to(&self, current: &ProductRecord) -> Result<ProductRecord> {
        let new = fields(&self.product)?;
        let mut fields = fields(current)?;
        for path in self.paths(&new)? {
            take(&path, &new, &mut fields)?;
        }
        // The key names what is patched, it is not changed.
        fields.insert("key".into(), Value::String(current.key.clone()));
        let patched: ProductRecord = serde_json::from_value(Value::Object(fields))
            .map_err(|error| StoreError::invalid("product patch", "a product", error))?;
        patched.validate()?;
        Ok(patched)
    }

    fn paths(&self, new: &Map<String, Value>) -> Result<Vec<String>> {
        if self.update_mask.iter().any(|path| path == "*") {
            return Ok(new.keys().cloned().collect());
        }
        if !self.update_mask.is_empty() {
            return Ok(self.update_mask.clone());
        }
        let nameless = ProductRecord {
            key: self.product.key.clone(),
            ..ProductRecord::default()
        };
        let empty = fields(&nameless)?;
        let changed = new
            .iter()
            .filter(|(name, value)| empty.get(*name) != Some(value));
        Ok(changed.map(|(name, _)| name.clone()).collect())
    }
}

/// Takes one field, or one attribute, from `new`.
fn take(path: &str, new: &Map<String, Value>, into: &mut Map<String, Value>) -> Result<()> {
    if let Some(name) = path.strip_prefix("attributes.") {
        let value = new.get("attributes").and_then(|all| all.get(name));
        if let Some(Value::Object(attributes)) = into.get_mut("attributes") {
            match value {
                Some(value) => attributes.insert(name.to_owned(), value.clone()),
                None => attributes.remove(name),
            };
        }
        return Ok(());
    }
    let Some(value) = new.get(path) else {
        let names: Vec<&str> = new.keys().map(String::as_str).collect();
        let expected = format!("one of {}, attributes.NAME or *", names.join(", "));
        return Err(StoreError::invalid("update_mask", expected, path));
    };
    into.insert(path.to_owned(), value.clone());
    Ok(())
}

fn fields(product: &ProductRecord) -> Result<Map<String, Value>> {
    // What is no number would become nothing.
    product.validate()?;
    match serde_json::to_value(product) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(StoreError::invalid("product", "an object", other)),
        Err(error) => Err(StoreError::invalid("product", "a product", error)),
    }
}

#[cfg(test)]
mod tests {
    use recommender_core::catalog::AttributeValue;

    use super::*;

    fn patch(fields: &str, mask: &[&str]) -> ProductPatch {
        ProductPatch {
            product: serde_json::from_str(fields).unwrap(),
            update_mask: mask.iter().map(|&path| path.to_owned()).collect(),
        }
    }

    fn cup() -> ProductRecord {
        let text = r#"{"key": "cup", "title": "Cup", "tags": ["blue"], "hidden": true,
            "attributes": {"litres": 0.3, "glaze": "matt"}, "field_of_tomorrow": 7}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn named_fields_are_taken_and_the_others_stay() {
        let given = r#"{"key": "cup", "title": "Mug", "attributes": {"litres": 0.4}}"#;
        let patched = patch(
            given,
            &["title", "hidden", "attributes.litres", "attributes.glaze"],
        );
        let patched = patched.apply_to(&cup()).unwrap();
        assert_eq!((patched.title.as_str(), patched.hidden), ("Mug", false));
        assert_eq!(patched.tags, ["blue"]);
        let litres = [("litres".to_owned(), AttributeValue::Number(0.4))];
        assert_eq!(patched.attributes, litres.into_iter().collect());
    }

    #[test]
    fn without_names_what_is_there_is_taken() {
        let patched = patch(r#"{"key": "cup", "title": "Mug"}"#, &[]);
        let patched = patched.apply_to(&cup()).unwrap();
        assert_eq!((patched.title.as_str(), patched.hidden), ("Mug", true));
        let all = patch(r#"{"key": "cup", "title": "Mug"}"#, &["*"]);
        let emptied = all.apply_to(&cup()).unwrap();
        assert!(!emptied.hidden && emptied.tags.is_empty());
    }

    #[test]
    fn a_name_that_is_no_field_and_a_wrong_value_are_refused() {
        let unknown = patch(r#"{"key": "cup"}"#, &["titel"]).apply_to(&cup());
        assert!(unknown.unwrap_err().to_string().contains("title"));
        let price = r#"{"key": "cup", "price": {"currency_code": "EUR", "units": -1}}"#;
        let error = patch(price, &["price"]).apply_to(&cup()).unwrap_err();
        assert!(
            error.to_string().contains("product \"cup\", field price"),
            "{error}"
        );
    }
}
