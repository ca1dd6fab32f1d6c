//! One run: questions in chunks, answers judged, numbers averaged.

use std::ops::Range;

use indexmap::IndexMap;
use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evaluation::bootstrap::{Bootstrap, Interval, Sample};
use crate::evaluation::cases::TestCases;
use crate::evaluation::evaluator::Evaluator;
use crate::evaluation::judging::{Answer, Served, Ties};
use crate::evaluation::latency::request_milliseconds;
use crate::evaluation::metrics::{
    Exposure, Judged, Metric, QueryMetric, RunMetric, Scratch, TrainingFacts, TruthPart,
};
use crate::evaluation::outcome::{Evaluation, MetricReport, ModelReport, SliceReport};
use crate::evaluation::slices::{ItemBand, ItemBands};
use crate::ids::ItemIx;
use crate::query::{HistoryItem, Query};
use crate::ranked::Ranked;
use crate::recommender::Recommender;

/// Queries made and answered at a time.
const CHUNK: usize = 1024;

/// Which of the relevant items of a query a column looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Truth(TruthPart),
    Band(ItemBand),
}

/// Those of all relevant items.
const WHOLE: Part = Part::Truth(TruthPart::Whole);

/// What is to be known of a case to judge its answer.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    truth: &'a [ItemIx],
    next: Option<ItemIx>,
    to_come: usize,
    history: &'a [HistoryItem],
}

/// The relevant items of one part in one answer.
#[derive(Debug)]
struct PartHits {
    hits: Vec<bool>,
    relevant: usize,
    to_come: usize,
}

/// One number for each query: of all its relevant items, or of a part of them.
#[derive(Debug)]
struct Column<'a> {
    name: String,
    metric: &'a dyn QueryMetric,
    cutoff: usize,
    part: Part,
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
        let whole = self.columns.into_iter().filter(Column::is_of_the_run);
        Ok(Evaluation {
            report: self.report,
            per_query: whole.map(|column| (column.name, column.values)).collect(),
            clusters: (0..total).map(|case| self.cases.cluster(case)).collect(),
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
            .zip(answers.par_iter().zip(&queries))
            .map_init(Scratch::default, |scratch, (case, (answer, query))| {
                let asked = Asked {
                    truth: self.cases.truth(case),
                    next: self.cases.next(case),
                    to_come: self.cases.events_to_come(case),
                    history: &query.history,
                };
                self.row(asked, answer, scratch)
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

    fn row(&self, asked: Asked<'_>, answer: &Answer, scratch: &mut Scratch) -> Row {
        let mut judge = |order: &[ItemIx]| self.judge(asked, order, answer, scratch);
        Row {
            judged: judge(&answer.judged),
            served: (answer.judged != answer.served).then(|| judge(&answer.served)),
        }
    }

    /// The number of every column for one answer in one order of its ties.
    fn judge(
        &self,
        asked: Asked<'_>,
        order: &[ItemIx],
        answer: &Answer,
        scratch: &mut Scratch,
    ) -> Vec<f64> {
        let mut parts: Vec<(Part, PartHits)> = Vec::new();
        let mut row = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let place = parts.iter().position(|(part, _)| *part == column.part);
            let place = place.unwrap_or_else(|| {
                parts.push((column.part, self.part_hits(column.part, asked, order)));
                parts.len() - 1
            });
            let part = &parts[place].1;
            let judged = Judged {
                items: &answer.served[..column.cutoff.min(answer.served.len())],
                hits: &part.hits[..column.cutoff.min(part.hits.len())],
                relevant: part.relevant,
                to_come: part.to_come,
                cutoff: column.cutoff,
            };
            let value = (part.relevant > 0)
                .then(|| column.metric.value(&judged, &self.facts, scratch))
                .flatten();
            row.push(value.unwrap_or(f64::NAN));
        }
        row
    }

    fn part_hits(&self, part: Part, asked: Asked<'_>, order: &[ItemIx]) -> PartHits {
        let had = |item: &ItemIx| {
            let found = asked.history.binary_search_by_key(item, |entry| entry.item);
            found.is_ok()
        };
        let truth = asked.truth.iter().copied();
        let items: Vec<ItemIx> = match part {
            Part::Truth(TruthPart::Whole) => truth.collect(),
            Part::Truth(TruthPart::Next) => asked.next.into_iter().collect(),
            Part::Truth(TruthPart::Repeats) => truth.filter(had).collect(),
            Part::Truth(TruthPart::New) => truth.filter(|item| !had(item)).collect(),
            Part::Band(band) => self.bands.within(asked.truth, band),
        };
        let hit = |item: &ItemIx| items.binary_search(item).is_ok();
        PartHits {
            hits: order.iter().map(hit).collect(),
            relevant: items.len(),
            to_come: if part == WHOLE {
                asked.to_come
            } else {
                items.len()
            },
        }
    }

    fn summarize(&mut self) {
        let bootstrap = self.evaluator.bootstrap();
        let whole: Vec<&Column<'_>> = self
            .columns
            .iter()
            .filter(|column| column.is_of_the_run())
            .collect();
        let mut figures = averages(&whole, bootstrap, self.cases, &|_| true);
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
            let part = band.map_or(WHOLE, Part::Band);
            let columns: Vec<&Column<'_>> = self
                .columns
                .iter()
                .filter(|column| column.part == part && column.metric.judges_relevance())
                .collect();
            let member = |case| band.is_some() || slice.rule.holds_history(self.cases, case);
            let metrics = averages(&columns, bootstrap, self.cases, &member);
            let queries = metrics.values().map(|figure| figure.queries).max();
            let part = SliceReport {
                queries: queries.unwrap_or(0),
                metrics,
            };
            self.report.slices.insert(slice.name.clone(), part);
        }
    }
}

impl Column<'_> {
    /// Whether it stands among the figures of the run, and not of a slice by items.
    fn is_of_the_run(&self) -> bool {
        matches!(self.part, Part::Truth(_))
    }
}

/// The columns of a run: every metric per query, then, band by band, those that judge the relevance of all relevant items
/// for the bands the slices ask for.
fn columns(evaluator: &Evaluator) -> Vec<Column<'_>> {
    let of_band = |band: Option<ItemBand>| {
        let metrics = evaluator.metrics.as_slice().iter();
        metrics.filter_map(move |at| match &at.metric {
            Metric::PerQuery(metric)
                if band.is_none()
                    || (metric.judges_relevance() && metric.part() == TruthPart::Whole) =>
            {
                Some(Column {
                    name: at.to_string(),
                    metric: &**metric,
                    cutoff: at.cutoff,
                    part: band.map_or(Part::Truth(metric.part()), Part::Band),
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
    cases: &TestCases,
    member: &dyn Fn(usize) -> bool,
) -> IndexMap<String, MetricReport> {
    let sample = |column: &&Column<'_>| {
        let values = column.values.iter().copied().enumerate();
        let values = values.filter(|&(case, _)| member(case));
        Sample::of(values.map(|(case, value)| (cases.cluster(case), value)))
    };
    let samples: Vec<Sample> = columns.iter().map(sample).collect();
    let intervals = bootstrap.intervals(&samples);
    let figure = |(sample, interval): (&Sample, Option<Interval>)| MetricReport {
        mean: sample.mean(),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        queries: sample.values() as u64,
        ..MetricReport::default()
    };
    let figures = samples.iter().zip(intervals).map(figure);
    let names = columns.iter().map(|column| column.name.clone());
    names.zip(figures).collect()
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
