//! A model as it is kept in the store.

use recommender_core::Timestamp;
use recommender_core::artifact::Manifest;
use serde::{Deserialize, Serialize};

/// A model: its recipe, when it is trained, and its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModelDocument {
    /// Its own name within the catalogue.
    pub(crate) id: String,
    /// For people.
    pub(crate) display_name: String,
    /// The recipe, in TOML.
    pub(crate) pipeline: String,
    /// When and how it is trained.
    pub(crate) policy: TrainingPolicy,
    /// Whether its schedule stands still.
    pub(crate) paused: bool,
    /// When it was made.
    pub(crate) create_time: Timestamp,
    /// When it was last changed.
    pub(crate) update_time: Timestamp,
    /// The version in service.
    pub(crate) serving: Option<u64>,
    /// The version before it.
    pub(crate) previous: Option<u64>,
    /// The highest number that a version was ever given.
    pub(crate) last_version: u64,
    /// The versions on the disk, the oldest first.
    pub(crate) versions: Vec<Version>,
    /// How the last training went.
    pub(crate) last_training: Option<LastTraining>,
}

/// When and how a model is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrainingPolicy {
    /// Milliseconds from one training to the next; none means not by the clock.
    pub(crate) every_ms: Option<i64>,
    /// Events from one training to the next; none means not by events.
    pub(crate) after_events: Option<u64>,
    /// Whether a version takes the place of the one in service.
    pub(crate) promotion: Promotion,
    /// Share of the events that are the latest window.
    pub(crate) window_share: f64,
    /// Versions kept besides the one in service and the one before it.
    pub(crate) keep_versions: usize,
    /// Seed of everything random.
    pub(crate) seed: u64,
}

impl Default for TrainingPolicy {
    fn default() -> Self {
        Self {
            every_ms: None,
            after_events: None,
            promotion: Promotion::default(),
            window_share: 0.1,
            keep_versions: 3,
            seed: 0,
        }
    }
}

/// Whether a new version takes the place of the one in service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Promotion {
    /// Always.
    Always,
    /// If the mean of the paired differences is at least `-tolerance`.
    NotWorse {
        /// The figure that counts, such as `ndcg@20`.
        metric: String,
        /// How far it may fall, in the unit of the metric.
        tolerance: f64,
    },
    /// Only when someone says so.
    Manual,
}

impl Default for Promotion {
    fn default() -> Self {
        Self::NotWorse {
            metric: "ndcg@20".to_owned(),
            tolerance: 0.0,
        }
    }
}

/// A trained state of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    /// Counted from 1, never used again.
    pub(crate) number: u64,
    /// When it was made.
    pub(crate) create_time: Timestamp,
    /// What it was made of.
    pub(crate) made: Made,
    /// How it stood then; none if nobody could be asked.
    pub(crate) comparison: Option<Comparison>,
    /// Bytes of its files.
    pub(crate) bytes: u64,
    /// Why it took the place of the one in service, or why not.
    pub(crate) verdict: String,
}

/// What a version was made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Made {
    /// Digest of the data.
    pub(crate) data_digest: String,
    /// The recipe, in TOML.
    pub(crate) config: String,
    /// Seed of everything random.
    pub(crate) seed: u64,
    /// Version of the crate.
    pub(crate) crate_version: String,
    /// What its answers name as their model's version.
    pub(crate) model_digest: String,
    /// Events learned from.
    pub(crate) events: u64,
    /// The time of the last of them.
    pub(crate) events_end: Timestamp,
    /// Products known.
    pub(crate) products: u64,
}

impl Made {
    /// What an artefact says of itself.
    pub(crate) fn of(manifest: &Manifest) -> recommender_core::Result<Self> {
        let training = &manifest.training;
        Ok(Self {
            data_digest: training.data_digest.clone(),
            config: manifest.pipeline.to_toml()?,
            seed: training.seed,
            crate_version: manifest.crate_version.clone(),
            model_digest: manifest.model_version().to_owned(),
            events: training.events,
            events_end: training.end,
            products: manifest.items as u64,
        })
    }
}

/// How a candidate stands beside the version in service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// The first moment of the window.
    pub(crate) window_start: Option<Timestamp>,
    /// Questions asked.
    pub(crate) queries: u64,
    /// Figures of the candidate.
    pub(crate) candidate: Vec<Figure>,
    /// Figures of the version in service.
    pub(crate) incumbent: Vec<Figure>,
    /// Candidate minus incumbent, question by question.
    pub(crate) difference: Vec<Figure>,
    /// The version that was in service.
    pub(crate) incumbent_version: Option<u64>,
}

/// A figure with its 95 % interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// Which one, such as `ndcg@20`.
    pub(crate) metric: String,
    /// The mean.
    pub(crate) mean: f64,
    /// Lower end of the interval.
    pub(crate) low: Option<f64>,
    /// Upper end.
    pub(crate) high: Option<f64>,
    /// Questions it covers.
    pub(crate) queries: u64,
}

/// How the last training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastTraining {
    /// When it began.
    pub(crate) time: Timestamp,
    /// How many events there were.
    pub(crate) events: u64,
    /// Why it failed, if it did.
    pub(crate) error: Option<String>,
}

impl ModelDocument {
    /// A model that is not trained yet.
    pub(crate) fn new(id: &str, now: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            display_name: String::new(),
            pipeline: String::new(),
            policy: TrainingPolicy::default(),
            paused: false,
            create_time: now,
            update_time: now,
            serving: None,
            previous: None,
            last_version: 0,
            versions: Vec::new(),
            last_training: None,
        }
    }

    /// The version of this number.
    pub(crate) fn version(&self, number: u64) -> Option<&Version> {
        self.versions
            .iter()
            .find(|version| version.number == number)
    }

    /// Puts a version in service, and remembers the one before it.
    pub(crate) fn serve(&mut self, number: u64) {
        if self.serving != Some(number) {
            self.previous = self.serving;
        }
        self.serving = Some(number);
    }

    /// Takes out the versions beyond those that are kept, and gives their numbers: the one in service, the one before
    /// it and the latest others stay.
    pub(crate) fn take_old(&mut self) -> Vec<u64> {
        let in_use = [self.serving, self.previous];
        let is_used = |version: &&Version| in_use.contains(&Some(version.number));
        let others = self.versions.iter().filter(|version| !is_used(version));
        let others: Vec<u64> = others.map(|version| version.number).collect();
        let surplus = others.len().saturating_sub(self.policy.keep_versions);
        let old = others[..surplus].to_vec();
        self.versions
            .retain(|version| !old.contains(&version.number));
        old
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(versions: u64, keep_versions: usize) -> ModelDocument {
        let mut model = ModelDocument::new("daily", Timestamp(1));
        model.policy.keep_versions = keep_versions;
        let version = |number| Version {
            number,
            create_time: Timestamp(1),
            made: Made {
                data_digest: String::new(),
                config: String::new(),
                seed: 0,
                crate_version: String::new(),
                model_digest: String::new(),
                events: 0,
                events_end: Timestamp(0),
                products: 0,
            },
            comparison: None,
            bytes: 0,
            verdict: String::new(),
        };
        model.versions = (1..=versions).map(version).collect();
        model
    }

    #[test]
    fn old_versions_go_but_for_those_in_use() {
        let mut model = model(6, 2);
        model.serve(2);
        model.serve(1);
        assert_eq!((model.serving, model.previous), (Some(1), Some(2)));
        assert_eq!(model.take_old(), [3, 4]);
        let left: Vec<u64> = model
            .versions
            .iter()
            .map(|version| version.number)
            .collect();
        assert_eq!(left, [1, 2, 5, 6]);
        assert!(model.take_old().is_empty());
    }

    #[test]
    fn serving_the_same_version_again_keeps_the_one_before() {
        let mut model = model(2, 2);
        model.serve(1);
        model.serve(2);
        model.serve(2);
        assert_eq!((model.serving, model.previous), (Some(2), Some(1)));
    }

    #[test]
    fn a_model_is_read_as_it_was_written() {
        let model = model(2, 1);
        let text = serde_json::to_vec(&model).unwrap();
        assert_eq!(
            serde_json::from_slice::<ModelDocument>(&text).unwrap(),
            model
        );
    }
}
