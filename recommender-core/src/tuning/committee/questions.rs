//! The validation questions as a matrix of scores each: items that any member proposes, by member.

use std::sync::Arc;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::evaluation::metrics::{
    Judged, Metric, MetricAt, QueryMetric, Scratch, TrainingFacts, TruthPart,
};
use crate::ids::ItemIx;
use crate::pipeline::blend::BlendConfig;
use crate::ranked::Ranked;

/// What would have been right, and how much was known.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// Ascending.
    pub(super) relevant: Vec<ItemIx>,
    /// Different items in the history.
    pub(super) known: usize,
}

/// Judges lists by the metric of the study.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    metric: Arc<dyn QueryMetric>,
    cutoff: usize,
    facts: &'a TrainingFacts<'a>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(at: &MetricAt, facts: &'a TrainingFacts<'a>) -> Result<Self> {
        let Metric::PerQuery(metric) = &at.metric else {
            return Err(Error::Internal(format!("{at} is no metric of a query")));
        };
        if metric.part() != TruthPart::Whole {
            let expected = "a metric of all relevant items";
            return Err(Error::config("metric", expected, at));
        }
        Ok(Self {
            metric: Arc::clone(metric),
            cutoff: at.cutoff,
            facts,
        })
    }

    pub(super) fn cutoff(&self) -> usize {
        self.cutoff
    }

    /// The metric of `list`; 0 where it is not defined.
    pub(super) fn of_list(&self, list: &Ranked, relevant: &[ItemIx]) -> f64 {
        let hit = |item| relevant.binary_search(&item).is_ok();
        let hits: Vec<bool> = list.items().take(self.cutoff).map(hit).collect();
        self.of_hits(&hits, relevant.len())
    }

    fn of_hits(&self, hits: &[bool], relevant: usize) -> f64 {
        let judged = Judged {
            items: &[],
            hits,
            relevant,
            to_come: relevant,
            cutoff: self.cutoff,
        };
        let mut scratch = Scratch::default();
        let value = self.metric.value(&judged, self.facts, &mut scratch);
        value.unwrap_or(0.0)
    }
}

/// One question.
#[derive(Debug)]
pub(super) struct Question {
    /// By item, then member: what the member's score is worth; 0 if it does not propose the item.
    scores: Vec<f32>,
    /// Places of the right items, ascending.
    right: Vec<usize>,
    /// How many items are right, proposed or not.
    relevant: usize,
    pub(super) known: usize,
}

impl Question {
    fn new(method: &BlendConfig, lists: &[Ranked], case: &Case) -> Self {
        let mut items: Vec<ItemIx> = lists.iter().flat_map(Ranked::items).collect();
        items.sort_unstable();
        items.dedup();
        let mut scores = vec![0.0; items.len() * lists.len()];
        for (member, list) in lists.iter().enumerate() {
            for (item, score) in list.items().zip(method.scores(list, 1.0)) {
                if let Ok(place) = items.binary_search(&item) {
                    scores[place * lists.len() + member] = score;
                }
            }
        }
        let is_right = |place: &usize| case.relevant.binary_search(&items[*place]).is_ok();
        Self {
            scores,
            right: (0..items.len()).filter(is_right).collect(),
            relevant: case.relevant.len(),
            known: case.known,
        }
    }

    /// The scores of the item at `place`, by member.
    pub(super) fn row(&self, place: usize, members: usize) -> &[f32] {
        &self.scores[place * members..(place + 1) * members]
    }

    pub(super) fn right(&self) -> &[usize] {
        &self.right
    }

    pub(super) fn items(&self, members: usize) -> usize {
        self.scores.len() / members
    }

    /// The weighted sum of every item.
    pub(super) fn totals(&self, weights: &[f32]) -> Vec<f32> {
        let total = |row: &[f32]| {
            row.iter()
                .zip(weights)
                .map(|(score, weight)| score * weight)
                .sum()
        };
        self.scores.chunks_exact(weights.len()).map(total).collect()
    }
}

/// All questions, under one way of blending.
#[derive(Debug)]
pub(super) struct Questions<'a> {
    judge: &'a Judge<'a>,
    pub(super) members: usize,
    pub(super) all: Vec<Question>,
}

impl<'a> Questions<'a> {
    pub(super) fn new(
        judge: &'a Judge<'a>,
        method: &BlendConfig,
        lists: &[Vec<Ranked>],
        cases: &[Case],
    ) -> Self {
        let pairs = lists.par_iter().zip(cases);
        Self {
            judge,
            members: lists.first().map_or(0, Vec::len),
            all: pairs
                .map(|(lists, case)| Question::new(method, lists, case))
                .collect(),
        }
    }

    /// The metric of a question whose items score `totals`: items of no score are not answered.
    pub(super) fn value(&self, question: &Question, totals: &[f32]) -> f64 {
        let mut hits = vec![false; self.judge.cutoff];
        for &place in &question.right {
            let own = totals[place];
            if own <= 0.0 {
                continue;
            }
            // Items of equal scores come by their number, as they are served.
            let before = totals[..place]
                .iter()
                .filter(|&&other| other >= own)
                .count();
            let behind = totals[place..].iter().filter(|&&other| other > own).count();
            if let Some(hit) = hits.get_mut(before + behind) {
                *hit = true;
            }
        }
        self.judge.of_hits(&hits, question.relevant)
    }

    /// The metric of the question at `place`, with these weights.
    pub(super) fn value_at(&self, place: usize, weights: &[f32]) -> f64 {
        let question = &self.all[place];
        self.value(question, &question.totals(weights))
    }
}
