//! How different the products of an answer are.

use recommender_core::ItemIx;
use rustc_hash::FxHashMap;

use crate::answering::attributes::likeness;
use crate::answering::consultation::Consultation;
use crate::answering::prepared::single;
use crate::answering::shortlist::{Entry, Shortlist};
use crate::serving::Diversity;

/// Bounds on products of one category and one brand, and how many of each there are.
#[derive(Debug, Default)]
pub(crate) struct Caps {
    most: [usize; 2],
    taken: FxHashMap<(usize, u64), usize>,
}

impl Caps {
    pub(crate) fn of(diversity: &Diversity) -> Self {
        Self {
            most: [diversity.max_per_category, diversity.max_per_brand],
            taken: FxHashMap::default(),
        }
    }

    pub(crate) fn are_set(&self) -> bool {
        self.most != [0, 0]
    }

    /// Whether there is room for a product, of which it then is.
    pub(crate) fn admit(&mut self, consultation: &Consultation<'_>, item: ItemIx) -> bool {
        if !self.are_set() {
            return true;
        }
        let described = consultation.described(item);
        let described = described.as_ref();
        let kinds = [
            described.and_then(|product| product.category()),
            described.and_then(|product| product.brand()),
        ];
        let bounded = kinds.into_iter().zip(self.most).enumerate();
        let bounded = bounded.filter_map(|(sort, (kind, most))| Some((sort, kind?, most)));
        let bounded: Vec<_> = bounded.filter(|(.., most)| *most > 0).collect();
        let full = |&(sort, kind, most): &(usize, u64, usize)| {
            self.taken
                .get(&(sort, kind))
                .is_some_and(|&taken| taken >= most)
        };
        if bounded.iter().any(full) {
            return false;
        }
        for (sort, kind, _) in bounded {
            *self.taken.entry((sort, kind)).or_default() += 1;
        }
        true
    }
}

/// Places that are filled by how different products are; those behind keep their order.
const PLACES: usize = 100;

/// Products that are looked at for them.
const LOOKED_AT: usize = 400;

/// Orders a list by maximal marginal relevance: each next product is the one whose score, brought to the range from 0
/// to 1, less `strength` of its likeness to the most alike of those chosen before, is largest.
pub(crate) fn spread(consultation: &Consultation<'_>, list: &mut Shortlist, strength: f64) {
    let strength = single(strength);
    let looked_at = list.entries.len().min(LOOKED_AT);
    let rest = list.entries.split_off(looked_at);
    let scores = || list.entries.iter().map(|entry| entry.score);
    let best = scores().fold(f32::NEG_INFINITY, f32::max);
    let worst = scores().fold(f32::INFINITY, f32::min);
    let range = (best - worst).max(f32::MIN_POSITIVE);
    let candidate = |entry: Entry| Candidate {
        fit: (entry.score - worst) / range,
        features: (consultation.described(entry.item))
            .map_or_else(Vec::new, |product| product.features()),
        alike: 0.0,
        entry,
    };
    let entries = std::mem::take(&mut list.entries);
    let mut left: Vec<Candidate> = entries.into_iter().map(candidate).collect();
    while !left.is_empty() && list.entries.len() < PLACES {
        let worth =
            |candidate: &Candidate| (1.0 - strength) * candidate.fit - strength * candidate.alike;
        let mut next = 0;
        for place in 1..left.len() {
            if worth(&left[place]) > worth(&left[next]) {
                next = place;
            }
        }
        let chosen = left.remove(next);
        for other in &mut left {
            let alike = likeness(&chosen.features, &other.features);
            other.alike = other.alike.max(alike);
        }
        list.entries.push(chosen.entry);
    }
    list.entries.extend(left.into_iter().map(|it| it.entry));
    list.entries.extend(rest);
}

/// A product that is not chosen yet.
struct Candidate {
    entry: Entry,
    /// Its score, from 0 to 1.
    fit: f32,
    features: Vec<u64>,
    /// How alike it is to the most alike of those chosen.
    alike: f32,
}
