//! What every collection of resources shares: parents, ids, and which fields a change takes over.

use prost_types::FieldMask;

use crate::convert::violations::Violations;
use crate::resource::{id_of, is_catalog};
use crate::settings::is_resource_id;

/// Longest id of a resource that this service names.
const MOST_ID: usize = 100;

/// Longest name for people.
const MOST_DISPLAY_NAME: usize = 200;

/// Checks that `parent` is the catalogue that is served.
pub(crate) fn check_parent(parent: &str, catalog: &str, wrong: &mut Violations) {
    if !is_catalog(parent, catalog) {
        let expected = format!("expected \"catalogs/{catalog}\", found {parent:?}");
        wrong.add("parent", expected);
    }
}

/// The id in the name of a resource, which stands in `field`.
pub(crate) fn id_in(
    (field, name): (&str, &str),
    (catalog, collection): (&str, &str),
    wrong: &mut Violations,
) -> String {
    let id = id_of(name, catalog, collection).unwrap_or_else(|| {
        let expected = format!("expected \"catalogs/{catalog}/{collection}/{{id}}\"");
        wrong.add(field, format!("{expected}, found {name:?}"));
        ""
    });
    id.to_owned()
}

/// Checks the id that a caller gives a new resource.
pub(crate) fn check_id(id: &str, field: &str, wrong: &mut Violations) {
    let right = is_resource_id(id) && !id.starts_with('.') && id.len() <= MOST_ID;
    if !right {
        let expected =
            "expected 1 to 100 letters, digits, \"-\", \"_\" and \".\", the first no \".\"";
        let found: String = id.chars().take(MOST_ID).collect();
        wrong.add(field, format!("{expected}, found {found:?}"));
    }
}

/// Checks a name for people.
pub(crate) fn check_display_name(name: &str, field: &str, wrong: &mut Violations) {
    let length = name.chars().count();
    if length > MOST_DISPLAY_NAME {
        let expected = format!("expected at most {MOST_DISPLAY_NAME} characters");
        wrong.add(field, format!("{expected}, found {length}"));
    }
}

/// Which of the fields `known` a change takes over: those of the mask, or all of them if it is none or "*".
pub(crate) fn masked<'a>(
    mask: Option<&FieldMask>,
    known: &[&'a str],
    wrong: &mut Violations,
) -> Vec<&'a str> {
    let paths = mask.map(|mask| &*mask.paths).unwrap_or_default();
    if paths.is_empty() || paths.iter().any(|path| path == "*") {
        return known.to_vec();
    }
    let unknown = paths.iter().find(|path| !known.contains(&&***path));
    if let Some(unknown) = unknown {
        let expected = format!("expected some of {} or \"*\"", known.join(", "));
        wrong.add("update_mask", format!("{expected}, found {unknown:?}"));
    }
    let asked = known
        .iter()
        .filter(|known| paths.iter().any(|path| path == *known));
    asked.copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Refusal;

    fn fields(wrong: Violations) -> Vec<String> {
        match wrong.or(()) {
            Ok(()) => Vec::new(),
            Err(Refusal::Invalid(violations)) => violations
                .into_iter()
                .map(|violation| violation.field)
                .collect(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_mask_names_known_fields_or_all_of_them() {
        let known = ["name", "filter"];
        let mut wrong = Violations::default();
        let mask = |paths: &[&str]| FieldMask {
            paths: paths.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(masked(None, &known, &mut wrong), known);
        assert_eq!(masked(Some(&mask(&["*"])), &known, &mut wrong), known);
        assert_eq!(
            masked(Some(&mask(&["filter"])), &known, &mut wrong),
            ["filter"]
        );
        assert!(masked(Some(&mask(&["colour"])), &known, &mut wrong).is_empty());
        assert_eq!(fields(wrong), ["update_mask"]);
    }

    #[test]
    fn ids_that_could_be_paths_are_refused() {
        for (id, right) in [
            ("home-1.b", true),
            ("..", false),
            (".a", false),
            ("a/b", false),
            ("", false),
        ] {
            let mut wrong = Violations::default();
            check_id(id, "model_id", &mut wrong);
            assert_eq!(fields(wrong).is_empty(), right, "{id}");
        }
    }
}
