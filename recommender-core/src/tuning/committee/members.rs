//! The members, fitted and asked.

use crate::error::{Error, Result};
use crate::interactions::InteractionConfig;
use crate::pipeline::blend::{Blend, BlendConfig};
use crate::pipeline::{FittedSource, Pipeline, PipelineConfig, SourceConfig};
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::FitOptions;
use crate::tuning::committee::questions::{Case, Judge, Questions};
use crate::tuning::committee::{check_size, mean};
use crate::tuning::report::TuningReport;
use crate::tuning::study::Weighed;

/// Questions that weights are learned from, at most, spread evenly over all there are.
const MOST_CASES: usize = 5000;

/// Questions asked at a time.
const CHUNK: usize = 512;

/// How many items each member proposes.
const POOL: usize = 200;

/// The answers of every member to the questions.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) sources: Vec<SourceConfig>,
    pub(super) interactions: InteractionConfig,
    /// By question, then member.
    proposed: Vec<Vec<Ranked>>,
    /// The same, every member scoring what any proposed.
    completed: Vec<Vec<Ranked>>,
    /// Right answers and known items of each question.
    cases: Vec<Case>,
    judge: Judge<'a>,
    /// By member, then question: the metric of its own list.
    values: Vec<Vec<f64>>,
}

impl<'a> Asked<'a> {
    /// Fits the best of each model and asks all of them the questions of `study`.
    pub(super) fn of(
        judge: Judge<'a>,
        weighed: &Weighed,
        report: &TuningReport,
        options: &FitOptions,
    ) -> Result<Self> {
        let (pipeline, sources) = fit(weighed, report, options)?;
        let mut asked = Self {
            values: vec![Vec::new(); sources.len()],
            sources,
            interactions: weighed.dataset.config().clone(),
            proposed: Vec::new(),
            completed: Vec::new(),
            cases: Vec::new(),
            judge,
        };
        let cases: Vec<usize> = spread(weighed.cases.len());
        for (chunk, numbers) in cases.chunks(CHUNK).enumerate() {
            options.step("committee", (chunk * CHUNK) as f64 / cases.len() as f64)?;
            asked.ask(&pipeline, weighed, numbers)?;
        }
        asked.judge_alone();
        Ok(asked)
    }

    fn ask(&mut self, pipeline: &Pipeline, weighed: &Weighed, numbers: &[usize]) -> Result<()> {
        let limit = POOL.max(self.judge.cutoff());
        let query = |&case: &usize| weighed.cases.query(&weighed.dataset, case, limit);
        let queries: Vec<Query> = numbers.iter().map(query).collect::<Result<_>>()?;
        let proposed = pipeline.proposed(&queries)?;
        let completed = pipeline.completed(&queries, proposed.clone())?;
        self.proposed.extend(by_query(proposed));
        self.completed.extend(by_query(completed));
        let cases = numbers.iter().zip(&queries).map(|(&case, query)| Case {
            relevant: weighed.cases.truth(case).to_vec(),
            known: query.profile().len(),
        });
        self.cases.extend(cases);
        Ok(())
    }

    fn judge_alone(&mut self) {
        for (member, values) in self.values.iter_mut().enumerate() {
            let lists = self.proposed.iter().map(|lists| &lists[member]);
            let judged = lists.zip(&self.cases);
            *values = judged
                .map(|(list, case)| self.judge.of_list(list, &case.relevant))
                .collect();
        }
    }

    /// The questions with the scores that `method` makes of the members' answers.
    pub(super) fn questions(&'a self, method: &BlendConfig) -> Questions<'a> {
        let lists = match method.is_completed() {
            true => &self.completed,
            false => &self.proposed,
        };
        Questions::new(&self.judge, method, lists, &self.cases)
    }

    /// The known items of each question, ascending.
    pub(super) fn known(&self) -> Vec<usize> {
        let mut known: Vec<usize> = self.cases.iter().map(|case| case.known).collect();
        known.sort_unstable();
        known
    }

    /// Each member's name with the mean of its metric alone.
    pub(super) fn alone(&self) -> Vec<(String, f64)> {
        let named = self.sources.iter().zip(&self.values);
        named
            .map(|(source, values)| (source.name().to_owned(), mean(values)))
            .collect()
    }

    /// The metric of each question for the member called `name` alone; 0 throughout if there is none.
    pub(super) fn values_of(&self, name: &str) -> Vec<f64> {
        let member = self.sources.iter().position(|source| source.name() == name);
        let none = || vec![0.0; self.cases.len()];
        member.map_or_else(none, |member| self.values[member].clone())
    }
}

/// Numbers of up to [`MOST_CASES`] of `cases`, evenly spread.
fn spread(cases: usize) -> Vec<usize> {
    let taken = cases.min(MOST_CASES);
    (0..taken).map(|place| place * cases / taken).collect()
}

/// Lists by source and query, turned round.
fn by_query(lists: Vec<Vec<Ranked>>) -> Vec<Vec<Ranked>> {
    let queries = lists.first().map_or(0, Vec::len);
    let mut turned: Vec<Vec<Ranked>> = vec![Vec::with_capacity(lists.len()); queries];
    for of_source in lists {
        for (list, lists) in of_source.into_iter().zip(&mut turned) {
            lists.push(list);
        }
    }
    turned
}

/// The best of each model in a pipeline; one that can't be fitted stays out.
fn fit(
    weighed: &Weighed,
    report: &TuningReport,
    options: &FitOptions,
) -> Result<(Pipeline, Vec<SourceConfig>)> {
    let (mut fitted, mut sources, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for result in &report.models {
        let Some(best) = &result.best else {
            reasons.push(format!("{} has no best trial", result.name));
            continue;
        };
        options.step(&result.name, 0.0)?;
        match best.model.fit(&weighed.dataset, options) {
            Ok(model) => {
                let source = SourceConfig {
                    name: Some(result.name.clone()),
                    weight: 1.0,
                    model: best.model.clone(),
                };
                sources.push(source);
                let name = result.name.clone();
                fitted.push(FittedSource { name, model });
            }
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(error) => reasons.push(format!("{}: {error}", result.name)),
        }
    }
    check_size(sources.len(), &reasons)?;
    let weights: Vec<(&str, f32)> = sources.iter().map(|it| (it.name(), 1.0)).collect();
    let blend = Blend::new(BlendConfig::default(), &weights);
    let pool = PipelineConfig::of_sources(Vec::new()).pool;
    Ok((Pipeline::of_sources(fitted, blend, pool), sources))
}
