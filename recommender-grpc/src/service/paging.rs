//! Lists in pages.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::convert::Violations;

/// Entries of a page where the caller does not say.
const USUAL: usize = 50;

/// Most entries of a page.
const MOST: usize = 1000;

/// How many entries a page shall have; notes what is wrong with what was asked.
pub(crate) fn size(asked: i32, usual: usize, wrong: &mut Violations) -> usize {
    match usize::try_from(asked) {
        Ok(0) => usual,
        Ok(asked) => asked.min(MOST),
        Err(_) => {
            wrong.add("page_size", format!("expected at least 0, found {asked}"));
            usual
        }
    }
}

/// A page of a list: how long it is, and after which key it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// Most entries.
    pub(crate) size: usize,
    /// The last key of the page before.
    pub(crate) after: Option<String>,
    /// Tells what is listed from other lists.
    list: u64,
}

impl Page {
    /// The page that is asked for of `list`: what it lists, and by which filter. Notes what is wrong.
    pub(crate) fn asked(
        (size, token): (i32, &str),
        list: (&str, &str),
        wrong: &mut Violations,
    ) -> Self {
        let size = self::size(size, USUAL, wrong);
        let mut hasher = FxHasher::default();
        hasher.write(list.0.as_bytes());
        hasher.write_u8(0);
        hasher.write(list.1.as_bytes());
        let list = hasher.finish();
        let after = (!token.is_empty()).then(|| key_of(token, list));
        if after == Some(None) {
            let expected = "expected the token of an answer to the same question";
            wrong.add("page_token", format!("{expected}, found {token:?}"));
        }
        Self {
            size,
            after: after.flatten(),
            list,
        }
    }

    /// The token of the page after this one, whose last key is `last`.
    pub(crate) fn token(&self, last: &str) -> String {
        let mut text = format!("{:016x}", self.list);
        for byte in last.bytes() {
            text.push_str(&format!("{byte:02x}"));
        }
        text
    }

    /// Takes the entries of this page from one entry more than it has room for, if there are so many, and gives the token
    /// of the next page; it is empty at the end.
    pub(crate) fn cut<T>(&self, entries: &mut Vec<T>, key: impl Fn(&T) -> &str) -> String {
        if entries.len() <= self.size {
            return String::new();
        }
        entries.truncate(self.size);
        entries
            .last()
            .map_or_else(String::new, |last| self.token(key(last)))
    }
}

fn key_of(token: &str, list: u64) -> Option<String> {
    let (head, key) = token.split_at_checked(16)?;
    let whole = !key.is_empty() && key.len().is_multiple_of(2);
    if u64::from_str_radix(head, 16).ok()? != list || !whole {
        return None;
    }
    let pairs = key.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    String::from_utf8(pairs.map(byte).collect::<Option<Vec<u8>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_on_in_its_own_list_only() {
        let mut wrong = Violations::default();
        let page = Page::asked((2, ""), ("products", "hidden"), &mut wrong);
        let mut keys = vec!["a", "é/ü", "z"];
        let token = page.cut(&mut keys, |key| key);
        assert_eq!(keys, ["a", "é/ü"]);
        let next = Page::asked((5000, &token), ("products", "hidden"), &mut wrong);
        assert_eq!((next.after.as_deref(), next.size), (Some("é/ü"), MOST));
        assert_eq!(next.cut(&mut vec!["z"], |key| key), "");
        assert!(wrong.or(()).is_ok());
        for (list, token) in [
            (("products", ""), token.as_str()),
            (("products", "hidden"), "é"),
            (("products", "hidden"), &token[..17]),
            (("products", "hidden"), &token[..16]),
        ] {
            let mut wrong = Violations::default();
            Page::asked((0, token), list, &mut wrong);
            assert!(wrong.or(()).is_err(), "{token}");
        }
        let mut wrong = Violations::default();
        assert_eq!(Page::asked((-1, ""), ("", ""), &mut wrong).size, USUAL);
        assert!(wrong.or(()).is_err());
    }
}
