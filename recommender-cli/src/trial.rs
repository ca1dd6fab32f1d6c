//! Several models judged by the same questions, each fitted in the same way.

use std::sync::Arc;
use std::time::Instant;

use recommender_core::evaluation::{
    CaseOptions, Evaluation, Evaluator, MetricList, Report, Split, TestCases,
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
    pub(crate) options: CaseOptions,
    pub(crate) running: FitOptions,
    pub(crate) metrics: MetricList,
}

/// The training part as one configuration weighs it, with its questions.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) dataset: Dataset,
    pub(crate) cases: TestCases,
}

impl Trial {
    /// Fits and judges each of `specs`, and says how they compare.
    pub(crate) fn run(&self, specs: &[ModelSpec]) -> Result<Report, Failure> {
        let evaluator = self.evaluator();
        let mut prepared: Option<Prepared> = None;
        let mut evaluations = Vec::new();
        for spec in specs {
            // Models that weigh events alike share the matrices; the old ones go before new ones are made.
            let usable = prepared
                .take()
                .filter(|it| *it.dataset.config() == spec.interactions);
            let current = match usable {
                Some(current) => current,
                None => self.prepare(&spec.interactions)?,
            };
            evaluations.push(self.judge(&evaluator, spec, &current)?);
            prepared = Some(current);
        }
        let Some(prepared) = prepared else {
            return Err(Failure::call("expected at least one model"));
        };
        Ok(Report::new(
            &evaluator,
            &self.split,
            &prepared.cases,
            &evaluations,
        )?)
    }

    /// The training part weighed by `interactions`, with its questions.
    pub(crate) fn prepare(&self, interactions: &InteractionConfig) -> Result<Prepared, Failure> {
        let dataset = Dataset::of_rows(
            Arc::clone(&self.table),
            self.split.train().to_vec(),
            self.products.clone(),
            interactions.clone(),
        )?;
        let cases = TestCases::new(&dataset, &self.split, self.options.clone())?;
        Ok(Prepared { dataset, cases })
    }

    fn evaluator(&self) -> Evaluator {
        let start = Instant::now();
        Evaluator::new(self.metrics.clone())
            .with_options(self.running.clone())
            .with_clock(move || start.elapsed().as_secs_f64())
    }

    fn judge(
        &self,
        evaluator: &Evaluator,
        spec: &ModelSpec,
        prepared: &Prepared,
    ) -> Result<Evaluation, Failure> {
        let line = ProgressLine::start(&spec.name);
        let options = FitOptions {
            progress: Some(line.callback()),
            ..self.running.clone()
        };
        memory::reset_peak();
        let start = Instant::now();
        let model: Box<dyn Recommender> = spec.fit(&prepared.dataset, &options)?;
        let seconds = start.elapsed().as_secs_f64();
        let evaluation =
            evaluator.evaluate(&spec.name, &*model, &prepared.dataset, &prepared.cases)?;
        let evaluation = evaluation.with_fit_seconds(seconds);
        Ok(match memory::peak_bytes() {
            Some(bytes) => evaluation.with_peak_memory_bytes(bytes),
            None => evaluation,
        })
    }
}
