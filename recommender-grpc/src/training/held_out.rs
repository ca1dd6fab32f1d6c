//! A recipe asked about events that were held out of its learning.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use recommender_core::evaluation::{
    CaseOptions, Evaluator, Report, Slice, SliceReport, Split, Splitter, TestCases, UserFolds,
};
use recommender_core::events::{Channel, EventTable};
use recommender_core::pipeline::{Pipeline, PipelineConfig};
use recommender_core::{Dataset, Error, FitOptions, Product, Result};

use crate::training::evaluation::{Cut, Dimension, OfflineOrder, Part};

/// Places that are told apart, at most: those with the most events asked about.
const MOST_PLACES: usize = 20;

/// What is asked, of which recipe.
#[derive(Debug)]
pub(super) struct HeldOut<'a> {
    /// Every event.
    pub(super) table: Arc<EventTable>,
    /// The products.
    pub(super) products: Vec<Product>,
    /// The recipe.
    pub(super) recipe: &'a PipelineConfig,
    /// What is asked for.
    pub(super) order: &'a OfflineOrder,
    /// How it is run.
    pub(super) options: FitOptions,
}

/// A recipe that learned from the training part of a split.
struct Learned<'a> {
    split: &'a Split,
    train: Dataset,
    model: Pipeline,
}

impl HeldOut<'_> {
    /// The figures of the recipe over all splits, and the parts that were asked for, by the names of which the report has
    /// their figures.
    ///
    /// # Errors
    /// [`Error::Data`] if the events leave nobody to ask; as the fits; [`Error::Cancelled`].
    pub(super) fn judge(&self) -> Result<(Report, Vec<Part>)> {
        let splits = self.order.cut.splits(&self.table, self.order.seed)?;
        let parts = self.parts(&splits);
        let reports = splits.iter().map(|split| self.report(split, &parts));
        let mut reports = reports.collect::<Result<Vec<Report>>>()?;
        let report = match reports.len() {
            1 => reports.remove(0),
            _ => Report::average(&self.order.cut.to_string(), &reports)?,
        };
        Ok((report, parts))
    }

    /// The report of one split, with slices for the parts.
    fn report(&self, split: &Split, parts: &[Part]) -> Result<Report> {
        let rows = split.train().to_vec();
        let (table, products) = (Arc::clone(&self.table), self.products.clone());
        let train = Dataset::of_rows(table, rows, products, self.recipe.interactions.clone())?;
        let begun = Instant::now();
        let model = self.options.run(|| self.recipe.fit(&train, &self.options));
        let fit_seconds = begun.elapsed().as_secs_f64();
        let learned = Learned {
            split,
            model: model?,
            train,
        };
        let cases = self.cases(&learned, split)?;
        let evaluator = Evaluator::new(self.order.metrics.clone())
            .with_slices(slices(parts))
            .with_options(self.options.clone());
        let evaluation = evaluator.evaluate("recipe", &learned.model, &learned.train, &cases)?;
        let evaluation = evaluation.with_fit_seconds(fit_seconds);
        let mut report = Report::new(&evaluator, split, &cases, &[evaluation])?;
        for part in parts.iter().filter(|part| part.is_of_events()) {
            let slice = self.slice(&learned, part)?;
            let model = report.models.iter_mut();
            model.for_each(|model| drop(model.slices.insert(part.slice(), slice.clone())));
        }
        Ok(report)
    }

    fn cases(&self, learned: &Learned<'_>, split: &Split) -> Result<TestCases> {
        let options = CaseOptions::default();
        (self.options).run(|| TestCases::new(&learned.train, split, options))
    }

    /// The figures of the questions about what was done at one place or on one channel.
    fn slice(&self, learned: &Learned<'_>, part: &Part) -> Result<SliceReport> {
        let asked =
            (learned.split).asking(|row| self.value(row, part.dimension) == Some(&part.value));
        let cases = asked.and_then(|split| self.cases(learned, &split));
        let cases = match cases {
            // Nobody is left to ask.
            Err(Error::Data { .. }) => return Ok(SliceReport::default()),
            cases => cases?,
        };
        let evaluator = Evaluator::new(self.order.metrics.clone())
            .with_slices(Vec::new())
            .with_options(self.options.clone());
        let name = part.slice();
        let evaluation = evaluator.evaluate(&name, &learned.model, &learned.train, &cases)?;
        Ok(SliceReport {
            queries: evaluation.report().queries,
            metrics: evaluation.report().metrics.clone(),
        })
    }

    /// The parts that were asked for: those of events as they occur among what is asked about.
    fn parts(&self, splits: &[Split]) -> Vec<Part> {
        let dimensions = self.order.segments.iter();
        let parts = dimensions.flat_map(|&dimension| {
            let values = match dimension {
                Dimension::Users => {
                    vec!["new".into(), "short_history".into(), "long_history".into()]
                }
                Dimension::Items => vec!["new".into(), "tail".into(), "head".into()],
                Dimension::Place | Dimension::Channel => self.values(dimension, splits),
            };
            let values: Vec<String> = values;
            values
                .into_iter()
                .map(move |value| Part { dimension, value })
        });
        parts.collect()
    }

    /// The values of a dimension of events among what is asked about, the most frequent first.
    fn values(&self, dimension: Dimension, splits: &[Split]) -> Vec<String> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for &row in splits.iter().flat_map(Split::test) {
            if let Some(value) = self.value(row, dimension) {
                *counts.entry(value).or_default() += 1;
            }
        }
        let mut values: Vec<(&str, u64)> = counts.into_iter().collect();
        values.sort_by_key(|(_, count)| Reverse(*count));
        values.truncate(MOST_PLACES);
        values
            .into_iter()
            .map(|(value, _)| value.to_owned())
            .collect()
    }

    fn value(&self, row: u32, dimension: Dimension) -> Option<&str> {
        let event = self.table.row(row as usize);
        match dimension {
            Dimension::Place => event.place.map(|place| self.table.places().key(place)),
            Dimension::Channel => event.channel.map(Channel::name),
            Dimension::Users | Dimension::Items => None,
        }
    }
}

impl Part {
    /// Whether it is a part of the events asked about, and none that the evaluator knows.
    fn is_of_events(&self) -> bool {
        matches!(self.dimension, Dimension::Place | Dimension::Channel)
    }
}

/// The slices of the evaluator that are asked for, under the names of their parts.
fn slices(parts: &[Part]) -> Vec<Slice> {
    let own_name = |part: &Part| match (part.dimension, &*part.value) {
        (Dimension::Users, "new") => "users_cold",
        (Dimension::Users, "short_history") => "users_short_history",
        (Dimension::Users, "long_history") => "users_long_history",
        (Dimension::Items, "new") => "items_unseen",
        (Dimension::Items, "tail") => "items_tail",
        (Dimension::Items, "head") => "items_head",
        _ => "",
    };
    let standard = Slice::standard();
    let slice = |part: &Part| {
        let name = own_name(part);
        let found = standard.iter().find(|slice| slice.name == name)?;
        Some(Slice {
            name: part.slice(),
            rule: found.rule,
        })
    };
    parts.iter().filter_map(slice).collect()
}

impl Cut {
    fn splits(self, table: &EventTable, seed: u64) -> Result<Vec<Split>> {
        let splitter = match self {
            Self::KFold(folds) => return UserFolds { folds }.splits(table, seed),
            Self::TimeShare(train) => Splitter::TimeShare { train },
            Self::Time(at) => Splitter::Time { at },
            Self::LastN(events) => Splitter::LeaveLast { events },
        };
        Ok(vec![splitter.split(table, seed)?])
    }
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TimeShare(train) => Splitter::TimeShare { train: *train }.fmt(f),
            Self::Time(at) => Splitter::Time { at: *at }.fmt(f),
            Self::LastN(events) => Splitter::LeaveLast { events: *events }.fmt(f),
            Self::KFold(folds) => UserFolds { folds: *folds }.fmt(f),
        }
    }
}
