//! From a served list to hits, with items of equal scores in the worst order.
//!
//! A [`Ranked`] breaks ties by item number, which is no merit of the model: a constant score would find whatever has a
//! low number. So within each run of equal scores the relevant items are taken last. Items tied with the last one
//! served may be missing from the list; if that run holds a relevant item, the model is asked again for as many items
//! more as are relevant, which settles it: a run that still reaches the end of that list has at least as many
//! irrelevant items at or above its score as were served, so all its relevant items are misses.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::evaluation::cases::TestCases;
use crate::ids::ItemIx;
use crate::query::Query;
use crate::ranked::{Ranked, Scored};
use crate::recommender::Recommender;

/// In which order items of equal scores are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    /// The worst for the recommender: relevant items last, also behind items that tie with the last one served.
    #[default]
    Worst,
    /// As they were served: lower item numbers first, that is items that came first in the events.
    /// Most published figures are measured so.
    Served,
}

/// One answer: the items served, and the same list with ties in the worst order.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) served: Vec<ItemIx>,
    /// As long as `served`, and equal to it where no tie matters.
    pub(super) judged: Vec<ItemIx>,
}

impl Answer {
    fn as_served(served: &Ranked) -> Self {
        let served: Vec<ItemIx> = served.items().collect();
        Self {
            judged: served.clone(),
            served,
        }
    }

    /// `resolving` is the served list or the longer one that settles its last ties.
    fn at_worst(
        served: &Ranked,
        resolving: &Ranked,
        truth: &[ItemIx],
        next: Option<ItemIx>,
    ) -> Self {
        let mut judged = pessimistic_order(resolving.entries(), truth, next);
        judged.truncate(served.len());
        Self {
            served: served.items().collect(),
            judged,
        }
    }
}

/// Items with each run of equal scores reordered: irrelevant ones first, and last the one that comes next.
fn pessimistic_order(entries: &[Scored], truth: &[ItemIx], next: Option<ItemIx>) -> Vec<ItemIx> {
    let mut order = Vec::with_capacity(entries.len());
    for run in entries.chunk_by(|a, b| a.score == b.score) {
        let mut run: Vec<ItemIx> = run.iter().map(|entry| entry.item).collect();
        run.sort_by_key(|item| (truth.binary_search(item).is_ok(), Some(*item) == next));
        order.append(&mut run);
    }
    order
}

/// Whether items missing from a full list could be tied with a relevant one at its end.
fn has_open_tie(answer: &Ranked, limit: usize, truth: &[ItemIx]) -> bool {
    let entries = answer.entries();
    let Some(last) = entries.last().filter(|_| entries.len() == limit) else {
        return false;
    };
    let run = entries.iter().rev();
    run.take_while(|entry| entry.score == last.score)
        .any(|entry| truth.binary_search(&entry.item).is_ok())
}

/// One chunk of cases with the answers served.
#[derive(Debug)]
pub(super) struct Served<'a> {
    pub(super) cases: &'a TestCases,
    pub(super) range: Range<usize>,
    pub(super) queries: &'a [Query],
    pub(super) ranked: &'a [Ranked],
}

impl Served<'_> {
    /// The answers as served.
    pub(super) fn as_served(&self) -> Vec<Answer> {
        self.ranked.iter().map(Answer::as_served).collect()
    }

    /// The answers with ties in the worst order, and how many could not be settled: a recommender whose longer list
    /// does not begin with its shorter one has no item beyond the cut to compare with, so ties are ordered within its list.
    pub(super) fn at_worst(&self, recommender: &dyn Recommender) -> Result<(Vec<Answer>, u64)> {
        let mut longer = self.longer_lists(recommender)?.into_iter().peekable();
        let mut unsettled = 0;
        let mut answers = Vec::with_capacity(self.ranked.len());
        for (place, served) in self.ranked.iter().enumerate() {
            let list = longer.next_if(|(open, _)| *open == place);
            let fitting = list.as_ref().filter(|(_, list)| begins_with(list, served));
            unsettled += u64::from(list.is_some() && fitting.is_none());
            let resolving = fitting.map_or(served, |(_, list)| list);
            let (truth, next) = (self.truth(place), self.cases.next(self.range.start + place));
            answers.push(Answer::at_worst(served, resolving, truth, next));
        }
        Ok((answers, unsettled))
    }

    /// Lists long enough to settle the open ties, each with its place in the chunk, in order.
    fn longer_lists(&self, recommender: &dyn Recommender) -> Result<Vec<(usize, Ranked)>> {
        let open: Vec<usize> = (0..self.queries.len())
            .filter(|&place| {
                let limit = self.queries[place].limit;
                has_open_tie(&self.ranked[place], limit, self.truth(place))
            })
            .collect();
        let queries: Vec<Query> = open
            .iter()
            .map(|&place| Query {
                limit: self.queries[place]
                    .limit
                    .saturating_add(self.truth(place).len()),
                ..self.queries[place].clone()
            })
            .collect();
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        let lists = recommender.recommend_batch(&queries)?;
        Ok(open.into_iter().zip(lists).collect())
    }

    fn truth(&self, place: usize) -> &[ItemIx] {
        self.cases.truth(self.range.start + place)
    }
}

fn begins_with(list: &Ranked, start: &Ranked) -> bool {
    list.len() >= start.len() && list.items().zip(start.items()).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(scores: &[(u32, f32)], limit: usize) -> Ranked {
        let scores = scores.iter().map(|&(item, score)| (ItemIx(item), score));
        Ranked::top(&Query::new(limit), scores).unwrap()
    }

    #[test]
    fn relevant_items_come_last_among_equals() {
        let list = ranked(&[(0, 2.0), (1, 2.0), (2, 2.0), (3, 1.0), (4, 1.0)], 5);
        let truth = [ItemIx(0), ItemIx(3)];
        let order = |truth: &[ItemIx], next| -> Vec<u32> {
            let order = pessimistic_order(list.entries(), truth, next);
            order.iter().map(|item| item.0).collect()
        };
        assert_eq!(order(&truth, None), [1, 2, 0, 4, 3]);
        let truth = [ItemIx(0), ItemIx(1), ItemIx(3)];
        assert_eq!(order(&truth, Some(ItemIx(0))), [2, 1, 0, 4, 3]);
    }

    #[test]
    fn only_a_relevant_item_in_the_last_run_of_a_full_list_leaves_a_tie_open() {
        let list = ranked(&[(0, 2.0), (1, 1.0), (2, 1.0), (3, 1.0)], 3);
        assert!(has_open_tie(&list, 3, &[ItemIx(1)]));
        assert!(!has_open_tie(&list, 3, &[ItemIx(0)]));
        assert!(!has_open_tie(&list, 3, &[ItemIx(3)]));
        assert!(!has_open_tie(&list, 4, &[ItemIx(1)]));
    }
}
