//! Bits that are read while they are changed.

use std::sync::atomic::{AtomicU64, Ordering};

use recommender_core::{DenseIndex, ItemIx};

/// Bits in a word.
const WORD: usize = u64::BITS as usize;

/// A bit for each item of a numbering, changed in place.
#[derive(Debug)]
pub(crate) struct AtomicBits(Vec<AtomicU64>);

impl AtomicBits {
    /// Zeros for `items` items.
    pub(crate) fn new(items: usize) -> Self {
        Self(
            (0..items.div_ceil(WORD))
                .map(|_| AtomicU64::new(0))
                .collect(),
        )
    }

    /// Sets or clears the bit of `item`. Whoever sees it also sees what was written before it.
    pub(crate) fn set(&self, item: ItemIx, on: bool) {
        let word = &self.0[item.position() / WORD];
        let bit = 1u64 << (item.position() % WORD);
        if on {
            word.fetch_or(bit, Ordering::Release);
        } else {
            word.fetch_and(!bit, Ordering::Release);
        }
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().map(|word| word.load(Ordering::Acquire))
    }

    /// Clears in `words` what is not set here.
    pub(crate) fn cut(&self, words: &mut [u64]) {
        for (word, own) in words.iter_mut().zip(self.words()) {
            *word &= own;
        }
    }

    /// Sets in `words` what is set here.
    pub(crate) fn add_to(&self, words: &mut [u64]) {
        for (word, own) in words.iter_mut().zip(self.words()) {
            *word |= own;
        }
    }

    /// Clears in `words` what is set here.
    pub(crate) fn cut_out(&self, words: &mut [u64]) {
        for (word, own) in words.iter_mut().zip(self.words()) {
            *word &= !own;
        }
    }

    /// Ones for `items` items, and what is left of the last word.
    pub(crate) fn ones(items: usize) -> Self {
        let words = 0..items.div_ceil(WORD);
        Self(words.map(|_| AtomicU64::new(u64::MAX)).collect())
    }

    /// The same bits at this moment.
    pub(crate) fn copied(&self) -> Self {
        Self(self.words().map(AtomicU64::new).collect())
    }
}

/// Whether the bit of `item` is set in `words`.
pub(super) fn is_set(words: &[u64], item: ItemIx) -> bool {
    words[item.position() / WORD] >> (item.position() % WORD) & 1 == 1
}

/// Sets or clears the bit of `item` in `words`.
pub(super) fn put(words: &mut [u64], item: ItemIx, on: bool) {
    let bit = 1u64 << (item.position() % WORD);
    let word = &mut words[item.position() / WORD];
    *word = if on { *word | bit } else { *word & !bit };
}
