//! Scores of a few items of a large catalogue.

use std::ops::AddAssign;

/// Sums by item in a table as large as what is added, not as the catalogue: it stays in the nearest cache, and a query
/// on its own pays for no more than it touches.
#[derive(Debug)]
pub(super) struct SmallSums<T> {
    /// An item in each place in use: where its bits, spread by a multiplication, say, or in the next free place.
    items: Vec<u32>,
    sums: Vec<T>,
    /// Places in use, in the order in which they came to be.
    used: Vec<u32>,
    /// How far a spread item is shifted to its place.
    shift: u32,
}

/// No item has this number.
const FREE: u32 = u32::MAX;

/// An odd number near 2³² over the golden ratio spreads consecutive items evenly.
const SPREAD: u32 = 0x9E37_79B1;

/// The smallest table, as a power of two.
const LEAST_BITS: u32 = 6;

impl<T: Copy + Default + AddAssign> SmallSums<T> {
    pub(super) fn new() -> Self {
        let mut sums = Self {
            items: Vec::new(),
            sums: Vec::new(),
            used: Vec::new(),
            shift: 0,
        };
        sums.resize(LEAST_BITS);
        sums
    }

    /// Makes room for the sums of `entries` items. There must be none yet.
    pub(super) fn reserve(&mut self, entries: usize) {
        debug_assert!(self.used.is_empty(), "the places of sums would change");
        let places = (entries.max(1) * 2).next_power_of_two();
        if places > self.items.len() {
            self.resize(places.trailing_zeros());
        }
    }

    fn resize(&mut self, bits: u32) {
        self.items = vec![FREE; 1 << bits];
        self.sums = vec![T::default(); 1 << bits];
        self.used = Vec::with_capacity(1 << (bits - 1));
        self.shift = u32::BITS - bits;
    }

    /// Adds to the sum of `item`.
    #[inline]
    pub(super) fn add(&mut self, item: u32, gain: T) {
        let last = self.items.len() - 1;
        let mut place = (item.wrapping_mul(SPREAD) >> self.shift) as usize & last;
        loop {
            let found = self.items[place];
            if found == item {
                self.sums[place] += gain;
                return;
            }
            if found == FREE {
                self.items[place] = item;
                self.sums[place] = gain;
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a table has 2^32 places at most"
                )]
                self.used.push(place as u32);
                return;
            }
            place = (place + 1) & last;
        }
    }

    /// Items with their sums, in the order in which they were first met.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, T)> + '_ {
        let entry = |&place: &u32| (self.items[place as usize], self.sums[place as usize]);
        self.used.iter().map(entry)
    }

    /// Makes the sums empty again.
    pub(super) fn clear(&mut self) {
        for &place in &self.used {
            self.items[place as usize] = FREE;
        }
        self.used.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_any_items_come_in_the_order_they_were_met() {
        let mut sums = SmallSums::new();
        for round in 1..4u32 {
            let items = [7u32, 1 << 31, 7, 0, FREE - 1, 0, 7];
            sums.reserve(300 * round as usize);
            items.iter().for_each(|&item| sums.add(item, round));
            // What spreads to the same place goes to the next.
            (0..200).for_each(|item| sums.add(item * 1024, 1));
            let found: Vec<(u32, u32)> = sums.entries().take(4).collect();
            let expected = [(7, 3), (1 << 31, 1), (0, 2), (FREE - 1, 1)];
            let expected = expected.map(|(item, times)| (item, times * round));
            assert_eq!(found[..2], expected[..2]);
            assert_eq!(found[2], (0, expected[2].1 + 1));
            assert_eq!(found[3], expected[3]);
            assert_eq!(sums.entries().count(), 203);
            sums.clear();
            assert_eq!(sums.entries().count(), 0);
        }
    }
}
