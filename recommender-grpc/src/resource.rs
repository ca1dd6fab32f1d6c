//! Resource names: `catalogs/{catalog}/{collection}/{id}`.

/// The id within a resource name of `collection`, such as `products`; none if it is not one of this catalogue. An id
/// may hold anything, so that it can be the shop's own key, but must hold something.
///
/// ```text
/// catalogs/default/products/shirt/red -> shirt/red
/// ```
pub(crate) fn id_of<'a>(name: &'a str, catalog: &str, collection: &str) -> Option<&'a str> {
    let rest = name.strip_prefix("catalogs/")?;
    let rest = rest.strip_prefix(catalog)?.strip_prefix('/')?;
    let id = rest.strip_prefix(collection)?.strip_prefix('/')?;
    (!id.is_empty()).then_some(id)
}

/// The resource name of an id.
pub(crate) fn name_of(catalog: &str, collection: &str, id: &str) -> String {
    format!("catalogs/{catalog}/{collection}/{id}")
}

/// Whether `parent` is `catalogs/{catalog}`.
pub(crate) fn is_catalog(parent: &str, catalog: &str) -> bool {
    parent.strip_prefix("catalogs/") == Some(catalog)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        let name = name_of("default", "products", "a/b c");
        assert_eq!(name, "catalogs/default/products/a/b c");
        assert_eq!(id_of(&name, "default", "products"), Some("a/b c"));
        for wrong in [
            "",
            "a",
            "catalogs/default/products/",
            "catalogs/other/products/a",
        ] {
            assert_eq!(id_of(wrong, "default", "products"), None, "{wrong}");
        }
        assert_eq!(id_of(&name, "default", "product"), None);
        assert!(is_catalog("catalogs/default", "default") && !is_catalog("default", "default"));
    }
}
