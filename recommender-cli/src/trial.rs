//! Several models judged by the same questions, each fitted in the same way.

use std::sync::Arc;
use std::time::Instant;

use recommender_core::evaluation::{
    Evaluation, Evaluator, MetricList, Questions, Report, Split, TestCases,
};
use recommender_core::events::EventTable;
use recommender_core::{Dataset, FitOptions, InteractionConfig, Product, Recommender};

use crate::failure::Failure;
use crate::memory;
use crate::model_spec::ModelSpec;
use crate::progress::ProgressLine;

/// The events, their split and how answers are judged.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) table: Arc<EventTable>,
    pub(crate) split: Split,
    pub(crate) products: Vec<Product>,
    /// What is asked, the same under each protocol, with what the protocol adds to the name of a model.
    pub(crate) questions: Vec<(&'static str, Questions)>,
    pub(crate) running: FitOptions,
    pub(crate) metrics: MetricList,
}

/// The training part as one configuration weighs it, with its questions.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) dataset: Dataset,
    cases: Vec<(&'static str, TestCases)>,
}

impl Prepared {
    /// The questions, under the first protocol.
    pub(crate) fn cases(&self) -> &TestCases {
        &self.cases[0].1
    }
}

impl Trial {
    /// Fits and judges each of `specs`, and says how they compare.
    pub(crate) fn run(&self, specs: &[ModelSpec]) -> Result<Report, Failure> {
        let evaluator = self.evaluator();
        let mut prepared: Option<Prepared> = None;
        let mut evaluations: Vec<Vec<Evaluation>> = Vec::new();
        for spec in specs {
            // Models that weigh events alike share the matrices; the old ones go before new ones are made.
            let usable = prepared
                .take()
                .filter(|it| *it.dataset.config() == spec.interactions);
            let current = match usable {
                Some(current) => current,
                None => self.prepare(&spec.interactions)?,
            };
            let judged = self.judge(&evaluator, spec, &current)?;
            evaluations.resize_with(judged.len(), Vec::new);
            for (all, one) in evaluations.iter_mut().zip(judged) {
                all.push(one);
            }
            prepared = Some(current);
        }
        let Some(prepared) = prepared else {
            return Err(Failure::call("expected at least one model"));
        };
        let mut reports =
            evaluations
                .iter()
                .zip(&prepared.cases)
                .map(|(evaluations, (_, cases))| {
                    Report::new(&evaluator, &self.split, cases, evaluations)
                });
        let first = reports
            .next()
            .ok_or_else(|| Failure::call("expected at least one protocol"))??;
        reports.try_fold(first, |report, next| Ok(report.and(next?)))
    }

    /// The training part weighed by `interactions`, with its questions.
    pub(crate) fn prepare(&self, interactions: &InteractionConfig) -> Result<Prepared, Failure> {
        let dataset = Dataset::of_rows(
            Arc::clone(&self.table),
            self.split.train().to_vec(),
            self.products.clone(),
            interactions.clone(),
        )?;
        let cases = self.questions.iter().map(|(protocol, questions)| {
            let cases = TestCases::of(&dataset, &self.split, questions)?;
            Ok((*protocol, cases))
        });
        let cases = cases.collect::<Result<_, Failure>>()?;
        Ok(Prepared { dataset, cases })
    }

    fn evaluator(&self) -> Evaluator {
        let start = Instant::now();
        Evaluator::new(self.metrics.clone())
            .with_options(self.running.clone())
            .with_clock(move || start.elapsed().as_secs_f64())
    }

    /// One evaluation for each protocol.
    fn judge(
        &self,
        evaluator: &Evaluator,
        spec: &ModelSpec,
        prepared: &Prepared,
    ) -> Result<Vec<Evaluation>, Failure> {
        let line = ProgressLine::start(&spec.name);
        let options = FitOptions {
            progress: Some(line.callback()),
            ..self.running.clone()
        };
        memory::reset_peak();
        let start = Instant::now();
        let model: Box<dyn Recommender> = spec.fit(&prepared.dataset, &options)?;
        let seconds = start.elapsed().as_secs_f64();
        let mut evaluations = Vec::new();
        for (protocol, cases) in &prepared.cases {
            let name = format!("{}{protocol}", spec.name);
            let evaluation = evaluator.evaluate(&name, &*model, &prepared.dataset, cases)?;
            let evaluation = evaluation.with_fit_seconds(seconds);
            evaluations.push(match memory::peak_bytes() {
                Some(bytes) => evaluation.with_peak_memory_bytes(bytes),
                None => evaluation,
            });
        }
        Ok(evaluations)
    }
}
