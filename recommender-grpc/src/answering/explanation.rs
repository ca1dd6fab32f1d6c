//! Why a product is, or is not, in an answer.

use std::sync::Arc;

use recommender_core::query::Candidates;
use recommender_core::{ItemIx, Query, Recommender};
use rustc_hash::FxHashSet;

use crate::answering::answer::{Basis, Listed, Share};
use crate::answering::consultation::Consultation;
use crate::answering::desk::bits;
use crate::answering::obstacles::{NotShown, Reason};
use crate::answering::ordering::Ordering;
use crate::answering::{Refused, Standing};

/// Why a product is, or is not, in an answer, and what that rests on.
#[derive(Debug)]
pub(crate) struct Explanation {
    pub(crate) explained: Explained,
    pub(crate) basis: Basis,
}

/// Why a product is, or is not, in an answer.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) shown: bool,
    /// Its place among all that may be shown, from 1; 0 if nothing proposes it.
    pub(crate) rank: usize,
    pub(crate) score: f32,
    /// What sources and rules added to the score.
    pub(crate) by_source: Vec<(Share, f32)>,
    /// What she did, the page and rules added to the score.
    pub(crate) by_event: Vec<(Share, f32)>,
    /// Why it is not shown, if it is not.
    pub(crate) not_shown: Vec<NotShown>,
}

/// How far down a list a product is looked for.
const DEPTH: usize = 1000;

/// Products of hers that are left out one by one.
const LOOKED_AT: usize = 50;

impl Consultation<'_> {
    /// Why the product `key` is, or is not, in the answer; `remembers` says whether the store told anything of who asks.
    ///
    /// # Errors
    /// As the engine.
    pub(crate) fn explain(&self, key: &str, remembers: bool) -> Result<Explanation, Refused> {
        let mut answer = self.answer(remembers)?;
        let mut query = self.query(DEPTH.max(self.question.page.end()), &mut Vec::new())?;
        let place = answer.results.iter().position(|listed| listed.key == key);
        let mut not_shown = Vec::new();
        let item = self.engine.items().get(key);
        let found = match (place, item) {
            (Some(place), _) => {
                let listed = answer.results.swap_remove(place);
                Some((self.question.page.offset + place + 1, listed))
            }
            (None, None) => None,
            (None, Some(item)) => self.would_be(&mut query, item)?,
        };
        let (rank, listed) = found.map_or((0, None), |(rank, listed)| (rank, Some(listed)));
        if place.is_none() {
            not_shown = self.not_shown(key, (item, rank));
        }
        let (score, by_source) = listed.map_or((0.0, Vec::new()), |it| (it.score, it.shares));
        let by_event = item.map(|item| self.by_event(&query, item, &by_source));
        let explained = Explained {
            shown: place.is_some(),
            rank,
            score,
            by_event: by_event.transpose()?.unwrap_or_default(),
            by_source,
            not_shown,
        };
        let basis = answer.basis;
        Ok(Explanation { explained, basis })
    }

    /// Why the product `key` stands among candidates where it stands, or is not shown.
    ///
    /// # Errors
    /// As the engine.
    pub(crate) fn explain_ranked(
        &self,
        key: &str,
        (standing, remembers): (&Standing, bool),
    ) -> Result<Explanation, Refused> {
        let mut ranking = self.rank(standing, remembers)?;
        let place = ranking.results.iter().position(|listed| listed.key == key);
        let query = self.query(DEPTH.max(ranking.results.len()), &mut Vec::new())?;
        let listed = place.map(|place| ranking.results.swap_remove(place));
        let (score, by_source) = listed.map_or((0.0, Vec::new()), |it| (it.score, it.shares));
        let item = self.engine.items().get(key).filter(|_| place.is_some());
        let by_event = match item {
            Some(item) => self.by_event(&query, item, &by_source)?,
            None => by_source.clone(),
        };
        let not_shown = match place {
            Some(_) => Vec::new(),
            None => self.not_ranked(key, standing, &query),
        };
        let explained = Explained {
            shown: place.is_some(),
            rank: place.map_or(0, |place| place + 1),
            score,
            by_source,
            by_event,
            not_shown,
        };
        let basis = ranking.basis;
        Ok(Explanation { explained, basis })
    }

    fn not_ranked(&self, key: &str, standing: &Standing, query: &Query) -> Vec<NotShown> {
        let mut candidates = standing.candidates.iter();
        if candidates.any(|candidate| candidate.key == key) {
            return self.obstacles(key, query);
        }
        vec![Reason::NotProposed.into()]
    }

    /// Where the product would stand if it might be shown.
    fn would_be(
        &self,
        query: &mut Query,
        item: ItemIx,
    ) -> Result<Option<(usize, Listed)>, Refused> {
        let mut offered = self.offered();
        self.restrict(query, &mut offered);
        if let Some(allowed) = &offered.bits {
            let allowed = Arc::new(bits::with(allowed, &[item]));
            query.candidates = Candidates::Within(Arc::clone(&allowed));
            offered.bits = Some(allowed);
        }
        let others = query.exclusions.as_slice().iter().copied();
        query.exclusions = others.filter(|&other| other != item).collect();
        let ordering = Ordering::new(self, query, &offered, query.limit).answered()?;
        let mut entries = ordering.list.entries;
        let place = entries.iter().position(|entry| entry.item == item);
        Ok(place.map(|place| (place + 1, self.listed(entries.swap_remove(place)))))
    }

    fn not_shown(&self, key: &str, (item, rank): (Option<ItemIx>, usize)) -> Vec<NotShown> {
        let mut found: Vec<NotShown> = Vec::new();
        if item.is_none() {
            found.push(Reason::UnknownToModel.into());
        }
        // As it was asked, with what she has seen.
        let query = self.query(0, &mut Vec::new()).unwrap_or_default();
        found.extend(self.obstacles(key, &query));
        if found.is_empty() {
            let reason = if rank > 0 {
                Reason::RankedBelow
            } else {
                Reason::NotProposed
            };
            found.push(reason.into());
        }
        found
    }

    /// The shares of the sources, by what they rest on: what is left without any of her products, and what is lost
    /// without one of them.
    fn by_event(
        &self,
        query: &Query,
        item: ItemIx,
        by_source: &[(Share, f32)],
    ) -> Result<Vec<(Share, f32)>, Refused> {
        let (model, others): (Vec<_>, Vec<_>) =
            (by_source.iter().cloned()).partition(|(share, _)| matches!(share, Share::Model(_)));
        let total: f32 = model.iter().map(|(_, share)| share).sum();
        let full = self.score_of(query, item)?;
        let mut without = query.clone();
        without.history.clear();
        without.timeline.clear();
        without.session.clear();
        without.context_items.clear();
        let base = self.score_of(&without, item)?.min(full);
        let mut gains = Vec::new();
        if full > base {
            for (left_out, share) in self.hers(query) {
                let score = self.score_of(&lacking(query, left_out), item)?;
                if full > score {
                    gains.push((share, full - score));
                }
            }
        }
        let sum: f32 = gains.iter().map(|(_, gain)| gain).sum();
        let hers = if sum > 0.0 {
            total * (full - base) / full
        } else {
            0.0
        };
        let mut shares: Vec<(Share, f32)> = (gains.into_iter())
            .map(|(share, gain)| (share, hers * gain / sum))
            .collect();
        if !by_source.is_empty() {
            shares.push((Share::Base, total - hers));
        }
        shares.extend(others);
        shares.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        Ok(shares)
    }

    /// Her products, the weightiest first, and those of the page.
    fn hers(&self, query: &Query) -> Vec<(ItemIx, Share)> {
        let key = |item: ItemIx| self.engine.items().key(item).to_owned();
        let mut history = query.history.clone();
        history.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let past = query.session.iter().rev().copied();
        let past = past.chain(history.into_iter().map(|entry| entry.item));
        let context = query.context_items.iter();
        let context = context.map(|&item| (item, Share::Context(key(item))));
        let past = past.map(|item| (item, Share::Past(key(item))));
        let mut seen = FxHashSet::default();
        let all = context.chain(past);
        let each = all.filter(|(item, _)| seen.insert(*item));
        each.take(LOOKED_AT).collect()
    }

    /// The score that the sources give an item; 0 if none proposes it.
    fn score_of(&self, query: &Query, item: ItemIx) -> Result<f32, Refused> {
        let pipeline = self.engine.pipeline();
        let ranked = pipeline.recommend(query)?;
        let entry = ranked.entries().iter().find(|entry| entry.item == item);
        let proposed = entry.filter(|entry| !pipeline.is_fallback(entry.source));
        Ok(proposed.map_or(0.0, |entry| entry.score.max(0.0)))
    }
}

/// The question of one who did nothing with an item.
fn lacking(query: &Query, item: ItemIx) -> Query {
    let mut query = query.clone();
    query.history.retain(|entry| entry.item != item);
    query.timeline.retain(|entry| entry.item != item);
    query.session.retain(|&other| other != item);
    query.context_items.retain(|&other| other != item);
    query
}
