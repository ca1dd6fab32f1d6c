//! A filter made of bits.

use std::collections::BTreeSet;
use std::sync::Arc;

use recommender_core::ItemBits;
use serde::Serialize;

use crate::catalog::Catalogue;
use crate::filter::leaf::{Asked, Leaf};
use crate::filter::{Filter, FilterIndex};

/// A filter in the numbering of a view: a set of items is cut by it word by word, 64 items at a time. Made by
/// [`FilterIndex::compile`].
#[derive(Debug)]
pub struct CompiledFilter {
    index: Arc<FilterIndex>,
    filter: Filter,
    /// What is joined by `AND` at the top, with its text.
    clauses: Vec<(String, Node)>,
}

/// What a part of a filter is made of.
#[derive(Debug)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Leaf(Arc<Leaf>),
}

/// What a filter did to a set of items.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct FilterStats {
    /// How many items came in, not counting those without a product record.
    pub allowed: usize,
    /// How many were left.
    pub kept: usize,
    /// Its clauses: what is joined by `AND` at the top, in the order of the filter.
    pub clauses: Vec<ClauseStats>,
}

/// What a clause of a filter did to a set of items.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ClauseStats {
    /// Its text, in normal form.
    pub clause: String,
    /// How many of the items it took out; other clauses may have done so too.
    pub removed: usize,
    /// How many of them no other clause took out: they would come back without it.
    pub removed_alone: usize,
}

impl CompiledFilter {
    pub(super) fn new(
        index: Arc<FilterIndex>,
        filter: Filter,
        clauses: Vec<(String, Node)>,
    ) -> Self {
        Self {
            index,
            filter,
            clauses,
        }
    }

    /// The filter it was made of.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The index it was made by.
    #[must_use]
    pub fn index(&self) -> &Arc<FilterIndex> {
        &self.index
    }

    /// Those of `allowed` that the filter means, where prices and quantities are those of `place`. `catalogue` must be
    /// that of the view.
    ///
    /// It takes an operation a clause on words of 64 items. A place that is new to a clause on prices or quantities
    /// has what is known of them there gone through, once: about a microsecond a product. Cut an empty set to have it
    /// done beforehand.
    #[must_use]
    pub fn cut(&self, catalogue: &Catalogue, place: Option<&str>, allowed: &ItemBits) -> ItemBits {
        let mut words = self.known_of(allowed);
        let asked = self.asked(catalogue, place);
        for (_, clause) in &self.clauses {
            clause.keep(&asked, &mut words);
        }
        ItemBits::from_words(words)
    }

    /// Whether [`CompiledFilter::cut`] at a place has nothing to go through first.
    #[must_use]
    pub fn is_made_at(&self, catalogue: &Catalogue, place: Option<&str>) -> bool {
        let asked = self.asked(catalogue, place);
        (self.clauses.iter()).all(|(_, clause)| clause.is_made(&asked))
    }

    /// The places for which what [`CompiledFilter::cut`] goes through was gone through.
    #[must_use]
    pub fn places(&self) -> BTreeSet<String> {
        let mut places = BTreeSet::new();
        for (_, clause) in &self.clauses {
            clause.add_places(&mut places);
        }
        places
    }

    /// As [`CompiledFilter::cut`], and counts what each clause did.
    #[must_use]
    pub fn cut_counted(
        &self,
        catalogue: &Catalogue,
        place: Option<&str>,
        allowed: &ItemBits,
    ) -> (ItemBits, FilterStats) {
        let words = self.known_of(allowed);
        let asked = self.asked(catalogue, place);
        let mut marks = Marks::new(words.len());
        let clauses = self.clauses.iter().map(|(_, clause)| {
            let mut kept = words.clone();
            clause.keep(&asked, &mut kept);
            let mut removed = kept;
            removed
                .iter_mut()
                .zip(&words)
                .for_each(|(it, all)| *it = all & !*it);
            marks.add(&removed);
            removed
        });
        let removed: Vec<Vec<u64>> = clauses.collect();
        let clauses = self
            .clauses
            .iter()
            .zip(&removed)
            .map(|((clause, _), removed)| ClauseStats {
                clause: clause.clone(),
                removed: count(removed),
                removed_alone: marks.count_once(removed),
            });
        let clauses = clauses.collect();
        let allowed = count(&words);
        let kept = ItemBits::from_words(marks.without(&words));
        let stats = FilterStats {
            allowed,
            kept: kept.len(),
            clauses,
        };
        (kept, stats)
    }

    fn asked<'a>(&'a self, catalogue: &'a Catalogue, place: Option<&'a str>) -> Asked<'a> {
        Asked {
            catalogue,
            view: self.index.view(),
            place,
        }
    }

    /// The words of those of `allowed` that have a record.
    fn known_of(&self, allowed: &ItemBits) -> Vec<u64> {
        let mut words = allowed.words().to_vec();
        let items = self.index.view().items().len();
        words.truncate(items.div_ceil(u64::BITS as usize));
        self.index.known().cut(&mut words);
        words
    }
}

impl Node {
    fn add_places(&self, places: &mut BTreeSet<String>) {
        match self {
            Self::Leaf(leaf) => places.extend(leaf.places()),
            Self::Not(part) => part.add_places(places),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.add_places(places));
            }
        }
    }

    fn is_made(&self, asked: &Asked<'_>) -> bool {
        match self {
            Self::Leaf(leaf) => leaf.is_made(asked),
            Self::Not(part) => part.is_made(asked),
            Self::All(parts) | Self::Any(parts) => parts.iter().all(|part| part.is_made(asked)),
        }
    }

    /// Clears in `words` the items of which it does not hold.
    fn keep(&self, asked: &Asked<'_>, words: &mut Vec<u64>) {
        match self {
            Self::Leaf(leaf) => leaf.read(asked, &mut |bits| bits.cut(words)),
            Self::Not(part) => part.remove(asked, words),
            Self::All(parts) => parts.iter().for_each(|part| part.keep(asked, words)),
            Self::Any(parts) => {
                let mut left = words.clone();
                for part in parts {
                    part.remove(asked, &mut left);
                }
                clear(words, &left);
            }
        }
    }

    /// Clears in `words` the items of which it holds.
    fn remove(&self, asked: &Asked<'_>, words: &mut Vec<u64>) {
        match self {
            Self::Leaf(leaf) => leaf.read(asked, &mut |bits| bits.cut_out(words)),
            Self::Not(part) => part.keep(asked, words),
            Self::Any(parts) => parts.iter().for_each(|part| part.remove(asked, words)),
            Self::All(_) => {
                let mut held = words.clone();
                self.keep(asked, &mut held);
                clear(words, &held);
            }
        }
    }
}

/// Clears in `words` what is set in `other`.
fn clear(words: &mut [u64], other: &[u64]) {
    for (word, other) in words.iter_mut().zip(other) {
        *word &= !other;
    }
}

fn count(words: &[u64]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}

/// Which items were taken out by one clause, and which by several.
struct Marks {
    once: Vec<u64>,
    twice: Vec<u64>,
}

impl Marks {
    fn new(words: usize) -> Self {
        Self {
            once: vec![0; words],
            twice: vec![0; words],
        }
    }

    fn add(&mut self, removed: &[u64]) {
        let marks = self.once.iter_mut().zip(&mut self.twice);
        for ((once, twice), removed) in marks.zip(removed) {
            *twice |= *once & removed;
            *once |= removed;
        }
    }

    /// How many of `removed` no other clause took out.
    fn count_once(&self, removed: &[u64]) -> usize {
        let words = removed.iter().zip(&self.twice);
        let once = words.map(|(removed, twice)| (removed & !twice).count_ones() as usize);
        once.sum()
    }

    /// Those of `words` that no clause took out.
    fn without(&self, words: &[u64]) -> Vec<u64> {
        let kept = words.iter().zip(&self.once);
        kept.map(|(word, removed)| word & !removed).collect()
    }
}
