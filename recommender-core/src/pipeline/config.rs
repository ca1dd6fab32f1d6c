//! What a pipeline is made of. The only file that names all models.

use std::any::Any;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::artifact::Tensors;
use crate::catalog::Catalog;
use crate::dataset::{Change, Dataset};
use crate::error::{Error, Result};
use crate::interactions::InteractionConfig;
use crate::models::{
    AssociationRules, AssociationRulesConfig, Bpr, BprConfig, Content, ContentConfig, Ease,
    EaseConfig, EdlaeConfig, GraphFilter, GraphFilterConfig, Ials, IalsConfig, ItemKnn,
    ItemKnnConfig, PersonalFrequency, PersonalFrequencyConfig, Popularity, PopularityConfig,
    Random, RandomConfig, RdlaeConfig, Repurchase, RepurchaseConfig, Rp3Beta, Rp3BetaConfig, Sansa,
    SansaConfig, Sequence, SequenceConfig, SequentialRules, SequentialRulesConfig, Slim,
    SlimConfig, TifuKnn, TifuKnnConfig, UpCf, UpCfConfig, UserKnn, UserKnnConfig, VmisKnn,
    VmisKnnConfig, Vstan, VstanConfig,
};
use crate::models::{Model, Upkeep};
use crate::pipeline::blend::{BandConfig, Blend, BlendConfig};
use crate::pipeline::rerank::RerankConfig;
use crate::pipeline::{FittedSource, Pipeline};
use crate::recommender::FitOptions;

/// Most sources a pipeline may have.
const MAX_SOURCES: usize = 64;

macro_rules! models {
    ($($(#[$doc:meta])* $variant:ident($config:ident => $model:ident, $upkeep:ident) = $name:literal,)*) => {
        /// A model and its settings; `kind` in a file is the model's name.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        #[non_exhaustive]
        pub enum ModelConfig {
            $($(#[$doc])* #[serde(rename = $name)] $variant($config),)*
        }

        impl ModelConfig {
            /// Names of all models, as files and the command line write them.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The name of this model.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// Checks the ranges of its settings.
            ///
            /// # Errors
            /// [`Error::Config`] naming the setting out of range.
            pub fn validate(&self) -> Result<()> {
                match self { $(Self::$variant(config) => config.validate(),)* }
            }

            /// Learns the model from `dataset`.
            ///
            /// # Errors
            /// [`Error::Config`] if a setting is out of range, [`Error::Data`] if the data can't carry the model,
            /// [`Error::Cancelled`] if the caller asked to stop.
            pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Box<dyn Model>> {
                match self { $(Self::$variant(config) => Ok(Box::new(config.fit(dataset, options)?)),)* }
            }

            /// How the model follows a change of its data.
            #[must_use]
            pub fn upkeep(&self) -> Upkeep {
                match self { $(Self::$variant(_) => Upkeep::$upkeep,)* }
            }

            /// The model after `change`, learned from `fitted`, which this configuration fitted to
            /// [`Change::before`]: as good as a new fit by [`ModelConfig::upkeep`].
            ///
            /// # Errors
            /// As [`ModelConfig::fit`]; [`Error::Internal`] if `fitted` is another kind of model.
            pub fn update(
                &self,
                fitted: &dyn Model,
                change: &Change<'_>,
                options: &FitOptions,
            ) -> Result<Box<dyn Model>> {
                match self {
                    $(Self::$variant(config) => {
                        let fitted: Option<&$model> = (fitted as &dyn Any).downcast_ref();
                        let fitted = fitted.ok_or_else(|| {
                            Error::Internal(format!("the fitted model is no {}", self.name()))
                        })?;
                        Ok(Box::new(models!(@update $upkeep, config, fitted, change, options)?))
                    })*
                }
            }

            /// Takes the model up again from what [`Model::save`] put down.
            ///
            /// # Errors
            /// [`Error::Data`] if `tensors` do not hold such a model.
            pub fn load(&self, tensors: &Tensors) -> Result<Box<dyn Model>> {
                match self { $(Self::$variant(_) => Ok(Box::new($model::load(tensors)?)),)* }
            }
        }
    };
    (@update Refit, $config:ident, $fitted:ident, $change:ident, $options:ident) => {{
        let _: &_ = $fitted;
        $config.fit($change.after(), $options)
    }};
    (@update $upkeep:ident, $config:ident, $fitted:ident, $change:ident, $options:ident) => {
        $config.update($fitted, $change, $options)
    };
}

models! {
    /// What is taken together with what is at hand.
    AssociationRules(AssociationRulesConfig => AssociationRules, Refit) = "association_rules",
    /// Vectors of items that put what shoppers chose before what they did not.
    Bpr(BprConfig => Bpr, Approximate) = "bpr",
    /// Products whose descriptions are like those the shopper chose.
    Content(ContentConfig => Content, Refit) = "content",
    /// The linear map that predicts each item from the others.
    Ease(EaseConfig => Ease, Exact) = "ease",
    /// The same for histories of which a part is missing.
    Edlae(EdlaeConfig => Ease, Exact) = "edlae",
    /// Vectors of users and items whose products tell what was chosen, by alternating least squares.
    Ials(IalsConfig => Ials, Approximate) = "ials",
    /// The history smoothed over the graph of items.
    GraphFilter(GraphFilterConfig => GraphFilter, Refit) = "graph_filter",
    /// Items that the same users have.
    ItemKnn(ItemKnnConfig => ItemKnn, Exact) = "item_knn",
    /// What the shopper takes most often.
    PersonalFrequency(PersonalFrequencyConfig => PersonalFrequency, Exact) = "personal_frequency",
    /// What most shoppers choose.
    Popularity(PopularityConfig => Popularity, Exact) = "popularity",
    /// Any item as likely as any other.
    Random(RandomConfig => Random, Refit) = "random",
    /// What the shopper is due to buy again.
    Repurchase(RepurchaseConfig => Repurchase, Exact) = "repurchase",
    /// Where a walk from item to shopper to item leads, popular items held back.
    Rp3Beta(Rp3BetaConfig => Rp3Beta, Exact) = "rp3beta",
    /// What comes next after all that the shopper did, in its order, by self-attention.
    Sequence(SequenceConfig => Sequence, Refit) = "sequence",
    /// What usually follows the item at hand.
    SequentialRules(SequentialRulesConfig => SequentialRules, Refit) = "sequential_rules",
    /// Each item as a sparse sum of the others.
    Slim(SlimConfig => Slim, Refit) = "slim",
    /// What the shopper and shoppers like her take again and again, what is old counting less.
    TifuKnn(TifuKnnConfig => TifuKnn, Exact) = "tifu_knn",
    /// What the shopper and shoppers who have the same things take of late.
    UpCf(UpCfConfig => UpCf, Exact) = "up_cf",
    /// What shoppers with a like history have.
    UserKnn(UserKnnConfig => UserKnn, Exact) = "user_knn",
    /// What sessions like the visit at hand hold.
    VmisKnn(VmisKnnConfig => VmisKnn, Refit) = "vmis_knn",
    /// The same with decays over places, ages and distances.
    Vstan(VstanConfig => Vstan, Refit) = "vstan",
    /// The same with items that may predict themselves, up to a bound.
    Rdlae(RdlaeConfig => Ease, Exact) = "rdlae",
    /// The linear map between items near one another, for large catalogues.
    Sansa(SansaConfig => Sansa, Refit) = "sansa",
}

impl ModelConfig {
    /// Whether it follows a change exactly, and all it learns from is who did what with which item, how and when, as a
    /// fitted engine holds it: neither places nor visits nor products.
    #[must_use]
    pub fn follows_histories(&self) -> bool {
        if let Self::Popularity(config) = self {
            return !config.per_place;
        }
        matches!(
            self,
            Self::Ease(_) | Self::Edlae(_) | Self::Rdlae(_) | Self::ItemKnn(_) | Self::Rp3Beta(_)
        )
    }

    /// A model by its name, with `settings` over its defaults, as `{"kind": name, …}` in a file.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown name (saying which exist), an unknown setting (saying which exist)
    /// or a value out of range.
    pub fn from_settings(
        name: &str,
        settings: serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self> {
        if !Self::NAMES.contains(&name) {
            let expected = format!("one of {}", Self::NAMES.join(", "));
            return Err(Error::config("model", expected, format!("\"{name}\"")));
        }
        let mut object = settings;
        object.insert("kind".into(), name.into());
        let config: Self = serde_json::from_value(object.into())
            .map_err(|error| Error::config(name, "settings of this model", error))?;
        config.validate()?;
        Ok(config)
    }
}

/// A source of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Name that answers are attributed to; the model's name, if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Weight in the blend, above 0, or 0 if a band of the blend gives the source a weight.
    #[serde(default = "default_weight")]
    pub weight: f32,
    /// The model.
    pub model: ModelConfig,
}

fn default_weight() -> f32 {
    1.0
}

impl SourceConfig {
    /// The name that answers are attributed to.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.model.name())
    }
}

/// A whole recipe: how events are weighed, which models propose, how their lists become one answer.
///
/// | field | default | range |
/// |---|---|---|
/// | `pool` | 200 | 1..=10,000: how many items each source proposes |
/// | `interactions` | see [`InteractionConfig`] | |
/// | `sources` | | 1..=64, names unique |
/// | `blend` | reciprocal rank | see [`BlendConfig`] |
/// | `fallback` | none | a source that fills what the others can't |
/// | `rerank` | none | see [`RerankConfig`] |
///
/// ```
/// use recommender_core::pipeline::PipelineConfig;
/// let config = PipelineConfig::from_toml(r#"
///     [[sources]]
///     model = { kind = "random" }
/// "#)?;
/// assert_eq!(config.sources[0].name(), "random");
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineConfig {
    /// How many items each source proposes, at least as many as are asked for.
    #[serde(default = "default_pool")]
    pub pool: usize,
    /// How events are weighed.
    #[serde(default)]
    pub interactions: InteractionConfig,
    /// Who proposes.
    pub sources: Vec<SourceConfig>,
    /// How lists are merged.
    #[serde(default)]
    pub blend: BlendConfig,
    /// Who fills what the sources can't: usually popularity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<SourceConfig>,
    /// What reorders the list, in this order.
    #[serde(default)]
    pub rerank: Vec<RerankConfig>,
}

fn default_pool() -> usize {
    200
}

impl PipelineConfig {
    /// A recipe of these sources, all else at its default.
    #[must_use]
    pub fn of_sources(sources: Vec<SourceConfig>) -> Self {
        Self {
            pool: default_pool(),
            interactions: InteractionConfig::default(),
            sources,
            blend: BlendConfig::default(),
            fallback: None,
            rerank: Vec::new(),
        }
    }

    /// Reads and checks a recipe.
    ///
    /// # Errors
    /// [`Error::Config`] naming the setting that is unknown, missing or out of range.
    pub fn from_toml(text: &str) -> Result<Self> {
        let config: Self = toml::from_str(text)
            .map_err(|error| Error::config("pipeline", "a pipeline in TOML", error))?;
        config.validate()?;
        Ok(config)
    }

    /// The recipe as a file would say it.
    ///
    /// # Errors
    /// [`Error::Internal`] only.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::Internal(error.to_string()))
    }

    /// Checks everything but the data.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        if !(1..=10_000).contains(&self.pool) {
            return Err(Error::config(
                "pool",
                "a whole number from 1 to 10,000",
                self.pool,
            ));
        }
        if !(1..=MAX_SOURCES).contains(&self.sources.len()) {
            return Err(Error::config(
                "sources",
                "1 to 64 sources",
                self.sources.len(),
            ));
        }
        let mut names = BTreeSet::new();
        for source in self.sources.iter().chain(&self.fallback) {
            if !names.insert(source.name()) {
                let found = format!("\"{}\" twice", source.name());
                return Err(Error::config(
                    "sources.name",
                    "a name of its own for each source",
                    found,
                ));
            }
            let in_band = |band: &BandConfig| band.weights.get(source.name()) > Some(&0.0);
            let counts = source.weight > 0.0 || self.blend.bands().iter().any(in_band);
            if !(source.weight.is_finite() && source.weight >= 0.0 && counts) {
                return Err(Error::config(
                    "sources.weight",
                    "a finite number above 0, or 0 where a band of the blend gives a weight",
                    source.weight,
                ));
            }
            source.model.validate()?;
        }
        self.interactions.validate()?;
        let sources: Vec<&str> = self.sources.iter().map(SourceConfig::name).collect();
        self.blend.validate(&sources)?;
        self.rerank.iter().try_for_each(RerankConfig::validate)
    }

    /// Fits every source to `dataset`, which should have been made with [`PipelineConfig::interactions`].
    ///
    /// # Errors
    /// As [`ModelConfig::fit`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Pipeline> {
        options.run(|| {
            self.assemble(dataset.catalog(), |source| {
                options.step(source.name(), 0.0)?;
                source.model.fit(dataset, options)
            })
        })
    }

    /// Puts a pipeline together from the sources that `model` gives.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is out of range, else what `model` gives.
    pub fn assemble(
        &self,
        catalog: &Catalog,
        mut model: impl FnMut(&SourceConfig) -> Result<Box<dyn Model>>,
    ) -> Result<Pipeline> {
        self.validate()?;
        let weights: Vec<(&str, f32)> = self
            .sources
            .iter()
            .map(|source| (source.name(), source.weight))
            .collect();
        let mut fitted = |source: &SourceConfig| {
            Ok::<_, Error>(FittedSource {
                name: source.name().to_owned(),
                model: model(source)?,
            })
        };
        Ok(Pipeline {
            sources: self
                .sources
                .iter()
                .map(&mut fitted)
                .collect::<Result<_>>()?,
            fallback: self.fallback.as_ref().map(&mut fitted).transpose()?,
            blend: Blend::new(self.blend.clone(), &weights),
            reranks: self
                .rerank
                .iter()
                .map(|rerank| rerank.build(catalog))
                .collect(),
            pool: self.pool,
        })
    }
}
