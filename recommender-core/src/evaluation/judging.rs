//! From a served list to hits, with items of equal scores in the worst order.
//!
//! A [`Ranked`] breaks ties by item number, which is no merit of the model: a constant score would find whatever has a
//! low number. So within each run of equal scores the relevant items are taken last. Items tied with the last one
//! served may be missing from the list; if that run holds a relevant item, the model is asked again for as many items
//! more as are relevant, which settles it: a run that still reaches the end of that list has at least as many
//! irrelevant items at or above its score as were served, so all its relevant items are misses.

use std::ops::Range;

use crate::error::Result;
use crate::evaluation::cases::TestCases;
use crate::ids::ItemIx;
use crate::query::Query;
use crate::ranked::{Ranked, Scored};
use crate::recommender::Recommender;

/// One answer: the items served, and the same list with ties in the worst order.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) served: Vec<ItemIx>,
    pub(super) pessimistic: Vec<ItemIx>,
}

impl Answer {
    /// `resolving` is the served list or the longer one that settles its last ties.
    fn new(served: &Ranked, resolving: &Ranked, truth: &[ItemIx]) -> Self {
        let mut pessimistic = pessimistic_order(resolving.entries(), truth);
        pessimistic.truncate(served.len());
        Self {
            served: served.items().collect(),
            pessimistic,
        }
    }
}

/// Items with each run of equal scores reordered: irrelevant ones first.
fn pessimistic_order(entries: &[Scored], truth: &[ItemIx]) -> Vec<ItemIx> {
    let mut order = Vec::with_capacity(entries.len());
    for run in entries.chunk_by(|a, b| a.score == b.score) {
        let (relevant, irrelevant): (Vec<ItemIx>, Vec<ItemIx>) = run
            .iter()
            .map(|entry| entry.item)
            .partition(|item| truth.binary_search(item).is_ok());
        order.extend(irrelevant);
        order.extend(relevant);
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

/// The answers of one chunk of cases, with ties settled, and how many could not be: a recommender whose longer list
/// does not begin with its shorter one has no item beyond the cut to compare with, so ties are broken within its list.
pub(super) fn settle(
    recommender: &dyn Recommender,
    cases: (&TestCases, Range<usize>),
    queries: &[Query],
    ranked: &[Ranked],
) -> Result<(Vec<Answer>, u64)> {
    let (cases, range) = cases;
    let truths: Vec<&[ItemIx]> = range.map(|case| cases.truth(case)).collect();
    let open: Vec<usize> = (0..queries.len())
        .filter(|&place| has_open_tie(&ranked[place], queries[place].limit, truths[place]))
        .collect();
    let longer: Vec<Query> = open
        .iter()
        .map(|&place| Query {
            limit: queries[place].limit.saturating_add(truths[place].len()),
            ..queries[place].clone()
        })
        .collect();
    let mut longer = open
        .into_iter()
        .zip(recommender.recommend_batch(&longer)?)
        .peekable();
    let mut unsettled = 0;
    let mut answers = Vec::with_capacity(ranked.len());
    for (place, served) in ranked.iter().enumerate() {
        let asked = longer.next_if(|(open, _)| *open == place);
        let settled = asked.as_ref().map(|(_, list)| list);
        let fits = settled.is_none_or(|list| begins_with(list, served));
        unsettled += u64::from(!fits);
        let resolving = settled.filter(|_| fits).unwrap_or(served);
        answers.push(Answer::new(served, resolving, truths[place]));
    }
    Ok((answers, unsettled))
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
        let order: Vec<u32> = pessimistic_order(list.entries(), &truth)
            .iter()
            .map(|item| item.0)
            .collect();
        assert_eq!(order, [1, 2, 0, 4, 3]);
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
