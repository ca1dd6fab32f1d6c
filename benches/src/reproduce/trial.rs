//! A recipe run through the evaluation room.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use recommender_core::catalog::read::ProductField;
use recommender_core::evaluation::{
    Evaluation, Evaluator, Report, Slice, SliceRule, Split, Splitter, TestCases,
};
use recommender_core::events::EventTable;
use recommender_core::events::read::Times;
use recommender_core::{
    Dataset, Error, FitOptions, InteractionConfig, Product, Recommender, Result,
};
use recommender_files::{
    EventOptions, ProductOptions, read_event_map, read_events, read_product_map, read_products,
};

use crate::memory;
use crate::reproduce::findings::{SetResult, Skipped, Tried};
use crate::reproduce::published::Published;
use crate::reproduce::recipe::{Entry, Method, Recipe};

/// Bands of history lengths, both ends included.
const BANDS: [(usize, usize); 7] = [
    (0, 0),
    (1, 2),
    (3, 5),
    (6, 10),
    (11, 20),
    (21, 50),
    (51, usize::MAX),
];

/// The slice of all users with a history.
pub(super) const WITH_HISTORY: &str = "with a history";

/// Where things lie and how they are run.
#[derive(Debug, Clone)]
pub struct Trial<'a> {
    /// The directory of the data sets.
    pub data: &'a Path,
    /// The directory of the recipes.
    pub recipes: &'a Path,
    /// Seed and threads.
    pub running: FitOptions,
    /// Whether what is slow is left out.
    pub quick: bool,
}

/// The training part as one configuration weighs it, with its questions.
struct Prepared {
    dataset: Dataset,
    cases: TestCases,
}

/// A set read from its files.
struct Read {
    table: Arc<EventTable>,
    split: Split,
    products: Vec<Product>,
}

impl Trial<'_> {
    /// Runs `recipe`; if a file is missing, says which. `note` is told each model before it is fitted.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that can't be understood, [`Error::Config`] for a wrong recipe. A model that can't
    /// be fitted to the set is no error: its reason stands in the result.
    pub fn run(
        &self,
        recipe: &Recipe,
        published: &[Published],
        note: impl Fn(&str),
    ) -> Result<std::result::Result<SetResult, Skipped>> {
        if let Some(missing) = recipe
            .data
            .all()
            .find(|file| !self.path(recipe, file).is_file())
        {
            return Ok(Err(Skipped {
                name: recipe.name.clone(),
                reason: format!("there is no {}", missing.display()),
            }));
        }
        let read = self.read(recipe)?;
        let evaluator = self.evaluator(recipe)?;
        let mut prepared: Option<Prepared> = None;
        let (mut evaluations, mut tried) = (Vec::new(), Vec::new());
        for entry in &recipe.models {
            note(&entry.label);
            let judged = self.judge(recipe, entry, &read, (&evaluator, &mut prepared));
            tried.push(Tried {
                entry: entry.clone(),
                not_run: judged.as_ref().err().map(ToString::to_string),
            });
            evaluations.extend(judged);
        }
        let Some(prepared) = prepared.filter(|_| !evaluations.is_empty()) else {
            let reason = tried
                .into_iter()
                .filter_map(|it| it.not_run)
                .collect::<Vec<_>>();
            return Err(Error::data(
                &*recipe.name,
                format!("no model ran: {}", reason.join("; ")),
            ));
        };
        let ours = published.iter().filter(|figure| figure.set == recipe.name);
        Ok(Ok(SetResult {
            name: recipe.name.clone(),
            title: recipe.title.clone(),
            protocol: recipe.protocol.clone(),
            tuning: recipe.tuning.clone(),
            headline: recipe.headline.clone(),
            coverage: recipe.coverage.clone(),
            over_best_single: over_best_single(recipe, &evaluator, &evaluations)?,
            report: Report::new(&evaluator, &read.split, &prepared.cases, &evaluations)?,
            tried,
            published: ours.cloned().collect(),
        }))
    }

    /// A data file of the recipe.
    fn path(&self, recipe: &Recipe, file: &Path) -> PathBuf {
        match recipe.data.committed {
            true => repository().join(file),
            false => self.data.join(file),
        }
    }

    /// A map beside the recipes, or under `datasets/`.
    fn map(&self, file: &Path) -> PathBuf {
        let beside = self.recipes.join(file);
        match beside.is_file() {
            true => beside,
            false => repository().join(file),
        }
    }

    fn read(&self, recipe: &Recipe) -> Result<Read> {
        let files = &recipe.data;
        let mut options = EventOptions {
            format: files.format,
            ..EventOptions::default()
        };
        if let Some(map) = &files.map {
            options.map = read_event_map(&self.map(map))?;
        }
        let mut table = EventTable::new();
        let split = if let (Some(train), Some(test)) = (&files.train, &files.test) {
            // Which events come first is said by the files, so they need no times.
            options.map.times = Times::Optional;
            read_events(&self.path(recipe, train), &options, &mut table)?;
            let first_test_row = table.len();
            read_events(&self.path(recipe, test), &options, &mut table)?;
            Split::given_at(&table, first_test_row)?
        } else {
            for file in &files.events {
                read_events(&self.path(recipe, file), &options, &mut table)?;
            }
            let splitter: Splitter = recipe.split.as_deref().unwrap_or_default().parse()?;
            splitter.split(&table, self.running.seed)?
        };
        Ok(Read {
            products: self.products(recipe, &split)?,
            table: Arc::new(table),
            split,
        })
    }

    /// The products; rows of the split's moment and later are not looked at.
    fn products(&self, recipe: &Recipe, split: &Split) -> Result<Vec<Product>> {
        let mut options = ProductOptions::default();
        if let Some(map) = &recipe.data.catalog_map {
            options.map = read_product_map(&self.map(map))?;
        }
        // A catalogue without times has nothing to be cut by.
        if options.map.columns.contains_key(&ProductField::Time) {
            options.before = split.time();
        }
        let mut products = Vec::new();
        for file in &recipe.data.catalog {
            products.extend(read_products(&self.path(recipe, file), &options)?.0);
        }
        Ok(products)
    }

    fn evaluator(&self, recipe: &Recipe) -> Result<Evaluator> {
        let start = Instant::now();
        Ok(Evaluator::new(recipe.metrics.parse()?)
            .with_options(self.running.clone())
            .with_resamples(if self.quick { 200 } else { 1000 })
            .with_slices(slices())
            .with_clock(move || start.elapsed().as_secs_f64()))
    }

    /// Fits and judges one entry. Models that weigh events alike share the matrices; the old ones go before new ones
    /// are made.
    fn judge(
        &self,
        recipe: &Recipe,
        entry: &Entry,
        read: &Read,
        (evaluator, prepared): (&Evaluator, &mut Option<Prepared>),
    ) -> Result<Evaluation> {
        if entry.slow && self.quick {
            return Err(Error::config(
                &*entry.label,
                "a run that is not quick",
                "--quick",
            ));
        }
        let method = entry.method(self.recipes)?;
        let weights = match &method {
            Method::Pipeline(pipeline) => &pipeline.interactions,
            Method::Model(_) => entry.interactions.as_ref().unwrap_or(&recipe.interactions),
        };
        let usable = prepared.take().filter(|it| it.dataset.config() == weights);
        let current = match usable {
            Some(current) => current,
            None => prepare(recipe, read, weights)?,
        };
        let current = prepared.insert(current);
        self.measure(entry, &method, current, evaluator)
    }

    fn measure(
        &self,
        entry: &Entry,
        method: &Method,
        prepared: &Prepared,
        evaluator: &Evaluator,
    ) -> Result<Evaluation> {
        memory::reset_peak();
        let start = Instant::now();
        let model: Box<dyn Recommender> = match method {
            Method::Model(config) => {
                let fit = || config.fit(&prepared.dataset, &self.running);
                self.running.run(fit)?
            }
            Method::Pipeline(config) => Box::new(config.fit(&prepared.dataset, &self.running)?),
        };
        let seconds = start.elapsed().as_secs_f64();
        let cases = &prepared.cases;
        let judged = evaluator.evaluate(&entry.label, &*model, &prepared.dataset, cases)?;
        let judged = judged.with_fit_seconds(seconds);
        Ok(match memory::peak_bytes() {
            Some(bytes) => judged.with_peak_memory_bytes(bytes),
            None => judged,
        })
    }
}

fn repository() -> &'static Path {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
    benches.parent().unwrap_or(benches)
}

fn prepare(recipe: &Recipe, read: &Read, weights: &InteractionConfig) -> Result<Prepared> {
    let dataset = Dataset::of_rows(
        Arc::clone(&read.table),
        read.split.train().to_vec(),
        read.products.clone(),
        weights.clone(),
    )?;
    let cases = TestCases::new(&dataset, &read.split, recipe.cases.clone())?;
    Ok(Prepared { dataset, cases })
}

/// Bands of history lengths, then those of items.
fn slices() -> Vec<Slice> {
    let name = |least, most| match (least, most) {
        (0, 0) => "history 0".to_owned(),
        (least, usize::MAX) => format!("history {least}+"),
        (least, most) => format!("history {least}-{most}"),
    };
    let bands = BANDS.into_iter().map(|(least, most)| Slice {
        name: name(least, most),
        rule: SliceRule::HistoryItems { least, most },
    });
    let known = Slice {
        name: WITH_HISTORY.into(),
        rule: SliceRule::HistoryItems {
            least: 1,
            most: usize::MAX,
        },
    };
    let items = Slice::standard().into_iter();
    let items = items.filter(|slice| matches!(slice.rule, SliceRule::RelevantItems(_)));
    bands.chain([known]).chain(items).collect()
}

/// Each pipeline minus the single model that does best by the headline metric, query by query.
fn over_best_single(
    recipe: &Recipe,
    evaluator: &Evaluator,
    evaluations: &[Evaluation],
) -> Result<Vec<recommender_core::evaluation::Difference>> {
    let is_pipeline = |evaluation: &&Evaluation| {
        let mut entries = recipe.models.iter();
        let entry = entries.find(|entry| entry.label == evaluation.report().name);
        entry.is_some_and(|entry| entry.pipeline.is_some())
    };
    let headline = |evaluation: &&Evaluation| evaluation.mean(&recipe.headline).unwrap_or(-1.0);
    let singles = evaluations.iter().filter(|it| !is_pipeline(it));
    let best = singles.max_by(|a, b| headline(a).total_cmp(&headline(b)));
    let mut differences = Vec::new();
    for pipeline in evaluations.iter().filter(is_pipeline) {
        if let Some(best) = best {
            let all = evaluator.compare(pipeline, best)?;
            differences.extend(all.into_iter().filter(|it| it.metric == recipe.headline));
        }
    }
    Ok(differences)
}
