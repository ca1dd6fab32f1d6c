//! Filters made into bits, kept beside a model for as long as there is room.

use std::sync::Arc;

use recommender_store::catalog::Currency;
use recommender_store::filter::CompiledFilter;
use rustc_hash::FxHashMap;

/// Filters that were made into bits, by what tells them from others.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    made: FxHashMap<String, Made>,
    bytes: usize,
    turn: u64,
}

#[derive(Debug)]
struct Made {
    filter: Arc<CompiledFilter>,
    bytes: usize,
    used: u64,
}

/// Memory that the bits of callers' filters may take beside a model.
const FILTER_BYTES: usize = 64 << 20;

/// A clause has at least so many letters.
const LETTERS_OF_A_CLAUSE: usize = 4;

/// A filter takes at least so much memory.
const FILTER_ITSELF: usize = 1024;

/// What tells a filter of this text, whose money counts in `currency` alone, from others.
pub(crate) fn key(text: &str, currency: Currency) -> String {
    // No filter ends in a word without a sign before it: it is no other filter's text.
    format!("{text}\t{currency}")
}

impl Filters {
    /// A filter that is here.
    pub(crate) fn find(&mut self, key: &str) -> Option<Arc<CompiledFilter>> {
        let made = self.made.get_mut(key)?;
        self.turn += 1;
        made.used = self.turn;
        Some(Arc::clone(&made.filter))
    }

    /// Those that were asked for last, at most `most`, with what tells each from others; the latest at the end.
    pub(crate) fn latest(&self, most: usize) -> Vec<(String, Arc<CompiledFilter>)> {
        let mut made: Vec<_> = self.made.iter().collect();
        made.sort_unstable_by_key(|(_, made)| made.used);
        let latest = made.split_off(made.len().saturating_sub(most));
        let latest = latest.into_iter();
        latest
            .map(|(key, made)| (key.clone(), Arc::clone(&made.filter)))
            .collect()
    }

    /// Keeps a filter over so many items, and drops those that were not asked for the longest until there is room for
    /// it. One that takes all of the room is kept alone: it would else be made again for each answer.
    pub(crate) fn keep(&mut self, key: &str, filter: &Arc<CompiledFilter>, items: usize) {
        if self.made.contains_key(key) {
            return;
        }
        let clauses = key.len() / LETTERS_OF_A_CLAUSE + 1;
        let bytes = FILTER_ITSELF + clauses * items.div_ceil(8);
        while self.bytes + bytes > FILTER_BYTES {
            let oldest = self.made.iter().min_by_key(|(_, made)| made.used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                break;
            };
            self.bytes -= self.made.remove(&oldest).map_or(0, |made| made.bytes);
        }
        self.turn += 1;
        self.bytes += bytes;
        let made = Made {
            filter: Arc::clone(filter),
            bytes,
            used: self.turn,
        };
        self.made.insert(key.to_owned(), made);
    }
}

#[cfg(test)]
mod tests {
    use recommender_store::catalog::Catalogue;
    use recommender_store::filter::{Filter, FilterIndex};

    use super::*;

    #[test]
    fn what_was_not_asked_for_the_longest_makes_room() {
        let catalogue = Catalogue::default();
        let index = FilterIndex::new(&catalogue, catalogue.view(Arc::default()));
        let filter = Filter::parse("tags: a").unwrap();
        let filter = Arc::new(index.compile(&catalogue, &filter));
        let mut filters = Filters::default();
        // With its two clauses each takes a third of the room.
        let items = FILTER_BYTES * 8 / 3 / 2 - 8 * FILTER_ITSELF;
        for name in ["aaaa", "bbbb", "cccc"] {
            filters.keep(name, &filter, items);
        }
        assert!(filters.find("aaaa").is_some());
        filters.keep("dddd", &filter, items);
        let latest = filters.latest(2).into_iter().map(|(name, _)| name);
        assert_eq!(latest.collect::<Vec<_>>(), ["aaaa", "dddd"]);
        let here = ["aaaa", "bbbb", "cccc", "dddd"].map(|name| filters.find(name).is_some());
        assert_eq!(here, [true, false, true, true]);
        filters.keep("eeee", &filter, items * 4);
        assert!(filters.find("eeee").is_some() && filters.find("dddd").is_none());
        filters.keep("aaaa", &filter, items);
        assert!(filters.find("eeee").is_none() && filters.find("aaaa").is_some());
    }
}
