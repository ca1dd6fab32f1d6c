//! Metrics, one file each with formula, edge cases and source.
//!
//! A name with a cut-off, such as `recall@20`, judges the first 20 answers. Where a formula has variants, each has a
//! name of its own:
//!
//! | name | what | covers |
//! |---|---|---|
//! | `recall` | hits / relevant | every query |
//! | `recall_capped` | hits / min(cut-off, relevant) | every query |
//! | `precision` | hits / cut-off | every query |
//! | `ndcg` | binary, ideal over min(cut-off, relevant) | every query |
//! | `ndcg_full_ideal` | binary, ideal over all relevant | every query |
//! | `map` | average precision / min(cut-off, relevant) | every query |
//! | `mrr` | 1 / rank of the first hit | every query |
//! | `hit_rate` | whether there is a hit | every query |
//! | `novelty` | mean self-information, bits | queries with an answer |
//! | `mean_popularity` | mean number of training users | queries with an answer |
//! | `diversity` | mean cosine distance within the list | queries with two answers or more |
//! | `hit_rate_next`, `mrr_next` | of the one item that comes next | sessions |
//! | `recall_events` | hits / events to come: as Serenade and session-rec count | every query |
//! | `ndcg_flat_start` | ranks 1 and 2 weigh alike: as Serenade and session-rec count | every query |
//! | `map_session_rec` | average precision as session-rec counts it | every query |
//! | `recall_repeats`, `ndcg_repeats` | of relevant items the shopper had | queries with one |
//! | `recall_new`, `ndcg_new` | of relevant items she never had | queries with one |
//! | `coverage` | share of the catalogue recommended to anyone | the run |
//! | `gini` | inequality of exposure over the catalogue | the run |

mod coverage;
mod diversity;
mod facts;
mod gini;
mod hit_rate;
mod list;
mod map;
mod map_session_rec;
mod mean_popularity;
mod mrr;
mod ndcg;
mod ndcg_flat_start;
mod ndcg_full_ideal;
mod novelty;
mod parts;
mod precision;
mod recall;
mod recall_capped;
mod recall_events;

pub use coverage::Coverage;
pub use diversity::Diversity;
pub use facts::{Exposure, Scratch, TrainingFacts};
pub use gini::Gini;
pub use hit_rate::HitRate;
pub use list::{Metric, MetricAt, MetricList};
pub use map::Map;
pub use map_session_rec::MapSessionRec;
pub use mean_popularity::MeanPopularity;
pub use mrr::Mrr;
pub use ndcg::Ndcg;
pub use ndcg_flat_start::NdcgFlatStart;
pub use ndcg_full_ideal::NdcgFullIdeal;
pub use novelty::Novelty;
pub use parts::{OfPart, TruthPart};
pub use precision::Precision;
pub use recall::Recall;
pub use recall_capped::RecallCapped;
pub use recall_events::RecallEvents;

use std::fmt;

use crate::ids::ItemIx;

/// One answer, cut and judged: all a [`QueryMetric`] sees of it.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The items as served, best first, at most [`Judged::cutoff`].
    pub items: &'a [ItemIx],
    /// Whether a relevant item stands at each rank, with items of equal scores in the order of
    /// [`Ties`](crate::evaluation::Ties); at most [`Judged::cutoff`]. Ranks past its end are misses.
    pub hits: &'a [bool],
    /// How many items are relevant, at least one.
    pub relevant: usize,
    /// How many events are to come, an item that comes again counting again; as many as there are relevant items where
    /// the order of events plays no part.
    pub to_come: usize,
    /// How many answers were wanted, at least one. A shorter list is a list with misses at its end.
    pub cutoff: usize,
}

impl Judged<'_> {
    /// How many relevant items were found.
    #[must_use]
    pub fn hit_count(&self) -> usize {
        self.hits.iter().filter(|&&hit| hit).count()
    }

    /// The most relevant items a list of this length can hold.
    #[must_use]
    pub fn reachable(&self) -> usize {
        self.relevant.min(self.cutoff)
    }

    /// Ranks of the relevant items found, the best being 1.
    pub fn hit_ranks(&self) -> impl Iterator<Item = usize> + '_ {
        let ranked = self.hits.iter().enumerate();
        ranked.filter(|&(_, &hit)| hit).map(|(rank, _)| rank + 1)
    }
}

/// A number for each query; the run's figure is their mean over the queries covered.
pub trait QueryMetric: Send + Sync + fmt::Debug {
    /// The name without cut-off.
    fn name(&self) -> &'static str;

    /// The number for one answer, or none if it is not defined for it.
    fn value(
        &self,
        answer: &Judged<'_>,
        facts: &TrainingFacts<'_>,
        scratch: &mut Scratch,
    ) -> Option<f64>;

    /// The relevant items it looks at.
    fn part(&self) -> TruthPart {
        TruthPart::Whole
    }

    /// Whether the number depends on what was relevant; if not, it is not computed for parts of the truth.
    fn judges_relevance(&self) -> bool {
        true
    }
}

/// One number for all answers of a run together.
pub trait RunMetric: Send + Sync + fmt::Debug {
    /// The name without cut-off.
    fn name(&self) -> &'static str;

    /// The number for the run, or none if it is not defined for it.
    fn value(&self, exposure: &Exposure, facts: &TrainingFacts<'_>) -> Option<f64>;
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::dataset::Dataset;
    use crate::evaluation::split::tests::table;
    use crate::interactions::InteractionConfig;

    /// Four users: "a" is known to all, "b" to two, "c" to one.
    pub(crate) fn dataset() -> Dataset {
        let rows = [
            ("u1", "a", 1),
            ("u2", "a", 1),
            ("u3", "a", 1),
            ("u4", "a", 1),
            ("u1", "b", 1),
            ("u2", "b", 1),
            ("u3", "c", 1),
        ];
        Dataset::new(table(&rows), vec![], InteractionConfig::default()).unwrap()
    }

    /// The value of `metric` for hits written as `"10100"`.
    pub(crate) fn judge(
        metric: &dyn QueryMetric,
        hits: &str,
        relevant: usize,
        cutoff: usize,
    ) -> f64 {
        judge_events(metric, hits, (relevant, relevant), cutoff)
    }

    /// As [`judge`], with more events to come than relevant items.
    pub(crate) fn judge_events(
        metric: &dyn QueryMetric,
        hits: &str,
        (relevant, to_come): (usize, usize),
        cutoff: usize,
    ) -> f64 {
        let hits: Vec<bool> = hits.chars().map(|hit| hit == '1').collect();
        let answer = Judged {
            items: &[],
            hits: &hits,
            relevant,
            to_come,
            cutoff,
        };
        value_of(metric, &answer).expect("accuracy covers every query")
    }

    fn value_of(metric: &dyn QueryMetric, answer: &Judged<'_>) -> Option<f64> {
        let dataset = dataset();
        let facts = TrainingFacts::new(&dataset);
        metric.value(answer, &facts, &mut Scratch::default())
    }

    /// The value of a metric that looks at the items alone.
    pub(crate) fn of_items(metric: &dyn QueryMetric, items: &[u32]) -> Option<f64> {
        let items: Vec<ItemIx> = items.iter().map(|&item| ItemIx(item)).collect();
        let answer = Judged {
            items: &items,
            hits: &[],
            relevant: 1,
            to_come: 1,
            cutoff: 10,
        };
        value_of(metric, &answer)
    }

    pub(crate) fn assert_close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} is not {expected}"
        );
    }
}
