//! An evaluation as it is asked for, and as it is kept in the store.

use recommender_core::Timestamp;
use recommender_core::evaluation::{MetricList, MetricReport, Report};
use recommender_core::pipeline::PipelineConfig;
use serde::{Deserialize, Serialize};

use crate::training::document::Figure;
use crate::training::policy::PolicyDocument;

/// What is to be judged, and how.
#[derive(Debug, Clone)]
pub(crate) struct OfflineOrder {
    /// Its own name within the catalogue.
    pub(crate) id: String,
    /// What is judged.
    pub(crate) subject: Subject,
    /// Which events are asked about.
    pub(crate) cut: Cut,
    /// The figures.
    pub(crate) metrics: MetricList,
    /// By what the questions are parted besides.
    pub(crate) segments: Vec<Dimension>,
    /// Seed of everything random.
    pub(crate) seed: u64,
}

/// What is judged.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// The recipe of the model of this id.
    Model(String),
    /// This recipe.
    Recipe(Box<PipelineConfig>),
}

/// Which events are learned from, and which are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cut {
    /// This share of the events, by time, is learned from.
    TimeShare(f64),
    /// What came before this moment is learned from.
    Time(Timestamp),
    /// So many of each shopper's last events are asked about.
    LastN(usize),
    /// Shoppers are dealt into so many folds.
    KFold(usize),
}

impl Default for Cut {
    fn default() -> Self {
        Self::TimeShare(0.8)
    }
}

/// By what questions are parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dimension {
    /// Shoppers by what is known of them.
    Users,
    /// Right products by how many bought them.
    Items,
    /// Stores.
    Place,
    /// Channels.
    Channel,
}

/// A part of the questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// By what they are parted.
    pub(crate) dimension: Dimension,
    /// Which part.
    pub(crate) value: String,
}

impl Part {
    /// Its name among the slices of a report.
    pub(crate) fn slice(&self) -> String {
        let dimension = match self.dimension {
            Dimension::Users => "users",
            Dimension::Items => "items",
            Dimension::Place => "place",
            Dimension::Channel => "channel",
        };
        format!("{dimension}:{}", self.value)
    }
}

/// Figures of a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SegmentFigures {
    /// Which part.
    pub(crate) part: Part,
    /// Questions that belong to it.
    pub(crate) queries: u64,
    /// Its figures.
    pub(crate) metrics: Vec<Figure>,
}

/// An evaluation that has ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct EvaluationDocument {
    /// Its own name within the catalogue.
    pub(crate) id: String,
    /// The model whose recipe was judged; none if a recipe was given.
    pub(crate) model: Option<String>,
    /// The recipe, in TOML.
    pub(crate) pipeline: String,
    /// How events were split.
    pub(crate) cut: Cut,
    /// Seed of everything random.
    pub(crate) seed: u64,
    /// When it was begun.
    pub(crate) create_time: Timestamp,
    /// When it ended.
    pub(crate) end_time: Timestamp,
    /// Figures over all questions.
    pub(crate) metrics: Vec<Figure>,
    /// Figures of parts.
    pub(crate) segments: Vec<SegmentFigures>,
    /// Questions asked.
    pub(crate) queries: u64,
    /// Events learned from.
    pub(crate) train_events: u64,
    /// Events asked about.
    pub(crate) test_events: u64,
    /// The moment of a split by global time.
    pub(crate) split_time: Option<Timestamp>,
    /// Shoppers with events to be asked about who were not asked.
    pub(crate) dropped_users: u64,
    /// Seconds that the fit took.
    pub(crate) fit_seconds: f64,
    /// Digest of the split.
    pub(crate) split_digest: String,
    /// What was found of a serving config; none where a recipe was judged.
    #[serde(default)]
    pub(crate) policy: Option<PolicyDocument>,
}

impl EvaluationDocument {
    /// What a report on one recipe says, with these parts of it.
    pub(crate) fn of(report: &Report, parts: &[Part]) -> Self {
        let model = report.models.first().cloned().unwrap_or_default();
        let segment = |part: &Part| {
            let slice = model.slices.get(&part.slice())?;
            (slice.queries > 0).then(|| SegmentFigures {
                part: part.clone(),
                queries: slice.queries,
                metrics: figures(&slice.metrics),
            })
        };
        Self {
            metrics: figures(&model.metrics),
            segments: parts.iter().filter_map(segment).collect(),
            queries: model.queries,
            train_events: report.split.train_events,
            test_events: report.split.test_events,
            split_time: report.split.time,
            dropped_users: report.cases.dropped.values().sum(),
            fit_seconds: model.fit_seconds.unwrap_or_default(),
            split_digest: report.split.sha256.clone(),
            ..Self::default()
        }
    }
}

/// The figures of a report that cover anything.
pub(super) fn figures<'a>(
    metrics: impl IntoIterator<Item = (&'a String, &'a MetricReport)>,
) -> Vec<Figure> {
    let figure = |(metric, report): (&String, &MetricReport)| {
        Some(Figure {
            metric: metric.clone(),
            mean: report.mean?,
            low: report.low,
            high: report.high,
            queries: report.queries,
        })
    };
    metrics.into_iter().filter_map(figure).collect()
}
