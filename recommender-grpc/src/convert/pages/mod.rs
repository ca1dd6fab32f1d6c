//! Lists in pages: how long a page is, where it begins, and the one form of the tokens that lead on.
//!
//! A token is the hexadecimal form of a check of eight bytes and of the key after which its page begins. The check is made
//! of both, of what is listed and of everything that says which entries there are and in which order: a token of another
//! list is refused, and so is one that was altered. Tokens are kept nowhere, and every server of a store makes the same.

mod question;

use crate::convert::violations::Violations;

pub(crate) use crate::list::List;
pub(crate) use question::{begin, of_question, token_after};

/// Most entries of a page.
const MOST: usize = 1000;

/// Entries of a page of settings, events or receipts where the caller does not say.
const USUAL: usize = 100;

/// What is wrong with a token that is none of this list.
const ANOTHER: &str =
    "expected next_page_token of an answer to the same request, found another text";

/// How many entries a page shall have, `usual` where the caller does not say; notes what is wrong with what was asked.
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
    list: List,
}

/// The page that is asked for, by its size and token, of a list of settings, events or receipts.
pub(crate) fn page(asked: (i32, &str), list: List, wrong: &mut Violations) -> Page {
    Page::asked(asked, USUAL, list, wrong)
}

impl Page {
    /// The page that is asked for of `list`, by its size, `usual` where that is not said, and its token. Notes what is
    /// wrong.
    pub(crate) fn asked(
        (size, token): (i32, &str),
        usual: usize,
        list: List,
        wrong: &mut Violations,
    ) -> Self {
        let size = self::size(size, usual, wrong);
        let last = (!token.is_empty()).then(|| String::from_utf8(list.last(token)?).ok());
        if last == Some(None) {
            wrong.add("page_token", ANOTHER);
        }
        Self {
            size,
            after: last.flatten(),
            list,
        }
    }

    /// Takes the entries of this page from one entry more than it has room for, if there are so many, and gives the token
    /// of the next page; it is empty at the end.
    pub(crate) fn cut<T>(&self, entries: &mut Vec<T>, key: impl Fn(&T) -> &str) -> String {
        if entries.len() <= self.size {
            return String::new();
        }
        entries.truncate(self.size);
        let last = entries.last();
        last.map_or_else(String::new, |last| self.list.token(key(last).as_bytes()))
    }

    /// The entries of this page out of all, which come in the order of their keys, and the token of the page after.
    pub(crate) fn of_all<T>(
        &self,
        all: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> &str,
    ) -> (Vec<T>, String) {
        let is_later = |entry: &T| self.after.as_deref().is_none_or(|after| key(entry) > after);
        let later = all.into_iter().filter(is_later);
        let mut entries: Vec<T> = later.take(self.size + 1).collect();
        let token = self.cut(&mut entries, key);
        (entries, token)
    }
}

/// Notes that a token is none of the list that is asked for.
pub(crate) fn refuse(wrong: &mut Violations) {
    wrong.add("page_token", ANOTHER);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::CHECK;
    use crate::status::Refusal;

    fn fields(wrong: Violations) -> Vec<String> {
        match wrong.or(()) {
            Ok(()) => Vec::new(),
            Err(Refusal::Invalid(violations)) => {
                let fields = violations.into_iter().map(|violation| violation.field);
                fields.collect()
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    fn list(words: &[&str]) -> List {
        List::of("products", words.iter().map(|word| word.as_bytes()))
    }

    #[test]
    fn pages_follow_one_another_and_the_last_has_no_token() {
        let all = ["a", "b", "c", "d", "é/ü"];
        let mut token = String::new();
        let mut pages = Vec::new();
        loop {
            let mut wrong = Violations::default();
            let asked = Page::asked((2, &token), 9, list(&["hidden"]), &mut wrong);
            assert_eq!(fields(wrong), [""; 0]);
            let (entries, next) = asked.of_all(all, |entry| entry);
            pages.push(entries);
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!(pages, [vec!["a", "b"], vec!["c", "d"], vec!["é/ü"]]);
    }

    #[test]
    fn a_token_leads_on_in_its_own_list_only_and_in_one_form() {
        let own = list(&["parent", "hidden"]);
        let token = own.token("é/ü".as_bytes());
        assert_eq!(own.last(&token).as_deref(), Some("é/ü".as_bytes()));
        assert_eq!(own.last(&own.token(b"")).as_deref(), Some(&b""[..]));
        let others = [
            list(&["parent", ""]),
            list(&["parenthidden"]),
            list(&["paren", "thidden"]),
            List::of("places", [&b"parent"[..], b"hidden"]),
        ];
        assert!(others.iter().all(|other| other.last(&token).is_none()));
        for place in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[place] = if altered[place] == b'0' { b'1' } else { b'0' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(own.last(&altered), None, "{altered}");
        }
        let capitals = token.to_uppercase();
        for wrong in [
            "é",
            "x",
            &token[..CHECK - 1],
            &token[..token.len() - 1],
            &capitals,
        ] {
            assert_eq!(own.last(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_and_tokens_that_are_none_are_named() {
        let mut wrong = Violations::default();
        page((-1, "not hexadecimal"), list(&[]), &mut wrong);
        assert_eq!(fields(wrong), ["page_size", "page_token"]);
        let mut wrong = Violations::default();
        let sizes = [0, 7, i32::MAX].map(|size| page((size, ""), list(&[]), &mut wrong).size);
        assert_eq!(sizes, [100, 7, 1000]);
        let no_text = list(&[]).token(&[0xff]);
        page((0, &no_text), list(&[]), &mut wrong);
        assert_eq!(fields(wrong), ["page_token"]);
    }
}
