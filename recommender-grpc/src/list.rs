//! What is listed, told from all else that is listed: a token of a page leads on in one list only.

use ring::digest::{Context, SHA256};

use crate::digits::hex;

/// Letters of the check that a token begins with.
pub(crate) const CHECK: usize = 16;

/// Tells a list from others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct List([u8; 32]);

impl List {
    /// The list of `what` that `words` tell from others of its sort: its parent, a filter, an order.
    pub(crate) fn of<'a>(what: &str, words: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut context = Context::new(&SHA256);
        let mut take = |word: &[u8]| {
            context.update(&word.len().to_le_bytes());
            context.update(word);
        };
        take(what.as_bytes());
        words.into_iter().for_each(take);
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Self(digest)
    }

    /// The token of the page that begins after `last`.
    pub(crate) fn token(&self, last: &[u8]) -> String {
        self.check(last) + &hex(last)
    }

    /// After what the page of a token begins; none if it is no token of this list.
    pub(crate) fn last(&self, token: &str) -> Option<Vec<u8>> {
        let (check, last) = token.split_at_checked(CHECK)?;
        let pairs = last.as_bytes().chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let last = pairs.map(byte).collect::<Option<Vec<u8>>>()?;
        // There is one text for each: no sign, no capital letters, no odd digit.
        (check == self.check(&last) && self.token(&last) == token).then_some(last)
    }

    fn check(&self, last: &[u8]) -> String {
        let mut context = Context::new(&SHA256);
        context.update(&self.0);
        context.update(last);
        hex(&context.finish().as_ref()[..CHECK / 2])
    }
}
