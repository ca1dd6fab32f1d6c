//! What every collection of resources shares: ids, pages, and which fields a change takes over.

use prost_types::FieldMask;

use crate::convert::violations::Violations;
use crate::resource::{id_of, is_catalog};
use crate::settings::is_resource_id;

/// Resources of a page where the request names no number, and the most there are on one.
const PAGE_SIZES: (usize, usize) = (100, 1000);

/// Longest id of a resource that this service names.
const MOST_ID: usize = 100;

/// Longest name for people.
const MOST_DISPLAY_NAME: usize = 200;

/// Which page of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    size: usize,
    /// The id before its first.
    after: Option<String>,
}

/// The page that a request asks for.
pub(crate) fn page(size: i32, token: &str, wrong: &mut Violations) -> Page {
    let (usual, most) = PAGE_SIZES;
    let size = usize::try_from(size).unwrap_or_else(|_| {
        wrong.add("page_size", format!("expected at least 0, found {size}"));
        0
    });
    let after = (!token.is_empty()).then(|| id_of_token(token));
    if let Some(None) = after {
        wrong.add(
            "page_token",
            "expected next_page_token of the page before, found another text",
        );
    }
    Page {
        size: if size == 0 { usual } else { size.min(most) },
        after: after.flatten(),
    }
}

impl Page {
    /// The items of this page out of all, which come in order of their ids, and the token of the page after.
    pub(crate) fn cut<T>(
        &self,
        all: impl IntoIterator<Item = T>,
        id: impl Fn(&T) -> &str,
    ) -> (Vec<T>, String) {
        let is_later = |item: &T| self.after.as_deref().is_none_or(|after| id(item) > after);
        let mut later = all.into_iter().filter(is_later);
        let page: Vec<T> = later.by_ref().take(self.size).collect();
        let last = later.next().and(page.last());
        let token = last.map_or_else(String::new, |last| token_of_id(id(last)));
        (page, token)
    }
}

/// An id in a form that invites nobody to make one up.
fn token_of_id(id: &str) -> String {
    id.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn id_of_token(token: &str) -> Option<String> {
    let pairs = token.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}

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
    fn pages_follow_one_another_and_the_last_has_no_token() {
        let all = ["a", "b", "c", "d", "e"];
        let mut token = String::new();
        let mut pages = Vec::new();
        loop {
            let mut wrong = Violations::default();
            let asked = page(2, &token, &mut wrong);
            assert_eq!(fields(wrong), [""; 0]);
            let (items, next) = asked.cut(all, |item| item);
            pages.push(items);
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!(pages, [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
    }

    #[test]
    fn sizes_and_tokens_that_are_none_are_named() {
        let mut wrong = Violations::default();
        page(-1, "not hexadecimal", &mut wrong);
        assert_eq!(fields(wrong), ["page_size", "page_token"]);
        let mut wrong = Violations::default();
        assert_eq!(page(0, "", &mut wrong).size, 100);
        assert_eq!(page(i32::MAX, "", &mut wrong).size, 1000);
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
