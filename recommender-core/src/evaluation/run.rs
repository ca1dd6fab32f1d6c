//! One run: questions in chunks, answers judged, numbers averaged.

use std::ops::Range;

use indexmap::IndexMap;
use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evaluation::bootstrap::{Bootstrap, Interval};
use crate::evaluation::cases::TestCases;
use crate::evaluation::evaluator::Evaluator;
use crate::evaluation::judging::{Answer, Served, Ties};
use crate::evaluation::latency::request_milliseconds;
use crate::evaluation::metrics::{
    Exposure, Judged, Metric, QueryMetric, RunMetric, Scratch, TrainingFacts,
};
use crate::evaluation::outcome::{Evaluation, MetricReport, ModelReport, SliceReport};
use crate::evaluation::slices::{ItemBand, ItemBands};
use crate::ids::ItemIx;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::Recommender;

/// Queries made and answered at a time.
const CHUNK: usize = 1024;

/// One number for each query: of all its relevant items, or of those in one band.
#[derive(Debug)]
struct Column<'a> {
    name: String,
    metric: &'a dyn QueryMetric,
    cutoff: usize,
    band: Option<ItemBand>,
    values: Vec<f64>,
    /// How much higher the sum of the values is with ties as served.
    served_gain: f64,
}

/// The numbers of one answer, one for each column, NaN where a column does not cover it.
#[derive(Debug)]
struct Row {
    judged: Vec<f64>,
    /// The same with ties as served, where that is another order.
    served: Option<Vec<f64>>,
}

/// A run in progress.
#[derive(Debug)]
pub(super) struct Run<'a> {
    evaluator: &'a Evaluator,
    recommender: &'a dyn Recommender,
    dataset: &'a Dataset,
    cases: &'a TestCases,
    facts: TrainingFacts<'a>,
    bands: ItemBands,
    columns: Vec<Column<'a>>,
    exposures: Vec<(String, &'a dyn RunMetric, Exposure)>,
    seconds: f64,
    report: ModelReport,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        evaluator: &'a Evaluator,
        recommender: &'a dyn Recommender,
        dataset: &'a Dataset,
        cases: &'a TestCases,
    ) -> Self {
        let facts = TrainingFacts::new(dataset);
        let exposures = evaluator.metrics.as_slice().iter().filter_map(|at| {
            let Metric::PerRun(metric) = &at.metric else {
                return None;
            };
            let exposure = Exposure::new(at.cutoff, dataset.items().len());
            Some((at.to_string(), &**metric, exposure))
        });
        Self {
            exposures: exposures.collect(),
            columns: columns(evaluator),
            bands: ItemBands::new(dataset, &facts),
            evaluator,
            recommender,
            dataset,
            cases,
            facts,
            seconds: 0.0,
            report: ModelReport::default(),
        }
    }

    pub(super) fn evaluation(mut self, name: &str) -> Result<Evaluation> {
        let total = self.cases.len();
        for start in (0..total).step_by(CHUNK) {
            let end = (start + CHUNK).min(total);
            self.chunk(start..end)?;
            let done = end as f64 / total as f64;
            self.evaluator.options.step("evaluate", done)?;
        }
        self.report.name = name.into();
        self.report.queries = total as u64;
        self.time_requests()?;
        self.summarize();
        let whole = self
            .columns
            .into_iter()
            .filter(|column| column.band.is_none());
        Ok(Evaluation {
            report: self.report,
            per_query: whole.map(|column| (column.name, column.values)).collect(),
            cases_digest: self.cases.digest().into(),
        })
    }

    fn chunk(&mut self, range: Range<usize>) -> Result<()> {
        let limit = self.evaluator.metrics.longest();
        let queries = range
            .clone()
            .into_par_iter()
            .map(|case| self.cases.query(self.dataset, case, limit))
            .collect::<Result<Vec<Query>>>()?;
        let ranked = self.timed_answers(&queries)?;
        check_answers(&queries, &ranked)?;
        let served = Served {
            cases: self.cases,
            range: range.clone(),
            queries: &queries,
            ranked: &ranked,
        };
        let answers = match self.evaluator.ties {
            Ties::Served => served.as_served(),
            Ties::Worst => {
                let (answers, unsettled) = served.at_worst(self.recommender)?;
                self.report.unsettled_ties += unsettled;
                answers
            }
        };
        for answer in &answers {
            self.count(answer, limit);
        }
        let rows: Vec<Row> = range
            .into_par_iter()
            .zip(&answers)
            .map_init(Scratch::default, |scratch, (case, answer)| {
                self.row(self.cases.truth(case), answer, scratch)
            })
            .collect();
        for row in rows {
            self.record(row);
        }
        Ok(())
    }

    fn record(&mut self, row: Row) {
        if let Some(served) = row.served {
            let gains = served.iter().zip(&row.judged);
            for (column, (served, judged)) in self.columns.iter_mut().zip(gains) {
                let gain = served - judged;
                column.served_gain += if gain.is_nan() { 0.0 } else { gain };
            }
        }
        for (column, value) in self.columns.iter_mut().zip(row.judged) {
            column.values.push(value);
        }
    }

    fn timed_answers(&mut self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let now = || self.evaluator.clock.as_ref().map_or(0.0, |clock| clock());
        let begin = now();
        let ranked = self.recommender.recommend_batch(queries)?;
        self.seconds += now() - begin;
        Ok(ranked)
    }

    fn time_requests(&mut self) -> Result<()> {
        let Some(clock) = &self.evaluator.clock else {
            return Ok(());
        };
        if self.seconds > 0.0 {
            self.report.queries_per_second = Some(self.cases.len() as f64 / self.seconds);
        }
        let questions = (self.dataset, self.cases);
        let limit = self.evaluator.metrics.longest();
        let (p50, p95) = request_milliseconds(self.recommender, questions, limit, clock.as_ref())?;
        self.report.request_ms_p50 = Some(p50);
        self.report.request_ms_p95 = Some(p95);
        Ok(())
    }

    fn count(&mut self, answer: &Answer, limit: usize) {
        let items = &answer.served;
        self.report.short_lists += u64::from(items.len() < limit);
        self.report.empty_lists += u64::from(items.is_empty());
        let outside = items
            .iter()
            .filter(|&&item| !self.facts.is_in_catalogue(item));
        self.report.outside_catalogue += outside.count() as u64;
        for (_, _, exposure) in &mut self.exposures {
            exposure.add(items);
        }
    }

    fn row(&self, truth: &[ItemIx], answer: &Answer, scratch: &mut Scratch) -> Row {
        let mut judge = |order: &[ItemIx]| self.judge(truth, order, answer, scratch);
        Row {
            judged: judge(&answer.judged),
            served: (answer.judged != answer.served).then(|| judge(&answer.served)),
        }
    }

    /// The number of every column for one answer in one order of its ties.
    fn judge(
        &self,
        truth: &[ItemIx],
        order: &[ItemIx],
        answer: &Answer,
        scratch: &mut Scratch,
    ) -> Vec<f64> {
        let hits = |truth: &[ItemIx]| -> Vec<bool> {
            let order = order.iter();
            order
                .map(|item| truth.binary_search(item).is_ok())
                .collect()
        };
        let mut band = None;
        let mut part = (hits(truth), truth.len());
        let mut row = Vec::with_capacity(self.columns.len());
        // Columns of one band stand together, so the part of the truth is made once for each.
        for column in &self.columns {
            if column.band != band {
                band = column.band;
                let items = band.map_or_else(|| truth.to_vec(), |it| self.bands.within(truth, it));
                part = (hits(&items), items.len());
            }
            let judged = Judged {
                items: &answer.served[..column.cutoff.min(answer.served.len())],
                hits: &part.0[..column.cutoff.min(part.0.len())],
                relevant: part.1,
                cutoff: column.cutoff,
            };
            let value = (part.1 > 0)
                .then(|| column.metric.value(&judged, &self.facts, scratch))
                .flatten();
            row.push(value.unwrap_or(f64::NAN));
        }
        row
    }

    fn summarize(&mut self) {
        let bootstrap = self.evaluator.bootstrap();
        let whole: Vec<&Column<'_>> = self.columns.iter().filter(|it| it.band.is_none()).collect();
        let mut figures = averages(&whole, bootstrap, &|_| true);
        for column in whole.iter().filter(|column| column.served_gain != 0.0) {
            if let Some(figure) = figures.get_mut(&column.name) {
                let gain = column.served_gain / figure.queries as f64;
                figure.as_served = figure.mean.map(|mean| mean + gain);
            }
        }
        for (name, metric, exposure) in &self.exposures {
            let figure = MetricReport {
                mean: metric.value(exposure, &self.facts),
                queries: self.cases.len() as u64,
                ..MetricReport::default()
            };
            figures.insert(name.clone(), figure);
        }
        for at in self.evaluator.metrics.as_slice() {
            let name = at.to_string();
            let figure = figures.get(&name).copied().unwrap_or_default();
            self.report.metrics.insert(name, figure);
        }
        for slice in &self.evaluator.slices {
            let band = slice.rule.band();
            let columns: Vec<&Column<'_>> = self
                .columns
                .iter()
                .filter(|column| column.band == band && column.metric.judges_relevance())
                .collect();
            let member = |case| band.is_some() || slice.rule.holds_history(self.cases, case);
            let metrics = averages(&columns, bootstrap, &member);
            let queries = metrics.values().map(|figure| figure.queries).max();
            let part = SliceReport {
                queries: queries.unwrap_or(0),
                metrics,
            };
            self.report.slices.insert(slice.name.clone(), part);
        }
    }
}

/// The columns of a run: every metric per query for all relevant items, then, band by band, those that judge
/// relevance for the bands the slices ask for.
fn columns(evaluator: &Evaluator) -> Vec<Column<'_>> {
    let of_band = |band: Option<ItemBand>| {
        let metrics = evaluator.metrics.as_slice().iter();
        metrics.filter_map(move |at| match &at.metric {
            Metric::PerQuery(metric) if band.is_none() || metric.judges_relevance() => {
                Some(Column {
                    name: at.to_string(),
                    metric: &**metric,
                    cutoff: at.cutoff,
                    band,
                    values: Vec::new(),
                    served_gain: 0.0,
                })
            }
            Metric::PerQuery(_) | Metric::PerRun(_) => None,
        })
    };
    let mut bands: Vec<Option<ItemBand>> = vec![None];
    for slice in &evaluator.slices {
        let band = slice.rule.band();
        if !bands.contains(&band) {
            bands.push(band);
        }
    }
    bands.into_iter().flat_map(of_band).collect()
}

/// Mean and interval of each column over the cases that are members and covered.
fn averages(
    columns: &[&Column<'_>],
    bootstrap: Bootstrap,
    member: &dyn Fn(usize) -> bool,
) -> IndexMap<String, MetricReport> {
    let covered: Vec<Vec<f64>> = columns
        .iter()
        .map(|column| {
            let values = column.values.iter().copied().enumerate();
            let values = values.filter(|&(case, value)| !value.is_nan() && member(case));
            values.map(|(_, value)| value).collect()
        })
        .collect();
    let intervals = bootstrap.intervals(&covered);
    let figure = |(values, interval): (&Vec<f64>, Option<Interval>)| MetricReport {
        mean: mean(values),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        queries: values.len() as u64,
        ..MetricReport::default()
    };
    let figures = covered.iter().zip(intervals).map(figure);
    let names = columns.iter().map(|column| column.name.clone());
    names.zip(figures).collect()
}

/// The mean, none of nothing.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    // An empty float sum is -0, and so is a figure over queries without a hit: adding zero takes the sign off.
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64 + 0.0)
}

/// Refuses answers that break the promises of [`Recommender`].
fn check_answers(queries: &[Query], ranked: &[Ranked]) -> Result<()> {
    if ranked.len() != queries.len() {
        let (found, expected) = (ranked.len(), queries.len());
        let reason = format!("{found} answers to {expected} queries");
        return Err(Error::Internal(reason));
    }
    for (query, answer) in queries.iter().zip(ranked) {
        if answer.len() > query.limit {
            let (found, limit) = (answer.len(), query.limit);
            let reason = format!("{found} items answered where {limit} were asked for");
            return Err(Error::Internal(reason));
        }
        if let Some(item) = answer.items().find(|&item| !query.allows(item)) {
            let reason = format!("{item:?} was answered although the query does not allow it");
            return Err(Error::Internal(reason));
        }
    }
    Ok(())
}
