//! Better settings of a model: searched on events before the latest window, held against its recipe on that window.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use recommender_core::evaluation::Splitter;
use recommender_core::pipeline::{PipelineConfig, SourceConfig};
use recommender_core::tuning::{
    Budget, Committee, DataFacts, ModelSpace, Sampler, SpaceFile, Study, StudyData, TrialRecord,
    Tuner, TuningReport, Validation, built_in,
};
use recommender_core::{Error, FitOptions};

use crate::operations::Progress;
use crate::proto::longrunning::Operation;
use crate::status::Refusal;
use crate::training::document::{Comparison, Figure};
use crate::training::giving_way::giving_way;
use crate::training::judging::{Judgement, told};
use crate::training::registry::Registry;
use crate::training::run::{Material, metrics_with};

/// Most models of a search space.
const MOST_SPACES: usize = 20;

/// What a search is to be.
#[derive(Debug, Clone)]
pub(crate) struct TuningOrder {
    /// What is searched.
    pub(crate) searched: Searched,
    /// What is made as good as can be, such as `ndcg@20`.
    pub(crate) metric: String,
    /// What each method may use.
    pub(crate) budget: Budget,
    /// What is made of the best of each method.
    pub(crate) result: TuningResult,
    /// Whether the model takes what is found.
    pub(crate) storing: Storing,
}

/// Methods and their settings.
#[derive(Debug, Clone)]
pub(crate) enum Searched {
    /// Those of the recipe's sources, with their usual spaces.
    Recipe,
    /// These, with their usual spaces.
    Methods(Vec<String>),
    /// What a text says.
    Space(Box<SpaceFile>),
}

/// What is made of the best of each method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TuningResult {
    /// The best of all.
    BestMethod,
    /// Their blend, if it is better than the best of all.
    Committee,
}

/// Whether a model takes what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storing {
    /// If it is better than its recipe.
    IfBetter,
    /// Not at all: only what would be is asked.
    Never,
}

/// What a search found.
#[derive(Debug, Clone)]
pub(crate) struct Tuned {
    /// Every trial, by method, then by number.
    pub(crate) trials: Vec<TrialRecord>,
    /// The best recipe, in TOML.
    pub(crate) pipeline: String,
    /// What it reached on the events it was chosen by.
    pub(crate) reached: Figure,
    /// How it stands beside the recipe of the model; none if nobody could be asked.
    pub(crate) comparison: Option<Comparison>,
    /// Whether it is the recipe of the model now.
    pub(crate) applied: bool,
    /// Why, or why not.
    pub(crate) verdict: String,
}

/// The best of a search.
struct Best {
    trials: Vec<TrialRecord>,
    recipe: PipelineConfig,
    reached: Figure,
}

impl Registry {
    /// Begins a search for a model; what the operation answers is made by `answer`.
    ///
    /// # Errors
    /// As [`Registry::begin_training`], but that no directory is needed.
    pub(crate) fn begin_tuning<R: prost::Name>(
        &self,
        id: &str,
        order: TuningOrder,
        answer: impl FnOnce(&Tuned) -> R + Send + 'static,
    ) -> Result<Operation, Refusal> {
        self.begin("TuneModel", id, move |registry, id, progress| {
            Ok(answer(&registry.tune(id, &order, progress)?))
        })
    }

    fn tune(&self, id: &str, order: &TuningOrder, progress: &Progress) -> Result<Tuned, Refusal> {
        let material = self.material(id, progress)?;
        let study = self.study(&material, &order.metric, progress)?;
        let best = self.search(&material, &study, order, progress)?;
        drop(study);
        let comparison = self.beside(&material, &best.recipe, &order.metric, progress)?;
        let (applied, verdict) =
            self.settle(&material, &best.recipe, comparison.as_ref(), order)?;
        Ok(Tuned {
            trials: best.trials,
            pipeline: best.recipe.to_toml()?,
            reached: best.reached,
            comparison,
            applied,
            verdict,
        })
    }

    /// The questions that settings are chosen by: of events before the latest window.
    fn study(
        &self,
        material: &Material,
        metric: &str,
        progress: &Progress,
    ) -> Result<Study, Refusal> {
        let policy = &material.document.policy;
        let table = Arc::clone(material.dataset.table());
        let products = self.store()?.products();
        let options = self.running(policy.seed, "making questions", progress);
        let study = || {
            let train = 1.0 - policy.window_share;
            let window = Splitter::TimeShare { train }.split(&table, policy.seed)?;
            let validation = Validation::hold_out(&table, window.train(), None, policy.seed)?;
            let data = StudyData {
                table,
                split: validation.split,
                products,
                cases: recommender_core::evaluation::Questions::default(),
                interactions: material.config.interactions.clone(),
            };
            Study::new(data, metric)
        };
        Ok(giving_way(|| options.run(study))?)
    }

    fn search(
        &self,
        material: &Material,
        study: &Study,
        order: &TuningOrder,
        progress: &Progress,
    ) -> Result<Best, Refusal> {
        let options = FitOptions {
            // How far the search is says more than how far a trial is.
            progress: None,
            ..self.running(material.document.policy.seed, "searching", progress)
        };
        let spaces = order.searched.spaces(&material.config, &study.facts())?;
        let begun = Instant::now();
        let clock = move || begun.elapsed().as_secs_f64();
        let tuner = Tuner::new(order.budget, Sampler::default(), options.clone(), clock)?;
        let all = order.budget.trials.saturating_mul(spaces.len() as u64);
        let mut made = 0;
        let mut tell = |_: &_| {
            made += 1;
            progress.succeeded(made);
            progress.fraction(Some(made as f64 / all as f64));
            Ok(())
        };
        let report = giving_way(|| tuner.run(study, &spaces, &[], &mut tell))?;
        let committee = match order.result {
            TuningResult::BestMethod => None,
            TuningResult::Committee => {
                progress.stage("blending");
                Some(giving_way(|| Committee::learn(study, &report, &options))?)
            }
        };
        Ok(best_of(report, committee, (study, &material.config)))
    }

    /// How `recipe` stands beside that of the model on the latest window, which played no role in its choice.
    fn beside(
        &self,
        material: &Material,
        recipe: &PipelineConfig,
        metric: &str,
        progress: &Progress,
    ) -> Result<Option<Comparison>, Refusal> {
        let policy = &material.document.policy;
        let judgement = Judgement {
            dataset: &material.dataset,
            products: self.store()?.products(),
            candidate: recipe,
            incumbent: Some((0, material.config.clone())),
            metrics: metrics_with(metric)?,
            window_share: policy.window_share,
            options: self.running(policy.seed, "judging", progress),
        };
        let comparison = giving_way(|| judgement.compare())?;
        Ok(comparison.map(|comparison| Comparison {
            // Not a version, but the recipe as it stands.
            incumbent_version: None,
            ..comparison
        }))
    }

    /// Stores the recipe that was found if it is to be; says whether, and why.
    fn settle(
        &self,
        material: &Material,
        recipe: &PipelineConfig,
        comparison: Option<&Comparison>,
        order: &TuningOrder,
    ) -> Result<(bool, String), Refusal> {
        let mut differences = comparison.into_iter().flat_map(|it| &it.difference);
        let Some(difference) = differences.find(|it| it.metric == order.metric) else {
            let reason = "held back: the latest window leaves nobody to ask";
            return Ok((false, reason.into()));
        };
        let found = format!("{} beside the recipe of the model", told(difference));
        if difference.mean <= 0.0 {
            return Ok((false, format!("held back: {found}")));
        }
        if order.storing == Storing::Never {
            let reason = format!("held back: only what would be was asked; {found}");
            return Ok((false, reason));
        }
        let (before, text) = (&material.document.pipeline, recipe.to_toml()?);
        let mut applied = false;
        self.change(&material.document.id, |document| {
            applied = document.pipeline == *before;
            if applied {
                document.pipeline = text;
            }
            Ok(())
        })?;
        Ok(match applied {
            true => (true, format!("applied: {found}")),
            false => (false, "held back: the recipe was changed meanwhile".into()),
        })
    }
}

impl Searched {
    fn spaces(&self, recipe: &PipelineConfig, facts: &DataFacts) -> Result<Vec<ModelSpace>, Error> {
        let usual = |method: &str| {
            let parameters = built_in(method, facts);
            let missing = || Error::Internal(format!("{method} has no built-in space"));
            ModelSpace::new(method, method, parameters.ok_or_else(missing)?)
        };
        match self {
            Self::Space(file) => {
                let spaces = file.spaces(facts)?;
                if spaces.len() > MOST_SPACES {
                    let expected = format!("at most {MOST_SPACES} models");
                    return Err(Error::config("search_space", expected, spaces.len()));
                }
                Ok(spaces)
            }
            Self::Methods(methods) => methods.iter().map(|method| usual(method)).collect(),
            Self::Recipe => {
                let mut known = BTreeSet::new();
                let methods = recipe.sources.iter().map(|source| source.model.name());
                let methods = methods.filter(|method| known.insert(*method));
                methods.map(usual).collect()
            }
        }
    }
}

/// The best of a search: the committee if it is better than the best method alone.
fn best_of(
    report: TuningReport,
    committee: Option<Committee>,
    (study, present): (&Study, &PipelineConfig),
) -> Best {
    let (_, best) = report.best();
    let mut reached = Figure {
        metric: report.metric.clone(),
        mean: best.score,
        low: best.record.low,
        high: best.record.high,
        queries: study.cases().len() as u64,
    };
    let better = committee.filter(|committee| committee.score > committee.best_single_score);
    let recipe = match better {
        Some(committee) => {
            // Its mean is cross-validated; only its difference to the best method has an interval.
            reached.mean = committee.score;
            (reached.low, reached.high) = (None, None);
            committee.pipeline
        }
        None => report.pipeline(),
    };
    let records = report.models.into_iter().flat_map(|model| model.records);
    Best {
        trials: records.collect(),
        recipe: within(recipe, present),
        reached,
    }
}

/// What was found of sources and their blend, with all else of the recipe that it is to replace.
fn within(found: PipelineConfig, present: &PipelineConfig) -> PipelineConfig {
    let is_free = |source: &&SourceConfig| {
        let mut names = found.sources.iter().map(SourceConfig::name);
        names.all(|name| name != source.name())
    };
    let fallback = present.fallback.as_ref().filter(is_free).cloned();
    PipelineConfig {
        pool: present.pool,
        rerank: present.rerank.clone(),
        fallback: fallback.or(found.fallback.clone()),
        ..found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(text: &str) -> PipelineConfig {
        PipelineConfig::from_toml(text).unwrap()
    }

    #[test]
    fn what_is_found_keeps_the_rules_and_the_fallback_of_the_recipe() {
        let present = recipe(
            "pool = 77\n[[sources]]\nmodel = { kind = \"item_knn\" }\n[fallback]\nmodel = { kind = \"popularity\", per_place = true }",
        );
        let found = recipe(
            "[[sources]]\nmodel = { kind = \"ease\" }\n[fallback]\nmodel = { kind = \"popularity\" }",
        );
        let whole = within(found, &present);
        assert_eq!((whole.pool, &whole.fallback), (77, &present.fallback));
        assert_eq!(whole.sources[0].name(), "ease");
        assert!(whole.validate().is_ok());
        let popular = recipe("[[sources]]\nmodel = { kind = \"popularity\" }");
        let whole = within(popular, &present);
        assert!(whole.fallback.is_none() && whole.validate().is_ok());
    }

    #[test]
    fn the_methods_of_a_recipe_are_searched_once_each() {
        let twice = recipe(
            "[[sources]]\nname = \"a\"\nmodel = { kind = \"popularity\" }\n[[sources]]\nname = \"b\"\nmodel = { kind = \"popularity\" }",
        );
        let facts = DataFacts {
            items: 10,
            users: 10,
            span_days: 1.0,
            repeats: false,
            quantities: false,
            kinds: Vec::new(),
        };
        let spaces = Searched::Recipe.spaces(&twice, &facts).unwrap();
        assert_eq!(spaces.len(), 1);
        assert_eq!(spaces[0].name(), "popularity");
    }
}
