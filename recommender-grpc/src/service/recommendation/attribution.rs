//! Attribution tokens: keys of answers.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes keys that tell answers apart, of this process and of others.
///
/// A token says nothing of the shopper, and can't be guessed from another.
#[derive(Debug, Default)]
pub(crate) struct AttributionTokens {
    count: AtomicU64,
    /// Two keyed hashes, with keys drawn at random when the process starts.
    keys: [RandomState; 2],
}

impl AttributionTokens {
    /// The next token: 128 bits as 32 hexadecimal digits.
    pub(crate) fn next(&self) -> String {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let [high, low] = &self.keys;
        format!(
            "{:016x}{:016x}",
            high.hash_one(number),
            low.hash_one(number)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tokens_differ_within_and_between_processes() {
        let (one, other) = (AttributionTokens::default(), AttributionTokens::default());
        let tokens: HashSet<String> = (0..1000).flat_map(|_| [one.next(), other.next()]).collect();
        assert_eq!(tokens.len(), 2000);
        assert!(tokens.iter().all(|token| token.len() == 32));
    }
}
