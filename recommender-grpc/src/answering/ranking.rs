//! Products that the caller brings, in the order that suits who asks.

use std::sync::Arc;

use recommender_core::query::{Candidates, ItemSet};
use recommender_core::{ItemBits, ItemIx, Query};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::answering::answer::{Basis, Listed};
use crate::answering::consultation::Consultation;
use crate::answering::obstacles::NotShown;
use crate::answering::ordering::Ordering;
use crate::answering::prepared::single;
use crate::answering::shortlist::{Cause, Entry, Origin};
use crate::answering::{Refused, answer::Share};

/// A product that the caller brings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) key: String,
    /// How well it fits by the caller's measure.
    pub(crate) base: Option<f64>,
}

/// Products to be ranked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// Each once.
    pub(crate) candidates: Vec<Candidate>,
    /// How much the caller's measure counts, from 0 to 1.
    pub(crate) base_weight: f64,
}

/// Products in their order.
#[derive(Debug)]
pub(crate) struct Ranking {
    pub(crate) results: Vec<Listed>,
    pub(crate) left_out: Vec<(String, NotShown)>,
    pub(crate) basis: Basis,
}

impl Consultation<'_> {
    /// The candidates in their order; `remembers` says whether the store told anything of who asks.
    ///
    /// # Errors
    /// As the engine.
    pub(crate) fn rank(&self, standing: &Standing, remembers: bool) -> Result<Ranking, Refused> {
        let mut missing = Vec::new();
        let count = standing.candidates.len();
        let mut query = self.query(count, &mut missing)?;
        let tier = self.tier(&query, remembers);
        let mut offered = self.offered();
        self.restrict(&mut query, &mut offered);
        let (allowed, left_out) = self.sorted_out(standing, &query);
        let item = |candidate: &&Candidate| self.engine.items().get(&candidate.key);
        let known: Vec<(ItemIx, &Candidate)> = (allowed.iter())
            .filter_map(|candidate| Some((item(candidate)?, *candidate)))
            .collect();
        let unknown = allowed.iter().filter(|candidate| item(candidate).is_none());
        let unknown: Vec<&str> = unknown.map(|candidate| &*candidate.key).collect();
        missing.extend(unknown.iter().map(|&key| key.to_owned()));
        query.candidates = Candidates::Only(ItemSet::from_iter(known.iter().map(|it| it.0)));
        // Controls speak of the candidates alone.
        let candidates: ItemBits = known.iter().map(|it| it.0).collect();
        offered.bits = offered.bits.map(|_| Arc::new(candidates));
        let entries = self.blended(&query, &known, standing.base_weight)?;
        let ordering = Ordering::new(self, &query, &offered, count).of_all(entries)?;
        let Ordering { list, acted, .. } = ordering;
        let last = list.entries.last().map_or(0.0, |entry| entry.score);
        let mut results: Vec<Listed> = (list.entries.into_iter())
            .map(|entry| self.listed(entry))
            .collect();
        results.extend(unknown.into_iter().map(|key| self.unknown(key, last - 1.0)));
        Ok(Ranking {
            results,
            left_out,
            basis: self.basis(tier, missing, (acted, offered.stats)),
        })
    }

    /// The candidates that may be shown, and why the others may not.
    fn sorted_out<'s>(
        &self,
        standing: &'s Standing,
        query: &Query,
    ) -> (Vec<&'s Candidate>, Vec<(String, NotShown)>) {
        let (mut allowed, mut left_out) = (Vec::new(), Vec::new());
        for candidate in &standing.candidates {
            let known = self.engine.items().get(&candidate.key);
            if known.is_some_and(|item| query.allows(item)) {
                allowed.push(candidate);
                continue;
            }
            let mut obstacles = self.obstacles(&candidate.key, query);
            if obstacles.is_empty() {
                allowed.push(candidate);
            } else {
                left_out.push((candidate.key.clone(), obstacles.swap_remove(0)));
            }
        }
        (allowed, left_out)
    }

    /// The candidates with both scores in one, best first, ties in the caller's order.
    fn blended(
        &self,
        query: &Query,
        known: &[(ItemIx, &Candidate)],
        base_weight: f64,
    ) -> Result<Vec<Entry>, Refused> {
        let scored = self.ask(query)?;
        let fit = Range::of(scored.iter().map(|entry| f64::from(entry.score)));
        let base = Range::of(known.iter().filter_map(|(_, candidate)| candidate.base));
        let mut scored: FxHashMap<ItemIx, Entry> = scored
            .into_iter()
            .map(|entry| (entry.item, entry))
            .collect();
        let mut entries: Vec<Entry> = Vec::with_capacity(known.len());
        for (item, candidate) in known {
            let entry = scored.remove(item);
            let of_model = entry
                .as_ref()
                .map_or(0.0, |it| fit.part(f64::from(it.score)));
            let of_model = single(of_model * (1.0 - base_weight));
            let of_base = candidate.base.map_or(0.0, |score| base.part(score));
            let of_base = single(of_base * base_weight);
            let mut entry = entry.unwrap_or_else(|| Entry::unproposed(*item));
            if self.is_explained() {
                rescale(&mut entry, of_model);
                entry.shares.push((Cause::BaseScore, of_base));
            }
            entry.score = of_model + of_base;
            entries.push(entry);
        }
        entries.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(entries)
    }

    /// A candidate that the model does not know.
    fn unknown(&self, key: &str, score: f32) -> Listed {
        let shares = self.is_explained().then_some((Share::Base, score));
        Listed {
            product: self.product(key),
            key: key.to_owned(),
            score,
            propensity: 1.0,
            source: String::new(),
            origin: Origin::Proposed,
            shares: shares.into_iter().collect(),
        }
    }
}

/// Makes the shares of an entry add up to `score`, each in its proportion.
fn rescale(entry: &mut Entry, score: f32) {
    let sum: f32 = entry.shares.iter().map(|share| share.1).sum();
    if sum.abs() > f32::MIN_POSITIVE {
        for share in &mut entry.shares {
            share.1 *= score / sum;
        }
        return;
    }
    let source = entry.source.unwrap_or_default();
    entry.shares = vec![(Cause::Model(source), score)];
}

/// From the worst to the best of some scores.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    worst: f64,
    best: f64,
}

impl Range {
    pub(super) fn of(scores: impl Iterator<Item = f64>) -> Self {
        let empty = Self {
            worst: f64::INFINITY,
            best: f64::NEG_INFINITY,
        };
        scores.fold(empty, |range, score| Self {
            worst: range.worst.min(score),
            best: range.best.max(score),
        })
    }

    /// Where a score of it stands, from 0 to 1; 1 where all are alike.
    pub(super) fn part(self, score: f64) -> f64 {
        // Halved, as the difference of two large scores may be more than a number holds.
        let range = self.best / 2.0 - self.worst / 2.0;
        if range > 0.0 {
            ((score / 2.0 - self.worst / 2.0) / range).clamp(0.0, 1.0)
        } else {
            1.0
        }
    }
}

impl Standing {
    /// Keeps of several candidates of one key the first.
    pub(crate) fn each_once(mut self) -> Self {
        let mut seen = FxHashSet::default();
        self.candidates
            .retain(|candidate| seen.insert(candidate.key.clone()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_brought_to_one_range() {
        let range = Range::of([3.0, -1.0, 1.0].into_iter());
        assert_eq!(
            [-1.0, 1.0, 3.0].map(|score| range.part(score)),
            [0.0, 0.5, 1.0]
        );
        assert_eq!(Range::of([7.0].into_iter()).part(7.0), 1.0);
        let widest = Range::of([f64::MIN, f64::MAX].into_iter());
        assert_eq!((widest.part(f64::MIN), widest.part(f64::MAX)), (0.0, 1.0));
    }
}
