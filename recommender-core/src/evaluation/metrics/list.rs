//! Which metrics a run computes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::{
    Coverage, Diversity, Gini, HitRate, Map, MapSessionRec, MeanPopularity, Mrr, Ndcg,
    NdcgFlatStart, NdcgFullIdeal, Novelty, OfPart, Precision, QueryMetric, Recall, RecallCapped,
    RecallEvents, RunMetric, TruthPart,
};
use crate::error::{Error, Result};

/// A metric of either sort.
#[derive(Debug, Clone)]
pub enum Metric {
    /// A mean over the queries.
    PerQuery(Arc<dyn QueryMetric>),
    /// One number for the run.
    PerRun(Arc<dyn RunMetric>),
}

impl Metric {
    /// The name without cut-off.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::PerQuery(metric) => metric.name(),
            Self::PerRun(metric) => metric.name(),
        }
    }

    /// Every metric of this crate, in the order of reports.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Self::of_items();
        for metric in Self::of_sessions().into_iter().chain(Self::of_baskets()) {
            if all.iter().all(|known| known.name() != metric.name()) {
                all.push(metric);
            }
        }
        all
    }

    /// Those that judge what a shopper took in a while.
    #[must_use]
    pub fn of_items() -> Vec<Self> {
        let per_query: [Arc<dyn QueryMetric>; 11] = [
            Arc::new(Recall),
            Arc::new(RecallCapped),
            Arc::new(Precision),
            Arc::new(Ndcg),
            Arc::new(NdcgFullIdeal),
            Arc::new(Map),
            Arc::new(Mrr),
            Arc::new(HitRate),
            Arc::new(Novelty),
            Arc::new(MeanPopularity),
            Arc::new(Diversity),
        ];
        Self::with_those_of_a_run(per_query)
    }

    /// Those that judge what comes next in a session, and later.
    #[must_use]
    pub fn of_sessions() -> Vec<Self> {
        let next_hit_rate = OfPart {
            metric: HitRate,
            part: TruthPart::Next,
            name: "hit_rate_next",
        };
        let next_mrr = OfPart {
            metric: Mrr,
            part: TruthPart::Next,
            name: "mrr_next",
        };
        let per_query: [Arc<dyn QueryMetric>; 10] = [
            Arc::new(next_hit_rate),
            Arc::new(next_mrr),
            Arc::new(Recall),
            Arc::new(Precision),
            Arc::new(Map),
            Arc::new(Ndcg),
            Arc::new(RecallEvents),
            Arc::new(NdcgFlatStart),
            Arc::new(MapSessionRec),
            Arc::new(MeanPopularity),
        ];
        Self::with_those_of_a_run(per_query)
    }

    /// Those that judge the next basket: all of it, and what the shopper had before and never had apart.
    #[must_use]
    pub fn of_baskets() -> Vec<Self> {
        use TruthPart::{New, Repeats};
        let recall = |part, name| OfPart {
            metric: Recall,
            part,
            name,
        };
        let ndcg = |part, name| OfPart {
            metric: Ndcg,
            part,
            name,
        };
        let per_query: [Arc<dyn QueryMetric>; 12] = [
            Arc::new(Recall),
            Arc::new(recall(Repeats, "recall_repeats")),
            Arc::new(recall(New, "recall_new")),
            Arc::new(Ndcg),
            Arc::new(ndcg(Repeats, "ndcg_repeats")),
            Arc::new(ndcg(New, "ndcg_new")),
            Arc::new(NdcgFullIdeal),
            Arc::new(Precision),
            Arc::new(Map),
            Arc::new(Mrr),
            Arc::new(HitRate),
            Arc::new(MeanPopularity),
        ];
        Self::with_those_of_a_run(per_query)
    }

    fn with_those_of_a_run<const N: usize>(per_query: [Arc<dyn QueryMetric>; N]) -> Vec<Self> {
        let per_run: [Arc<dyn RunMetric>; 2] = [Arc::new(Coverage), Arc::new(Gini)];
        let per_query = per_query.into_iter().map(Self::PerQuery);
        per_query
            .chain(per_run.into_iter().map(Self::PerRun))
            .collect()
    }
}

/// A metric of the first `cutoff` answers.
#[derive(Debug, Clone)]
pub struct MetricAt {
    /// The metric.
    pub metric: Metric,
    /// How many answers it judges, at least 1.
    pub cutoff: usize,
}

impl fmt::Display for MetricAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.metric.name(), self.cutoff)
    }
}

impl FromStr for MetricAt {
    type Err = Error;

    fn from_str(words: &str) -> Result<Self> {
        let found = format!("\"{words}\"");
        let (name, cutoff) = words
            .split_once('@')
            .ok_or_else(|| Error::config("metrics", "NAME@CUTOFF, such as recall@20", &found))?;
        let metric = Metric::all()
            .into_iter()
            .find(|metric| metric.name() == name)
            .ok_or_else(|| Error::config("metrics", known_names(), &found))?;
        let cutoff = cutoff.parse().ok().filter(|&cutoff| cutoff > 0);
        let cutoff = cutoff.ok_or_else(|| {
            Error::config("metrics", "a cut-off of at least 1 after the @", &found)
        })?;
        Ok(Self { metric, cutoff })
    }
}

fn known_names() -> String {
    let names: Vec<&str> = Metric::all().iter().map(Metric::name).collect();
    format!("one of {}, with a cut-off", names.join(", "))
}

/// The metrics of a run, in the order of its report. Reads `recall@20,ndcg@20`.
///
/// ```
/// use recommender_core::evaluation::MetricList;
/// let metrics: MetricList = "recall@20, ndcg@10".parse()?;
/// assert_eq!(metrics.to_string(), "recall@20,ndcg@10");
/// assert_eq!(metrics.longest(), 20);
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MetricList(Vec<MetricAt>);

impl MetricList {
    /// The metrics given.
    ///
    /// # Errors
    /// [`Error::Config`] if there is none, one comes twice or a cut-off is 0.
    pub fn new(metrics: Vec<MetricAt>) -> Result<Self> {
        let wrong = |expected: &str, found: &dyn fmt::Display| {
            Err(Error::config("metrics", expected, found))
        };
        if metrics.is_empty() {
            return wrong("at least one metric", &"none");
        }
        if metrics.iter().any(|at| at.cutoff == 0) {
            return wrong("a cut-off of at least 1", &0);
        }
        let mut names: Vec<String> = metrics.iter().map(ToString::to_string).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => wrong("each metric once", &pair[0]),
            None => Ok(Self(metrics)),
        }
    }

    /// `metrics`, such as [`Metric::of_items`], at each of `cutoffs`.
    ///
    /// # Errors
    /// [`Error::Config`] if no cut-off is given, one is 0 or comes twice.
    pub fn at(metrics: &[Metric], cutoffs: &[usize]) -> Result<Self> {
        let at = |&cutoff: &usize| {
            let metrics = metrics.iter().cloned();
            metrics.map(move |metric| MetricAt { metric, cutoff })
        };
        Self::new(cutoffs.iter().flat_map(at).collect())
    }

    /// [`Metric::of_items`] at each of `cutoffs`.
    ///
    /// # Errors
    /// As [`MetricList::at`].
    pub fn all_at(cutoffs: &[usize]) -> Result<Self> {
        Self::at(&Metric::of_items(), cutoffs)
    }

    /// The metrics in order.
    #[must_use]
    pub fn as_slice(&self) -> &[MetricAt] {
        &self.0
    }

    /// The largest cut-off: how many answers are asked for.
    #[must_use]
    pub fn longest(&self) -> usize {
        let cutoffs = self.0.iter().map(|at| at.cutoff);
        cutoffs.max().expect("a list holds a metric")
    }
}

impl FromStr for MetricList {
    type Err = Error;

    fn from_str(words: &str) -> Result<Self> {
        let metrics = words.split(',').map(|word| word.trim().parse());
        Self::new(metrics.collect::<Result<_>>()?)
    }
}

impl fmt::Display for MetricList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_found_by_its_name() {
        for metric in Metric::all() {
            let words = format!("{}@5", metric.name());
            assert_eq!(words.parse::<MetricAt>().unwrap().to_string(), words);
        }
        assert_eq!(MetricList::all_at(&[10, 20]).unwrap().as_slice().len(), 26);
    }

    #[test]
    fn wrong_words_say_what_is_expected() {
        for (words, expected) in [
            ("recall", "NAME@CUTOFF"),
            ("recal@5", "recall_capped"),
            ("recall@0", "at least 1"),
            ("recall@x", "at least 1"),
            ("recall@5,recall@5", "each metric once"),
            ("", "NAME@CUTOFF"),
        ] {
            let error = words.parse::<MetricList>().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(MetricList::all_at(&[]).is_err());
    }
}
