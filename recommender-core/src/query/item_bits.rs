//! A set of items with a bit for each.

use crate::ids::{DenseIndex, ItemIx};

/// Bits in a word.
const WORD: usize = u64::BITS as usize;

/// A set of items with a bit for each item up to the highest in it: asked in a nanosecond whatever its size, and cut
/// with another by the word. What is for sale at a place is one.
///
/// ```
/// use recommender_core::{ItemBits, ItemIx};
/// let bits = ItemBits::from_words(vec![0b110]);
/// assert!(bits.contains(ItemIx(1)) && !bits.contains(ItemIx(0)) && !bits.contains(ItemIx(900)));
/// assert_eq!(bits.iter().collect::<Vec<_>>(), [ItemIx(1), ItemIx(2)]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemBits {
    /// Item i is bit i % 64 of word i / 64. The last word is not zero.
    words: Vec<u64>,
    count: usize,
}

impl ItemBits {
    /// The set whose item i is bit i % 64 of word i / 64.
    #[must_use]
    pub fn from_words(mut words: Vec<u64>) -> Self {
        let used = words.iter().rposition(|&word| word != 0);
        words.truncate(used.map_or(0, |last| last + 1));
        let count = words.iter().map(|word| word.count_ones() as usize).sum();
        Self { words, count }
    }

    /// Whether `item` is in the set.
    #[inline]
    #[must_use]
    pub fn contains(&self, item: ItemIx) -> bool {
        let position = item.position();
        let word = self.words.get(position / WORD).copied().unwrap_or(0);
        word >> (position % WORD) & 1 == 1
    }

    /// Items, ascending.
    pub fn iter(&self) -> impl Iterator<Item = ItemIx> + '_ {
        let words = self.words.iter().enumerate();
        words.flat_map(|(place, &word)| {
            std::iter::successors(Some(word), |&left| Some(left & left.wrapping_sub(1)))
                .take_while(|&left| left != 0)
                .map(move |left| ItemIx::at(place * WORD + left.trailing_zeros() as usize))
        })
    }

    /// Its words; bits past the last are zero.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// How many items are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether no item is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl FromIterator<ItemIx> for ItemBits {
    fn from_iter<T: IntoIterator<Item = ItemIx>>(items: T) -> Self {
        let mut words = Vec::new();
        for item in items {
            let (place, bit) = (item.position() / WORD, item.position() % WORD);
            if place >= words.len() {
                words.resize(place + 1, 0);
            }
            words[place] |= 1u64 << bit;
        }
        Self::from_words(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it_in_any_order() {
        let items = [64, 3, 0, 63, 200, 3].map(ItemIx);
        let bits: ItemBits = items.into_iter().collect();
        let found: Vec<u32> = bits.iter().map(|item| item.0).collect();
        assert_eq!(found, [0, 3, 63, 64, 200]);
        assert_eq!(bits.len(), 5);
        assert!((0..300).all(|item| bits.contains(ItemIx(item)) == found.contains(&item)));
    }

    #[test]
    fn zeros_behind_the_last_item_make_no_difference() {
        let bits = ItemBits::from_words(vec![1, 0, 0]);
        assert_eq!(bits, [ItemIx(0)].into_iter().collect());
        assert_eq!(bits.words(), [1]);
        assert!(ItemBits::from_words(vec![0, 0]).is_empty());
        assert_eq!(ItemBits::default().iter().count(), 0);
    }
}
