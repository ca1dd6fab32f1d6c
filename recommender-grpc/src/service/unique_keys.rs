//! Keys that nothing else has: of events that came without one.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes keys that tell things apart, of this process and of others.
///
/// A key says nothing of what it stands for, and can't be guessed from another.
#[derive(Debug, Default)]
pub(crate) struct UniqueKeys {
    count: AtomicU64,
    /// Two keyed hashes, with keys drawn at random when the process starts.
    hashes: [RandomState; 2],
}

impl UniqueKeys {
    /// The next key: 128 bits as 32 hexadecimal digits.
    pub(crate) fn next(&self) -> String {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let [high, low] = &self.hashes;
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
    fn keys_differ_within_and_between_processes() {
        let (one, other) = (UniqueKeys::default(), UniqueKeys::default());
        let keys: HashSet<String> = (0..1000).flat_map(|_| [one.next(), other.next()]).collect();
        assert_eq!(keys.len(), 2000);
        assert!(keys.iter().all(|key| key.len() == 32));
    }
}
