//! Items that often stand in a basket together: FP-growth.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::baskets::Baskets;
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::recommender::FitOptions;
use crate::rules::MiningConfig;
use crate::rules::fp_tree::{BYTES_PER_NUMBER, FpTree, Paths};
use crate::rules::ledger::{Ledger, Room};

/// Sets of items with the number of baskets that hold them, by length, then items.
///
/// ```
/// use recommender_core::baskets::{BasketConfig, Baskets};
/// use recommender_core::rules::MiningConfig;
/// use recommender_core::{FitOptions, HistoryItem, ItemIx, Timestamp};
/// let bought = |item, day: i64| HistoryItem {
///     item: ItemIx(item), weight: 1.0, time: Timestamp::from_seconds(day * 86_400),
/// };
/// let timeline = [bought(0, 0), bought(1, 0), bought(0, 1), bought(1, 1), bought(2, 1)];
/// let baskets = Baskets::of_timeline(&timeline, &BasketConfig::default());
/// let config = MiningConfig { support: 1.0, least_baskets: 1, ..MiningConfig::default() };
/// let itemsets = config.itemsets(&baskets, &FitOptions::default())?;
/// let found: Vec<_> = itemsets.iter().collect();
/// assert_eq!(found, [(&[ItemIx(0)][..], 2), (&[ItemIx(1)], 2), (&[ItemIx(0), ItemIx(1)], 2)]);
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Itemsets {
    baskets: u32,
    /// The sets of one item, of two and so on.
    levels: Vec<Level>,
}

/// Sets of one length, one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Level {
    items: Vec<ItemIx>,
    counts: Vec<u32>,
}

impl Level {
    /// Sets of `length` with their counts.
    pub(super) fn sets(
        &self,
        length: usize,
    ) -> impl ExactSizeIterator<Item = (&[ItemIx], u32)> + Clone {
        self.items
            .chunks_exact(length)
            .zip(self.counts.iter().copied())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Set `set` of `length`, with its count.
    pub(super) fn get(&self, set: usize, length: usize) -> (&[ItemIx], u32) {
        let items = &self.items[set * length..(set + 1) * length];
        (items, self.counts[set])
    }

    /// The same in the order of the items.
    fn sorted(self, length: usize) -> Self {
        let mut order: Vec<u32> = (0u32..).take(self.len()).collect();
        let set = |set: u32| self.get(set as usize, length);
        order.par_sort_unstable_by(|&a, &b| set(a).0.cmp(set(b).0));
        let mut sorted = Self {
            items: Vec::with_capacity(self.items.len()),
            counts: Vec::with_capacity(self.counts.len()),
        };
        for number in order {
            let (items, count) = set(number);
            sorted.items.extend_from_slice(items);
            sorted.counts.push(count);
        }
        sorted
    }
}

impl Itemsets {
    /// How many baskets were mined.
    #[must_use]
    pub fn baskets(&self) -> u32 {
        self.baskets
    }

    /// How many sets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.levels.iter().map(Level::len).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every set, its items ascending, with the number of baskets that hold it.
    pub fn iter(&self) -> impl Iterator<Item = (&[ItemIx], u32)> {
        self.levels().flat_map(|(length, level)| level.sets(length))
    }

    /// The sets by their length.
    pub(super) fn levels(&self) -> impl Iterator<Item = (usize, &Level)> {
        (1..).zip(&self.levels)
    }
}

/// Bytes a set of `length` takes: as it is found, as it is sorted, and where rules look it up.
fn bytes_of_set(length: usize) -> u64 {
    2 * (4 * length as u64 + 4) + 4 + 48
}

impl MiningConfig {
    /// The itemsets of `baskets` that reach the support, of at most [`MiningConfig::length`] items: by FP-growth, each
    /// item's part on its own. The same whatever the number of threads.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is out of range or the support is 0, saying how many sets that would give;
    /// [`Error::Data`] if the sets need more than [`MiningConfig::max_memory_bytes`], saying what they need;
    /// [`Error::Cancelled`].
    pub fn itemsets(&self, baskets: &Baskets, options: &FitOptions) -> Result<Itemsets> {
        self.validate()?;
        let counts = item_counts(baskets);
        self.check_support(baskets, &counts)?;
        let least = self.least_count(baskets.len());
        let ranked = frequent_items(&counts, least);
        let paths = paths(baskets, &ranked, counts.len());
        let ledger = Ledger::new(self.max_memory_bytes, options);
        let levels = match ledger.note(0, paths.total_length() as u64 * BYTES_PER_NUMBER)? {
            Room::Left => {
                let labels = (0u32..).take(ranked.len()).collect();
                let tree = FpTree::new(&paths, labels);
                drop(paths);
                self.grow(&tree, least, &ledger)?
            }
            Room::Short | Room::Gone => Vec::new(),
        };
        ledger.settle("itemsets")?;
        let singles = ranked.iter().map(|item| counts[item.position()]);
        let first = Level {
            counts: singles.collect(),
            items: ranked.clone(),
        };
        let mut levels: Vec<Level> = std::iter::once(first.sorted(1))
            .chain(merged(levels, &ranked))
            .collect();
        while levels.last().is_some_and(|level| level.len() == 0) {
            levels.pop();
        }
        let baskets = u32::try_from(baskets.len()).expect("a table keeps below 2^32 baskets");
        Ok(Itemsets { baskets, levels })
    }

    /// A support of 0 asks for every combination.
    fn check_support(&self, baskets: &Baskets, counts: &[u32]) -> Result<()> {
        if self.support > 0.0 {
            return Ok(());
        }
        let items = counts.iter().filter(|&&count| count > 0).count();
        let largest = baskets.iter().map(|basket| basket.items.len()).max();
        let found = format!(
            "0, which asks for all {} itemsets of up to {} of the {items} items, of which at least {} stand in a basket",
            combinations(items, self.length),
            self.length,
            combinations(largest.unwrap_or(0), self.length),
        );
        Err(Error::config("rules.support", "a share above 0", found))
    }

    /// The sets of two items and more that each item of `tree` is the last of.
    fn grow(&self, tree: &FpTree, least: u32, ledger: &Ledger<'_>) -> Result<Vec<Vec<Level>>> {
        let done = AtomicUsize::new(0);
        let numbers = tree.numbers();
        (0..numbers)
            .into_par_iter()
            .with_max_len(1)
            .map(|number| {
                let before = done.fetch_add(1, Ordering::Relaxed);
                ledger.step("itemsets", before as f64 / numbers as f64)?;
                let mut growth = Growth {
                    config: self,
                    least,
                    ledger,
                    set: vec![tree.label(number)],
                    found: vec![Level::default(); self.length - 1],
                };
                growth.extend(tree, number)?;
                Ok(growth.found)
            })
            .collect()
    }
}

/// The sets that end with one item, in the making. They hold ranks in place of items.
struct Growth<'a> {
    config: &'a MiningConfig,
    least: u32,
    ledger: &'a Ledger<'a>,
    /// The set that is extended.
    set: Vec<u32>,
    /// Sets of two items, of three and so on.
    found: Vec<Level>,
}

impl Growth<'_> {
    /// Finds all sets that extend the current one, which ends with `number`, by what lies above that in `tree`.
    fn extend(&mut self, tree: &FpTree, number: usize) -> Result<()> {
        let mut counts = Vec::new();
        tree.count_beside(number, &mut counts);
        let beside = counts.iter().filter(|&&count| count >= self.least).count();
        if beside == 0 {
            return Ok(());
        }
        let length = self.set.len() + 1;
        match self
            .ledger
            .note(beside, beside as u64 * bytes_of_set(length))?
        {
            Room::Left => self.keep(tree, &counts),
            // What was kept so far is of no use any more.
            Room::Short => self.found.fill(Level::default()),
            Room::Gone => return Ok(()),
        }
        if length == self.config.length || beside == 1 {
            return Ok(());
        }
        let conditional = tree.conditional(number, &counts, self.least);
        for next in 1..conditional.numbers() {
            self.set.push(conditional.label(next));
            self.extend(&conditional, next)?;
            self.set.pop();
        }
        Ok(())
    }

    fn keep(&mut self, tree: &FpTree, counts: &[u32]) {
        let level = &mut self.found[self.set.len() - 1];
        for (other, &count) in counts.iter().enumerate() {
            if count >= self.least {
                level
                    .items
                    .extend(self.set.iter().map(|&rank| ItemIx(rank)));
                level.items.push(ItemIx(tree.label(other)));
                level.counts.push(count);
            }
        }
    }
}

/// How many baskets hold each item.
fn item_counts(baskets: &Baskets) -> Vec<u32> {
    let mut counts = Vec::new();
    for item in baskets.iter().flat_map(|basket| basket.items) {
        if counts.len() <= item.position() {
            counts.resize(item.position() + 1, 0);
        }
        counts[item.position()] += 1;
    }
    counts
}

/// Items in at least `least` baskets, the most frequent first.
fn frequent_items(counts: &[u32], least: u32) -> Vec<ItemIx> {
    let frequent = |&(_, &count): &(usize, &u32)| count >= least;
    let items = counts.iter().enumerate().filter(frequent);
    let mut ranked: Vec<ItemIx> = items.map(|(item, _)| ItemIx::at(item)).collect();
    ranked.sort_by_key(|item| (Reverse(counts[item.position()]), *item));
    ranked
}

/// The baskets as ascending ranks of their frequent items.
fn paths(baskets: &Baskets, ranked: &[ItemIx], items: usize) -> Paths {
    let mut rank_of: Vec<Option<u32>> = vec![None; items];
    for (rank, item) in (0u32..).zip(ranked) {
        rank_of[item.position()] = Some(rank);
    }
    let mut paths = Paths::default();
    let mut path = Vec::new();
    for basket in baskets.iter() {
        path.clear();
        let items = basket.items.iter();
        path.extend(items.filter_map(|item| rank_of[item.position()]));
        path.sort_unstable();
        paths.push(path.iter().copied(), 1);
    }
    paths
}

/// The sets of each length over all `parts`, ranks turned back into items.
fn merged(parts: Vec<Vec<Level>>, ranked: &[ItemIx]) -> Vec<Level> {
    let mut merged: Vec<Level> = Vec::new();
    for part in parts {
        merged.resize(merged.len().max(part.len()), Level::default());
        for (level, found) in merged.iter_mut().zip(part) {
            level.items.extend(found.items);
            level.counts.extend(found.counts);
        }
    }
    for (length, level) in (2..).zip(&mut merged) {
        let turn_back = |set: &mut [ItemIx]| {
            set.iter_mut()
                .for_each(|rank| *rank = ranked[rank.position()]);
            set.sort_unstable();
        };
        level.items.par_chunks_exact_mut(length).for_each(turn_back);
        *level = std::mem::take(level).sorted(length);
    }
    merged
}

/// How many sets of 1 to `length` of `items` items there are, in words where no number holds it.
fn combinations(items: usize, length: usize) -> String {
    let mut sum = 0u128;
    let mut sets = 1u128;
    for taken in 0..length.min(items) {
        // Of n choose k times n − k, every k + 1 are one of n choose k + 1: the division leaves no rest.
        let Some(product) = sets.checked_mul((items - taken) as u128) else {
            return format!("more than {}", u128::MAX);
        };
        sets = product / (taken as u128 + 1);
        sum = sum.saturating_add(sets);
    }
    sum.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_counted_exactly_as_far_as_numbers_reach() {
        assert_eq!(combinations(4, 3), "14");
        assert_eq!(combinations(4, 9), "15");
        assert_eq!(combinations(0, 3), "0");
        assert_eq!(combinations(4_070, 2), "8284485");
        assert!(combinations(1_000_000_000, 32).starts_with("more than 34028236"));
    }
}
